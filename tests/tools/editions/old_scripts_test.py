"""Preparations before a script runs on an old TensorFlow."""

import contextlib
import io
import os
import tarfile
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tools.editions import calls
from tools.editions import environments
from tools.editions import old_scripts
from tools.editions import runtimes


class OldScriptsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.environment = environments.Environment(
        fake_runtime.RUNTIME, '/environment'
    )
    self.data_dir = os.path.join(self.directory, 'data')
    record_fixture.write_batches(
        self.data_dir, [record_fixture.plain(1, 2, 3)] * 200, [4] * 200
    )
    self.seen = None

  def _run(self, environment, name, arguments, *, scratch):
    """Replaces calls.run(): records the script's arguments."""
    del environment, scratch
    self.assertEqual('run_script', name)
    self.seen = arguments
    for flag in arguments['flags']:
      name, _, value = flag.partition('=')
      if name == '--data_dir' and value != self.data_dir:
        batch = os.path.join(value, 'cifar-10-batches-bin', 'test_batch.bin')
        self.assertTrue(os.path.isfile(batch))
        with tarfile.open(os.path.join(value, 'cifar-10-binary.tar.gz')) as f:
          self.assertEmpty(f.getnames())
    return 7

  def run_script(self, script, *flags):
    with (
        mock.patch.object(calls, 'run', self._run),
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
      code = old_scripts.run(
          'some/source',
          script,
          flags=flags,
          edition=historical_fixture.OLD,
          environment=self.environment,
      )
    self.assertEqual('historical: %s of a test\n' % script, stderr.getvalue())
    return code

  def test_nothing_is_downloaded_and_data_stays_unchanged(self):
    train_dir = os.path.join(self.directory, 'new')
    flags = ('--data_dir=' + self.data_dir, '--train_dir', train_dir)
    self.assertEqual(7, self.run_script('cifar10_train', *flags))
    self.assertEqual(flags, tuple(self.seen['flags'][:3]))
    # The last one counts.
    self.assertStartsWith(self.seen['flags'][3], '--data_dir=')
    self.assertLen(self.seen['flags'], 4)
    self.assertEqual(os.path.abspath('some/source'), self.seen['source'])
    self.assertEqual('tensorflow.models.image.cifar10', self.seen['package'])
    self.assertEqual(['cifar-10-batches-bin'], os.listdir(self.data_dir))

  def test_input_test_needs_no_data(self):
    self.assertEqual(7, self.run_script('cifar10_input_test', '-v'))
    self.assertEqual(['-v'], self.seen['flags'])

  def test_damaged_data(self):
    os.remove(
        os.path.join(self.data_dir, 'cifar-10-batches-bin', 'test_batch.bin')
    )
    with self.assertRaisesRegex(errors.DataError, 'test_batch.bin'):
      self.run_script(
          'cifar10_train',
          '--data_dir=' + self.data_dir,
          '--train_dir=' + os.path.join(self.directory, 'new'),
      )
    self.assertIsNone(self.seen)

  def test_no_directory_is_deleted(self):
    for script, flag in (
        ('cifar10_train', 'train_dir'),
        ('cifar10_multi_gpu_train', 'train_dir'),
        ('cifar10_eval', 'eval_dir'),
    ):
      with self.assertRaisesRegex(
          errors.UsageError, '%s exists and %s' % (self.directory, script)
      ):
        self.run_script(script, '--%s=%s' % (flag, self.directory))
    self.assertIsNone(self.seen)

  def test_flag_value(self):
    for flags, value in (
        ([], 'default'),
        (['--a=1'], '1'),
        (['-a=1'], '1'),
        (['--a', '1', '--b', '2'], '1'),
        (['--a=1', '--a=2'], '2'),
        (['--ab=1', 'a=1', '--b=a'], 'default'),
        (['--a='], ''),
        (['--a'], 'default'),
    ):
      self.assertEqual(value, old_scripts.flag_value(flags, 'a', 'default'))

  def test_python_2(self):
    old = historical_fixture.OLD._replace(python2=True)
    old_scripts.check(old, runtimes.find('0.12.1'))
    old_scripts.check(historical_fixture.OLD, runtimes.find('1.15.5'))
    with self.assertRaisesRegex(
        errors.UsageError, 'a test is written in Python 2.*1.15.5.*3.7'
    ):
      old_scripts.check(old, runtimes.find('1.15.5'))

  def test_bundled(self):
    self.assertEqual(
        '/environment/lib/python2.7/site-packages/tensorflow/models/image/'
        'cifar10',
        old_scripts.bundled(self.environment),
    )
    with self.assertRaisesRegex(errors.UsageError, '1.15.5.*--source=DIR'):
      old_scripts.bundled(
          self.environment._replace(runtime=runtimes.find('1.15.5'))
      )
