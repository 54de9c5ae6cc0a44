"""How programs run: --help, errors, exit codes."""

import os
import re
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import entry_points
from cifar10_compat import flags
from tests.helpers import program

_PROGRAM = """
import sys
from absl import flags as absl_flags
from cifar10_compat import entry_points
from cifar10_compat import flags
from cifar10_compat.base import errors
def define_flags():
  flags.define_data_flags()
def main(stop):
  print(flags.FLAGS.batch_size, flags.FLAGS.data_dir, flags.FLAGS.dataset)
  raise {error}
sys.argv[0] = '/some/where/prog.py'
entry_points.run(define_flags, main, first_flags=())
"""


class RunTest(absltest.TestCase):

  def _run(self, error, *args):
    result = subprocess.run(
        [sys.executable, '-c', _PROGRAM.format(error=error)] + list(args),
        capture_output=True,
        text=True,
    )
    return result.returncode, result.stdout, result.stderr

  def test_foreseen_error_is_one_line(self):
    code, out, err = self._run("errors.DataError('this file is bad')")
    self.assertEqual((1, '128 /tmp/cifar10_data cifar10\n'), (code, out))
    self.assertEndsWith(err, 'prog.py: error: this file is bad\n')
    self.assertNotIn('Traceback', err)

  def test_an_error_is_one_line_whatever_it_names(self):
    _, _, err = self._run("errors.UsageError('no file is called a\\nb\\r')")
    self.assertEndsWith(err, 'prog.py: error: no file is called a b\n')

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
    self.assertIn("prog.py: error: Unknown command line flag 'bogus'", err)
    self.assertEndsWith(err, ' (--help explains)\n')

  def test_a_number_that_cannot_be(self):
    _, out, err = self._run("ValueError('')", '--batch_size=1000000000')
    self.assertEqual('', out)
    self.assertEndsWith(
        err,
        'prog.py: error: flag --batch_size=1000000000: it must be at most 65536 '
        '(the output of conv1 alone would take over 9 GB) (--help explains)\n',
    )


class HelpTest(absltest.TestCase):

  def test_help_of_a_module_and_of_an_installed_command(self):
    for command in (
        ['-m', 'cifar10_compat.cifar10_train'],
        [
            '-c',
            'from cifar10_compat import cifar10_train; '
            'cifar10_train.console_main()',
        ],
    ):
      result = subprocess.run(
          [sys.executable] + command + ['--help'],
          capture_output=True,
          text=True,
      )
      self.assertEqual(0, result.returncode)
      self.assertStartsWith(result.stdout, 'Trains the CIFAR-10 network')
      self.assertIn('--dataset=synthetic', result.stdout)
      self.assertIn(
          '\n  --train_dir=/tmp/cifar10_train\n      Directory for',
          result.stdout,
      )
      self.assertIn('Default: no.', result.stdout)

  def test_help_is_a_page(self):
    for module in (
        cifar10_train,
        cifar10_multi_gpu_train,
        cifar10_distributed_train,
        cifar10_eval,
        cifar10_predict,
        cifar10_export,
    ):
      program = module.__name__.rpartition('.')[2]
      with self.subTest(program):
        before = set(flags.FLAGS)
        module.define_flags()
        page = entry_points.help_page(module.__name__, module._FIRST_FLAGS)
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
        lines = page.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        # An example, and a flag a paragraph: the first ones, then the others.
        self.assertIn('\n  %s --' % program, page)
        shown = [
            re.match(r'  --(?:\[no\])?(\w+)', l)[1]
            for l in lines
            if l.startswith('  --')
        ]
        self.assertEqual(
            list(module._FIRST_FLAGS), shown[: len(module._FIRST_FLAGS)]
        )
        self.assertCountEqual(set(shown), shown)
        self.assertBetween(len(module._FIRST_FLAGS), 5, 12)


class LeaveTest(absltest.TestCase):

  def _leave(self, code):
    """Leaves with 'over' after a buffered line; returns code, out, err."""
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            """
import sys
from cifar10_compat import entry_points
sys.argv[0] = '/bin/prog'
print('begun')
entry_points.leave(%d, 'over')
""" % code,
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED=''),
    )  # Empty: lines are buffered.
    return (
        result.returncode,
        result.stdout,
        program.without_loader_chatter(result.stderr),
    )

  def test_output_that_is_closed(self):
    source = (
        "from cifar10_compat import entry_points; entry_points.leave(7, 'x')"
    )
    result = subprocess.run(
        ['sh', '-c', 'exec "$0" -c "$1" >&-', sys.executable, source],
        stderr=subprocess.DEVNULL,
    )
    self.assertEqual(7, result.returncode)

  def test_last_words_arrive(self):
    self.assertEqual((1, 'begun\n', 'prog: error: over\n'), self._leave(1))
    self.assertEqual((130, 'begun\nover\n', ''), self._leave(130))


if __name__ == '__main__':
  absltest.main()
