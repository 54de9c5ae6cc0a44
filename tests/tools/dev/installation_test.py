"""The installed package: pip's files, its commands, and a step of training.

It is installed from a copy of the sources, without its requirements, which the
environment of the tests has.
"""

import os
import shutil
import subprocess
import sys

from absl.testing import absltest

from tests.helpers import record_fixture
from tools.base import manifest

_SOURCES = (
    'LICENSE',
    'README.md',
    'cifar10_compat',
    'pyproject.toml',
    'setup.py',
    'tools',
)


class InstallationTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # Of its own, since create_tempdir() is a test's.
    cls.scratch = os.path.join(absltest.TEST_TMPDIR.value, 'installation')
    sources = os.path.join(cls.scratch, 'sources')
    os.makedirs(sources)
    for name in _SOURCES:
      path = os.path.join(manifest.ROOT, name)
      copy = shutil.copytree if os.path.isdir(path) else shutil.copyfile
      copy(path, os.path.join(sources, name))
    cls.target = os.path.join(cls.scratch, 'target')
    subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-index']
        + [
            '--no-deps',
            '--no-build-isolation',
            '--target',
            cls.target,
            sources,
        ],
        check=True,
    )

  def _run(self, script, *args):
    # PYTHONPATH leads to the installed files alone.
    return subprocess.run(
        [os.path.join(self.target, 'bin', script), *args],
        capture_output=True,
        text=True,
        cwd=self.scratch,
        env=dict(os.environ, PYTHONPATH=self.target),
    )

  def test_nothing_but_packages_of_our_name(self):
    self.assertEqual(
        ['bin', 'cifar10_compat', 'cifar10_compat_tools'],
        sorted(n for n in os.listdir(self.target) if 'dist-info' not in n),
    )

  def test_each_command_explains_itself(self):
    scripts = os.listdir(os.path.join(self.target, 'bin'))
    self.assertContainsSubset(
        ['cifar10_train', 'cifar10_launch', 'cifar10_make_records'], scripts
    )
    for script in scripts:
      with self.subTest(script):
        result = self._run(script, '--help')
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertNotIn('Traceback', result.stderr)
        self.assertGreater(len(result.stdout.splitlines()), 4)

  def test_a_step_of_training_by_launch(self):
    data = self.create_tempdir().full_path
    record_fixture.write_set(data, *record_fixture.random_images(20))
    train_dir = self.create_tempdir().full_path
    # launch starts the trainer by its module's name.
    result = self._run(
        'cifar10_launch',
        '--dataset=' + data,
        '--train_dir=' + train_dir,
        '--batch_size=8',
        '--max_steps=1',
    )
    self.assertEqual(0, result.returncode, result.stderr)
    self.assertRegex(result.stdout, r'step 0, loss = 4\.')
    self.assertIn('model.ckpt-1.index', os.listdir(train_dir))
