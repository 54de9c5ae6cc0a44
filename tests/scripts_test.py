"""Runs the programs as scripts, by file name."""

import os
import sys

from absl.testing import absltest

import cifar10_compat
from tests.helpers import program
from tests.helpers import record_fixture

_DIRECTORY = os.path.dirname(os.path.abspath(cifar10_compat.__file__))
_ROOT = os.path.dirname(_DIRECTORY)


def _run(*args, cwd):
  """Runs Python in a directory, without the project on its path."""
  others = [p for p in sys.path if os.path.abspath(p) != _ROOT]
  return program.python(
      *args,
      cwd=cwd,
      env={
          'PYTHONPATH': os.pathsep.join(others),
          # Bazel sets it, which keeps a script's directory off the path.
          'PYTHONSAFEPATH': '',
      },
  )


class ScriptsTest(absltest.TestCase):

  def test_help_in_the_checkout_and_in_the_package(self):
    for script, cwd, expected in (
        (
            'cifar10_compat/cifar10_train.py',
            _ROOT,
            'Trains the CIFAR-10 network on one device.',
        ),
        (
            'cifar10_eval.py',
            _DIRECTORY,
            'Evaluates checkpoints of the CIFAR-10 network',
        ),
    ):
      code, out, err = _run(script, '--help', cwd=cwd)
      self.assertEqual((0, ''), (code, err))
      self.assertStartsWith(out, expected)

  def test_a_step_of_training(self):
    data = self.create_tempdir().full_path
    record_fixture.write_set(data, *record_fixture.random_images(20))
    for script, cwd in (
        (os.path.join(_DIRECTORY, 'cifar10_train.py'), '/'),
        ('cifar10_train.py', _DIRECTORY),
    ):
      train_dir = self.create_tempdir().full_path
      code, out, err = _run(
          script,
          '--dataset=' + data,
          '--train_dir=' + train_dir,
          '--batch_size=8',
          '--max_steps=1',
          cwd=cwd,
      )
      self.assertEqual((0, ''), (code, err))
      self.assertRegex(out, r'step 0, loss = 4\.')
      self.assertIn('model.ckpt-1.index', os.listdir(train_dir))

  def test_what_a_script_imports_is_the_package(self):
    code, out, err = _run(
        '-c',
        'import sys; sys.path.insert(0, %r); '
        'from cifar10_compat import startup; import cifar10_compat; '
        'print(cifar10_compat.__file__); print(startup.__name__); '
        'print(%r in sys.path)' % (_DIRECTORY, _DIRECTORY),
        cwd='/',
    )
    self.assertEqual((0, ''), (code, err))
    self.assertEqual(
        [
            os.path.join(_DIRECTORY, '__init__.py'),
            'cifar10_compat.startup',
            'False',
        ],
        out.splitlines(),
    )

  def test_in_the_package_the_file_does_nothing(self):
    code, out, err = _run(
        '-c',
        'import sys; sys.path.insert(0, %r); before = list(sys.path); '
        'from cifar10_compat import cifar10_compat as module; '
        'print(module.__name__, sys.path == before)' % _ROOT,
        cwd='/',
    )
    self.assertEqual(
        (0, 'cifar10_compat.cifar10_compat True\n', ''), (code, out, err)
    )
