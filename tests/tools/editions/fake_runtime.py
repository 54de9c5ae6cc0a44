"""Stands in for old interpreters and for what makes their environments."""

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
  """Writes what answers like an interpreter that is asked what it is."""
  return write_program(path, 'echo %s; echo %s' % (version, wide))


class Steps(object):
  """Takes the place of environments._run(): writes what the steps would.

  Attributes:
    commands: list of tuples, those that were run.
    whole: list of bool, whether the environment passed for whole before each.
  """

  def __init__(self, is_whole, *, fail_at=None, version=RUNTIME.version):
    """Makes steps of which one may be interrupted.

    Args:
      is_whole: function without arguments.
      fail_at: int, the step, from 0, that ends in KeyboardInterrupt; or None.
      version: str, what the environment says that its TensorFlow is.
    """
    self.commands = []
    self.whole = []
    self._is_whole = is_whole
    self._fail_at = fail_at
    self._version = version

  def __call__(self, command, *, what, held):
    del what, held
    self.whole.append(self._is_whole())
    self.commands.append(command)
    if len(self.commands) - 1 == self._fail_at:
      raise KeyboardInterrupt()
    if '--python' in command:
      write_program(os.path.join(command[-1], 'bin', 'python'), 'exit 0')
    return self._version + '\n'
