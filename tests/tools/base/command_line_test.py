"""Errors and paths as the tools' users see them."""

import contextlib
import io
import os
import signal
from unittest import mock

from absl.testing import absltest

from tools.base import command_line


class CommandLineTest(absltest.TestCase):

  def test_mistakes_are_one_line(self):
    parser = command_line.Parser(prog='tool')
    parser.add_argument('--steps', type=int)
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
      code = command_line.run('tool', lambda: parser.parse_args(['--steps=x']))
    self.assertEqual(1, code)
    self.assertRegex(
        stderr.getvalue(),
        r'^tool: error: .*--steps: invalid int '
        r"value: 'x' \(--help explains\)\n$",
    )

  def test_exit_code_and_other_errors_pass(self):
    self.assertEqual(7, command_line.run('tool', lambda: 7))
    with self.assertRaises(KeyError):
      command_line.run('tool', lambda: {}[1])

  def test_stop_signals(self):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
      ended = []

      def body(signum=signum, ended=ended):
        try:
          os.kill(os.getpid(), signum)
          signal.pause()
        finally:
          ended.append(signum)

      self.assertEqual(128 + signum, command_line.run('tool', body))
      self.assertEqual([signum], ended)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup does.
    self.assertEqual(
        5,
        command_line.run(
            'tool', lambda: os.kill(os.getpid(), signal.SIGHUP) or 5
        ),
    )

  def test_path_is_relative_to_the_users_directory(self):
    with mock.patch.dict(
        os.environ, BUILD_WORKING_DIRECTORY='/there', HOME='/h'
    ):
      self.assertEqual('/there/a', command_line.path('a'))
      self.assertEqual('/b', command_line.path('/b'))
      self.assertEqual('/h/c', command_line.path('~/c'))
      self.assertIsNone(command_line.path(None))
    with mock.patch.dict(os.environ):
      os.environ.pop('BUILD_WORKING_DIRECTORY', None)
      self.assertEqual(os.path.join(os.getcwd(), 'a'), command_line.path('a'))
