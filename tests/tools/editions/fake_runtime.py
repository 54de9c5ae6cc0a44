"""Replaces old interpreters and the steps that make their environments."""

import os
import pathlib

from tools.editions import runtimes

RUNTIME = runtimes.find('0.12.1')


def write_program(path, text):
  """Writes an executable shell script, and returns its path."""
  os.makedirs(os.path.dirname(path), exist_ok=True)
  pathlib.Path(path).write_text('#!/bin/sh\n' + text + '\n', encoding='utf-8')
  os.chmod(path, 0o755)
  return path


def write_interpreter(path, *, version='2.7', wide=True):
  """Writes a program that answers the probe of interpreters.py."""
  return write_program(path, 'echo %s; echo %s' % (version, wide))


class Steps(object):
  """Replaces environments._run(): writes the files that the steps would.

  Attributes:
    commands: list of tuples, the commands that were run.
    complete: list of bool, whether the environment was complete before each.
  """

  def __init__(self, is_complete, *, fail_at=None, version=RUNTIME.version):
    """Makes steps, one of which may be interrupted.

    Args:
      is_complete: function without arguments.
      fail_at: int, the step, from 0, that ends in KeyboardInterrupt; or None.
      version: str, the version of TensorFlow that the environment reports.
    """
    self.commands = []
    self.complete = []
    self._is_complete = is_complete
    self._fail_at = fail_at
    self._version = version

  def __call__(self, command, *, what, held):
    del what, held
    self.complete.append(self._is_complete())
    self.commands.append(command)
    if len(self.commands) - 1 == self._fail_at:
      raise KeyboardInterrupt()
    if '--python' in command:
      write_program(os.path.join(command[-1], 'bin', 'python'), 'exit 0')
    return self._version + '\n'
