"""Runs the files of old/ in the interpreter of an environment."""

import json
import os
import signal
import subprocess
import time
from typing import NamedTuple, Optional

from cifar10_compat.base import errors
from cifar10_compat.base import signals

from ..base import supervision
from . import isolation

# What old interpreters run.  Nothing else of ours is beside it.
OLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'old')
_POLL_SECS = 0.2


def _start(environment, name, arguments, scratch, **kwargs):
  """Returns the Popen of a file of old/, which ends when we do."""
  path = os.path.join(scratch, name + '.json')
  with open(path, 'w', encoding='utf-8') as f:
    json.dump(arguments, f)
  return subprocess.Popen(
      [environment.python, os.path.join(OLD, name + '.py'), path],
      stdin=subprocess.DEVNULL,
      env=isolation.environment(),
      preexec_fn=supervision.end_with_parent(),
      **kwargs,
  )


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
    process = _start(
        environment,
        name,
        arguments,
        scratch,
        # Out of the terminal's reach: Ctrl-C comes to us, who hand it on.
        start_new_session=True,
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
    UsageError: it failed; its last line is in the message.
  """
  process = _start(
      environment,
      name,
      arguments,
      scratch,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      errors='replace',
  )
  stdout, stderr = process.communicate()
  if process.returncode:
    lines = stderr.strip().splitlines() or ['exit code %d' % process.returncode]
    raise errors.UsageError('%s: %s' % (what, lines[-1]))
  return stdout


class Ended(NamedTuple):
  """How a process ended.

  Attributes:
    code: int, its exit code, the negative number of the signal that ended it, or
      None where it was killed at the limit.
    stdout, stderr: str.
    seconds: float, how long it took.
  """

  code: Optional[int]
  stdout: str
  stderr: str
  seconds: float


def finish(environment, name, arguments, *, scratch, limit_secs):
  """Runs a file of old/ to its end, whatever that is.

  Args:
    environment: environments.Environment.
    name: str, the file's, without its ending.
    arguments: dict of what JSON can hold.
    scratch: str, a directory that exists, for the arguments.
    limit_secs: number, after which it is killed with all that it started.

  Returns:
    Ended.
  """
  start = time.monotonic()
  process = _start(
      environment,
      name,
      arguments,
      scratch,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      errors='replace',
      # A group of its own, to be killed as one.
      start_new_session=True,
  )
  limited = False
  try:
    stdout, stderr = process.communicate(timeout=limit_secs)
  except subprocess.TimeoutExpired:
    limited = True
    os.killpg(process.pid, signal.SIGKILL)
    stdout, stderr = process.communicate()
  except BaseException:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    raise
  seconds = time.monotonic() - start
  return Ended(None if limited else process.returncode, stdout, stderr, seconds)
