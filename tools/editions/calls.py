"""Runs the files in old/ with an environment's interpreter."""

import json
import os
import pathlib
import subprocess

from cifar10_compat.base import signals

from ..base import processes
from . import isolation

# The directory that contains only the files that old interpreters run.
OLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'old')
_POLL_SECS = 0.2


def _command(environment, name, arguments, scratch):
  """Writes a JSON file of arguments; returns the command of a file in old/."""
  path = os.path.join(scratch, name + '.json')
  pathlib.Path(path).write_text(json.dumps(arguments), encoding='utf-8')
  return [environment.python, os.path.join(OLD, name + '.py'), path]


def run(environment, name, arguments, *, scratch):
  """Runs a file in old/ until it exits, with this process's stdout and stderr.

  Stop signals are forwarded to the child process.  Call this in the main
  thread.

  Args:
    environment: environments.Environment.
    name: str, the name of the file without its extension.
    arguments: dict of JSON values.
    scratch: str, an existing directory for the arguments.

  Returns:
    int, the exit code of the child process, or 128 plus the number of the
    signal that terminated it.
  """
  with signals.stop_on_signals() as stop:
    process = processes.start_command(
        _command(environment, name, arguments, scratch),
        env=isolation.environment(),
        # In a separate process group, the child gets Ctrl-C only from this
        # process.
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
  """Runs a file in old/ that writes its results to files.

  Args:
    environment, name, arguments, scratch: see run().
    what: str, the task, for the error message.

  Returns:
    str, the stdout of the file's process.

  Raises:
    UsageError: the process failed: see processes.Ended.output().
  """
  ended = finish(environment, name, arguments, scratch=scratch, limit_secs=None)
  return ended.output(what)


def finish(environment, name, arguments, *, scratch, limit_secs):
  """Runs a file in old/ until its process exits, is terminated or times out.

  Args:
    environment, name, arguments, scratch: see run().
    limit_secs: number, the time limit in seconds, after which the process and
      all processes that it started are killed; None for no limit.

  Returns:
    processes.Ended.
  """
  return processes.finish_command(
      _command(environment, name, arguments, scratch),
      env=isolation.environment(),
      limit_secs=limit_secs,
  )
