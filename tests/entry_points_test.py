"""How programs run: their errors and exit codes."""

import subprocess
import sys

from absl.testing import absltest

from tests.helpers import program

_PROGRAM = """
import sys
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat.base import errors
def main(config, stop):
  print(config.batch_size, config.data_dir, config.dataset.name)
  raise {error}
sys.argv[0] = '/some/where/prog.py'
entry_points.run(config_lib.Images, main)
"""


class RunTest(absltest.TestCase):

  def _run(self, error, *args):
    return program.python('-c', _PROGRAM.format(error=error), *args)

  def test_foreseen_error_is_one_line(self):
    for error, expected in (
        ("errors.DataError('this file is bad')", 'this file is bad'),
        (
            "errors.UsageError('no file is called a\\nb\\r')",
            'no file is called a b',
        ),
    ):
      code, out, err = self._run(error)
      self.assertEqual((1, '128 /tmp/cifar10_data cifar10\n'), (code, out))
      self.assertEndsWith(err, 'prog.py: error: %s\n' % expected)
      self.assertNotIn('Traceback', err)

  def test_no_more_threads(self):
    code, _, err = self._run('RuntimeError("can\'t start new thread")')
    self.assertEqual(1, code)
    self.assertNotIn('Traceback', err)
    self.assertIn('error: no further thread can be started: allow more', err)

  def test_any_other_error_keeps_its_traceback(self):
    # A plain ValueError is unexpected, though our errors are ValueErrors.
    code, _, err = self._run("ValueError('a bug')")
    self.assertEqual(1, code)
    self.assertIn('Traceback', err)
    self.assertIn('ValueError: a bug', err)

  def test_mistakes_of_the_user(self):
    for arg, expected in (
        ('stray', r'unexpected argument: stray \(--help explains\)'),
        ('--bogus', r"Unknown command line flag 'bogus' \(--help explains\)"),
        (
            '--batch_size=1000000000',
            'batch_size is 1000000000: it must be at most 65536 '
            r'\(the output of conv1 alone would take over 9 GB\)',
        ),
        (
            '--dataset=imagenet',
            "no data set is called 'imagenet': choose one of .*",
        ),
    ):
      code, out, err = self._run("ValueError('not reached')", arg)
      self.assertEqual((1, ''), (code, out))
      self.assertRegex(err, r'\Aprog\.py: error: %s\n\Z' % expected)

  def test_another_program_that_runs_one_is_not_told_what_is_deprecated(self):
    code, out, err = program.python(
        '-c',
        """
import sys
from cifar10_compat import cifar10_predict
sys.argv = ['prog.py']
cifar10_predict.console_main()
""",
    )
    self.assertEqual((1, ''), (code, out))
    self.assertEndsWith(
        err, 'prog.py: error: no image specified: see the example in --help\n'
    )
    self.assertNotIn('deprecated', err)


class LeaveTest(absltest.TestCase):

  def _leave(self, code):
    """Exits with 'over' after a buffered line; returns code, out, err."""
    return program.python(
        '-c',
        """
import sys
from cifar10_compat import entry_points
sys.argv[0] = '/bin/prog'
print('begun')
entry_points.leave(%d, 'over')
""" % code,
        env={'PYTHONUNBUFFERED': ''},  # Empty: lines are buffered.
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
