"""Programs whose output cannot be written: real pipes, a real full device."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import output
from tests.helpers import program as program_lib

_PROGRAM = """
import sys
from cifar10_compat.base import output
with output.arrives('prog'):
  {body}
"""
_NO_ROOM = (
    'error: cannot write the output (No space left on device): free disk '
    'space, or redirect it elsewhere\n'
)


def _run_into_head(command):
  """Runs a command whose reader takes one line; returns its code and stderr."""
  process = subprocess.Popen(
      command,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
  )
  process.stdout.readline()
  process.stdout.close()
  process.stdin.close()  # Tells waiting programs that the reader is gone.
  with process.stderr:
    err = process.stderr.read()
  return process.wait(), program_lib.without_loader_chatter(err)


def _run_into_full_device(command):
  """Runs a command on a full disk; returns its code and stderr."""
  with open('/dev/full', 'w') as full:
    result = subprocess.run(
        command, stdout=full, stderr=subprocess.PIPE, text=True
    )
  return result.returncode, program_lib.without_loader_chatter(result.stderr)


class SayTest(absltest.TestCase):

  def test_external_text_is_escaped(self):
    for stream in (None, io.StringIO()):
      stdout = io.StringIO()
      with contextlib.redirect_stdout(stdout):
        output.say('was \x1b[31mred\nstep 30', stream)
      self.assertEqual(
          'was \\x1b[31mred\\nstep 30\n', (stream or stdout).getvalue()
      )


class OutputTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.dict(os.environ))
    os.environ.pop('PYTHONUNBUFFERED', None)

  def _command(self, body, *options):
    return [sys.executable, *options, '-c', _PROGRAM.format(body=body)]

  def test_printable(self):
    for text, expected in (
        ('a b\xa0é\u3000猫', 'a b\xa0é\u3000猫'),
        ('a\tb\nc\x1b[31m', r'a\tb\nc\x1b[31m'),
        ('\x9b\u2028\u202e', r'\x9b\u2028\u202e'),
        ('\udcff\ud800', r'\xff\ud800'),
    ):
      self.assertEqual(expected, output.printable(text))

  def test_character_that_the_encoding_does_not_have(self):
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            'from cifar10_compat.base import output\n'
            'with output.arrives("x"):\n  print("é猫")',
        ],
        env=dict(os.environ, PYTHONIOENCODING='ascii'),
        capture_output=True,
        text=True,
    )
    self.assertEqual(('\\xe9\\u732b\n', ''), (result.stdout, result.stderr))

  def test_reader_that_has_gone(self):
    for body in (
        'while True: print("line")',
        'while True: print("line", flush=True)',
        # The last write, at exit, flushes a buffer.
        'print("line", flush=True); sys.stdin.read(); print("x"); sys.exit(3)',
    ):
      for options in ((), ('-u',)):
        self.assertEqual(
            (128 + signal.SIGPIPE, ''),
            _run_into_head(self._command(body, *options)),
            body,
        )

  def test_program_that_was_told_to_stop(self):
    # Ctrl-C reaches `| tee` too.
    program = _PROGRAM.replace("'prog'", "'prog', lambda: 2").format(
        body='print("line", flush=True); sys.stdin.read(); print("x")'
    )
    command = [sys.executable, '-c', program]
    self.assertEqual((128 + signal.SIGINT, ''), _run_into_head(command))
    self.assertEqual(
        (128 + signal.SIGINT, 'prog: ' + _NO_ROOM),
        _run_into_full_device(command),
    )

  def test_no_room(self):
    for body in (
        'while True: print("line")',
        'print("line", flush=True)',
        'print("line")',
        'print("line"); sys.exit(3)',
    ):
      for options in ((), ('-u',)):
        self.assertEqual(
            (1, 'prog: ' + _NO_ROOM),
            _run_into_full_device(self._command(body, *options)),
            body,
        )

  def test_failed_write_is_told_from_others(self):
    body = (
        'try: print("line", flush=True)\n'
        '  except OSError as e:\n'
        '    sys.stderr.write(f"{output.is_lost(e)}{output.is_lost(OSError())} ")\n'
        '    raise'
    )
    for options in ((), ('-u',)):
      self.assertEqual(
          (1, 'TrueFalse prog: ' + _NO_ROOM),
          _run_into_full_device(self._command(body, *options)),
      )

  def test_closed_streams(self):
    program = _PROGRAM.format(
        body='sys.stdout.write("1"); sys.stderr.write("2")'
    )
    for closed in ('>&-', '2>&-', '>&- 2>&-'):
      ran = subprocess.run(
          ['sh', '-c', 'exec "$@" ' + closed, 'sh']
          + [sys.executable, '-c', program],
          capture_output=True,
          text=True,
      )
      self.assertEqual(
          (
              0,
              '' if '>&-' == closed[:3] else '1',
              '' if '2' in closed else '2',
          ),
          (ran.returncode, ran.stdout, ran.stderr),
      )

  def test_other_errors_and_codes_pass(self):
    for body, expected in (
        ('sys.exit(3)', 3),
        ('open("/nowhere/x")', 1),
        ('print("x"); raise ValueError("a bug")', 1),
        ('raise BrokenPipeError(32, "of another pipe")', 1),
        ('pass', 0),
    ):
      result = subprocess.run(
          self._command(body), capture_output=True, text=True
      )
      self.assertEqual(expected, result.returncode)
      self.assertEqual(expected == 1, 'Traceback' in result.stderr)

  def test_an_error_is_not_hidden_and_output_not_held_back(self):
    code, err = _run_into_full_device(
        self._command('print("x"); raise ValueError("a bug")')
    )
    self.assertEqual(1, code)
    self.assertIn('ValueError: a bug', err)
    # With python -u, each write is immediate.
    result = subprocess.run(
        self._command('print("x"); import os; os._exit(0)', '-u'),
        capture_output=True,
        text=True,
    )
    self.assertEqual('x\n', result.stdout)

  def test_programs(self):
    for program in ('cifar10_compat.cifar10_predict', 'tools.run.launch'):
      name = program.rpartition('.')[2]
      if name == 'cifar10_predict':
        name += '.py'
      command = [sys.executable, '-m', program, '--help']
      self.assertEqual(
          (1, '%s: %s' % (name, _NO_ROOM)), _run_into_full_device(command)
      )
