"""What the command lines share."""

import os
import re
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import flags

_PROGRAM = """
import sys
from absl import flags as absl_flags
from cifar10_compat import errors, flags
def define_flags():
  flags.define_data_flags()
def main(stop):
  print(flags.FLAGS.batch_size, flags.FLAGS.data_dir, flags.FLAGS.dataset)
  raise {error}
sys.argv[0] = '/some/where/prog.py'
flags.run(define_flags, main, ())
"""


class FlagsTest(absltest.TestCase):

  def _run(self, error, *args):
    result = subprocess.run(
        [sys.executable, '-c', _PROGRAM.format(error=error)] + list(args),
        capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr

  def test_foreseen_error_is_one_line(self):
    code, out, err = self._run("errors.DataError('this file is bad')")
    self.assertEqual((1, '128 /tmp/cifar10_data cifar10\n'), (code, out))
    self.assertEndsWith(err, 'prog.py: error: this file is bad\n')
    self.assertNotIn('Traceback', err)

  def test_any_other_error_keeps_its_traceback(self):
    # A ValueError is none of ours, though ours are ValueErrors.
    code, _, err = self._run("ValueError('a bug')")
    self.assertEqual(1, code)
    self.assertIn('Traceback', err)
    self.assertIn('ValueError: a bug', err)

  def test_unexpected_argument(self):
    code, out, err = self._run("ValueError('not reached')", 'stray')
    self.assertEqual((1, ''), (code, out[:0]))
    self.assertIn('unexpected argument: stray', out + err)
    self.assertNotIn('not reached', err)

  def test_unknown_flag(self):
    code, _, err = self._run("ValueError('not reached')", '--bogus')
    self.assertEqual(1, code)
    self.assertIn("Unknown command line flag 'bogus'", err)

  def test_help_of_a_module_and_of_an_installed_command(self):
    for command in (
        ['-m', 'cifar10_compat.cifar10_train'],
        ['-c', 'from cifar10_compat import cifar10_train; '
               'cifar10_train.console_main()']):
      result = subprocess.run([sys.executable] + command + ['--help'],
                              capture_output=True, text=True)
      self.assertEqual(0, result.returncode)
      self.assertStartsWith(result.stdout, 'Trains the CIFAR-10 network')
      self.assertIn('--dataset=synthetic', result.stdout)
      self.assertIn('\n  --train_dir=/tmp/cifar10_train\n      Directory for',
                    result.stdout)
      self.assertIn('Default: no.', result.stdout)

  def test_help_is_a_page(self):
    for module in (cifar10_train, cifar10_multi_gpu_train,
                   cifar10_distributed_train, cifar10_eval, cifar10_predict,
                   cifar10_export):
      program = module.__name__.rpartition('.')[2]
      with self.subTest(program):
        before = set(flags.FLAGS)
        module.define_flags()
        page = flags.help_page(module.__name__, module._FIRST_FLAGS)
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
        lines = page.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        # An example, and a flag a paragraph: the first ones, then the others.
        self.assertIn('\n  %s --' % program, page)
        shown = [re.match(r'  --(?:\[no\])?(\w+)', l)[1]
                 for l in lines if l.startswith('  --')]
        self.assertEqual(list(module._FIRST_FLAGS),
                         shown[:len(module._FIRST_FLAGS)])
        self.assertCountEqual(set(shown), shown)
        self.assertBetween(len(module._FIRST_FLAGS), 5, 12)

  def test_dataset_is_a_name_or_a_directory(self):
    self.assertIs(datasets.SVHN, flags.get_dataset('svhn'))
    parent = self.create_tempdir()
    parent.create_file('cifar10/image_set.json', '[]')
    parent.create_file('own/image_set.json', '[]')
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=parent.full_path):
      self.assertIs(datasets.CIFAR10, flags.get_dataset('cifar10'))
      for name in ('own', './cifar10'):
        with self.assertRaisesRegex(errors.DataError, 'version is missing'):
          flags.get_dataset(name)
      with self.assertRaisesRegex(errors.UsageError, 'a directory written by'):
        flags.get_dataset('missing')

  def test_user_path(self):
    before = os.environ.pop('BUILD_WORKING_DIRECTORY', None)
    self.addCleanup(
        lambda: before and os.environ.update(BUILD_WORKING_DIRECTORY=before))
    self.assertEqual('a/b', flags.user_path('a/b'))
    os.environ['BUILD_WORKING_DIRECTORY'] = '/home/user'
    self.addCleanup(os.environ.pop, 'BUILD_WORKING_DIRECTORY')
    self.assertEqual('/home/user/a/b', flags.user_path('a/b'))
    self.assertEqual('/a/b', flags.user_path('/a/b'))
    self.assertEqual(os.path.expanduser('~/x'), flags.user_path('~/x'))

  def test_enter_user_directory(self):
    self.addCleanup(os.chdir, os.getcwd())
    directory = os.path.realpath(self.create_tempdir().full_path)
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=directory):
      flags.enter_user_directory()
      self.assertEqual(directory, os.getcwd())


if __name__ == '__main__':
  absltest.main()
