"""Errors and paths as the tools' users meet them."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from tools.base import command_line

# Lets a module, or a function once its module is imported, say so and wait.
_WAITING = """
import builtins, os, sys, time
slow = os.environ['SLOW']
real = builtins.__import__
def wait():
  print('waiting', flush=True)
  time.sleep(600)
def find(name, *args, **kwargs):
  if name == slow:
    wait()
  found = real(name, *args, **kwargs)
  module, _, function = slow.rpartition('.')
  if getattr(sys.modules.get(module), function, wait) is not wait:
    setattr(sys.modules[module], function, wait)
  return found
builtins.__import__ = find
"""


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

  def test_ctrl_c_while_a_tool_loads_and_while_it_works(self):
    # The module waits where it imports, or where it works, what takes long.
    directory = self.create_tempdir().full_path
    with open(os.path.join(directory, 'sitecustomize.py'), 'w') as f:
      f.write(_WAITING)
    for slow in ('rich.progress', 'cifar10_compat.data.images.pillow'):
      process = subprocess.Popen(
          [sys.executable, '-m', 'tools.images.make_records']
          + ['--images=' + directory, '--out=' + directory + '-out'],
          env=dict(
              os.environ,
              PYTHONPATH=os.pathsep.join([directory, *sys.path]),
              SLOW=slow,
          ),
          stdout=subprocess.PIPE,
          stderr=subprocess.PIPE,
          text=True,
      )
      self.assertEqual('waiting\n', process.stdout.readline())
      process.send_signal(signal.SIGINT)
      self.assertEqual(('', ''), process.communicate())
      self.assertIn(
          process.returncode, (-signal.SIGINT, 128 + signal.SIGINT), slow
      )

  def test_path_is_seen_from_where_the_user_stands(self):
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
