"""Runs the files of old/ in the interpreter of an environment."""

import json
import os
import pathlib
import subprocess

from cifar10_compat.base import signals

from ..base import processes
from . import isolation

# What old interpreters run.  Nothing else of ours is beside it.
OLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'old')
_POLL_SECS = 0.2


def _command(environment, name, arguments, scratch):
  """Returns what runs a file of old/, and writes its arguments."""
  path = os.path.join(scratch, name + '.json')
  pathlib.Path(path).write_text(json.dumps(arguments), encoding='utf-8')
  return [environment.python, os.path.join(OLD, name + '.py'), path]


def run(environment, name, arguments, *, scratch):
  """Runs a file of old/ to its end; it prints where we do.

  Signals that ask us to stop are handed on to it.  To be called in the main
  thread.

  Args:
    environment: environments.Environment.
    name: str, the file's, without its ending.
    arguments: dict of what JSON can hold.
    scratch: str, a directory that exists, for the arguments.

  Returns:
    int, its exit code; 128 and the number of the signal that ended it.
  """
  with signals.stop_on_signals() as stop:
    process = processes.start_command(
        _command(environment, name, arguments, scratch),
        env=isolation.environment(),
        # Ctrl-C comes to us, who hand it on.
        group=True,
    )
    while True:
      try:
        code = process.wait(_POLL_SECS)
        break
      except subprocess.TimeoutExpired:
        if stop.requested:
          process.send_signal(stop.signum)
          code = process.wait()
          break
  if stop.requested:
    return 128 + stop.signum
  return 128 - code if code < 0 else code


def call(environment, name, arguments, *, scratch, what):
  """Runs a file of old/ that answers with files.

  Args:
    environment: environments.Environment.
    name: str, the file's, without its ending.
    arguments: dict of what JSON can hold.
    scratch: str, a directory that exists, for the arguments.
    what: str, what cannot be done if it fails, for the message.

  Returns:
    str, what it printed on stdout.

  Raises:
    UsageError: it failed: see processes.Ended.output().
  """
  ended = finish(environment, name, arguments, scratch=scratch, limit_secs=None)
  return ended.output(what)


def finish(environment, name, arguments, *, scratch, limit_secs):
  """Runs a file of old/ to its end, whatever that is.

  Args:
    environment: environments.Environment.
    name: str, the file's, without its ending.
    arguments: dict of what JSON can hold.
    scratch: str, a directory that exists, for the arguments.
    limit_secs: number, after which it is killed with all that it started; None
      for never.

  Returns:
    processes.Ended.
  """
  return processes.finish_command(
      _command(environment, name, arguments, scratch),
      env=isolation.environment(),
      limit_secs=limit_secs,
  )
