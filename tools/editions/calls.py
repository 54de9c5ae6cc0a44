"""Runs the files in old/ with an environment's interpreter."""

import json
import os
import pathlib
import subprocess

from cifar10_compat.base import signals

from ..base import processes
from . import isolation

# The files that old interpreters run, without other files beside them.
OLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'old')
_POLL_SECS = 0.2


def _command(environment, name, arguments, scratch):
  """Writes the arguments of a file of old/, and returns the command to run it."""
  path = os.path.join(scratch, name + '.json')
  pathlib.Path(path).write_text(json.dumps(arguments), encoding='utf-8')
  return [environment.python, os.path.join(OLD, name + '.py'), path]


def run(environment, name, arguments, *, scratch):
  """Runs a file of old/ to its end; it shares this process's output.

  Stop signals are forwarded to it.  Call this in the main thread.

  Args:
    environment: environments.Environment.
    name: str, the name of the file without its extension.
    arguments: dict of JSON values.
    scratch: str, an existing directory for the arguments.

  Returns:
    int, its exit code; 128 plus the number of the signal that ended it.
  """
  with signals.stop_on_signals() as stop:
    process = processes.start_command(
        _command(environment, name, arguments, scratch),
        env=isolation.environment(),
        # This process gets Ctrl-C, and forwards it.
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
    environment, name, arguments, scratch: see run().
    what: str, what failed, for the message.

  Returns:
    str, its stdout.

  Raises:
    UsageError: it failed: see processes.Ended.output().
  """
  ended = finish(environment, name, arguments, scratch=scratch, limit_secs=None)
  return ended.output(what)


def finish(environment, name, arguments, *, scratch, limit_secs):
  """Runs a file of old/ until it ends in any way.

  Args:
    environment, name, arguments, scratch: see run().
    limit_secs: number, the time limit, after which it is killed with all processes
      it started; None for none.

  Returns:
    processes.Ended.
  """
  return processes.finish_command(
      _command(environment, name, arguments, scratch),
      env=isolation.environment(),
      limit_secs=limit_secs,
  )
