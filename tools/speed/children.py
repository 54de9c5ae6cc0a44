"""Runs one measurement in a process of its own, and watches it.

A child program prints what it measured as a line of JSON, the last of its
output: report() there, run() here.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Dict, NamedTuple, Optional

from cifar10_compat.base import errors

from ..base import processes
from . import disturbance

# ru_maxrss is in units of this many bytes.
_MAXRSS_BYTES = 1 if sys.platform == 'darwin' else 1024


class Result(NamedTuple):
  """What is known of a process that ended well."""

  values: Dict[str, object]  # what it reported
  log: str  # what else it printed on stdout
  started: float  # seconds since the epoch
  seconds: float  # from its start to its end
  # The peak of resident memory; with children of its own, the largest's.
  peak_memory_bytes: int
  disturbance: Optional[disturbance.Disturbance]


def report(**values):
  """Prints, in a child, what it measured; it must print nothing later."""
  print(json.dumps(values), flush=True)


def run(module, args, *, what, environment=None):
  """Runs `python -m MODULE ARGS` to its end.

  Args:
    module: str, a program that ends with report().
    args: list of str.
    what: str, what is being measured, for messages.
    environment: dict from name to value, laid over that of this process.

  Returns:
    Result.

  Raises:
    UsageError: it failed; its last line is in the message.  If it ended in a
      traceback, that has gone to stderr as it was.
  """
  with (
      tempfile.TemporaryFile('w+', encoding='utf-8') as out,
      tempfile.TemporaryFile('w+', encoding='utf-8') as err,
  ):
    own = _own_seconds()
    before = disturbance.read()
    clock = time.monotonic()
    started = time.time()
    child = subprocess.Popen(
        processes.command(module, args),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        env=dict(processes.environment(), **(environment or {})),
    )
    usage = _wait(child)
    seconds = time.monotonic() - clock
    after = disturbance.read()
    own = _own_seconds() - own + usage.ru_utime + usage.ru_stime
    out.seek(0)
    err.seek(0)
    stdout, stderr = out.read(), err.read()
  if child.returncode:
    if 'Traceback (most recent call last)' in stderr:
      sys.stderr.write(stderr)
    lines = stderr.strip().splitlines() or ['no message']
    raise errors.UsageError('%s: %s' % (what, lines[-1]))
  log, _, last = stdout.rstrip('\n').rpartition('\n')
  return Result(
      values=json.loads(last),
      log=log + '\n',
      started=started,
      seconds=seconds,
      peak_memory_bytes=usage.ru_maxrss * _MAXRSS_BYTES,
      disturbance=disturbance.between(before, after, own),
  )


def _wait(child):
  """Waits for a Popen's end; returns its resource.struct_rusage."""
  try:
    _, status, usage = os.wait4(child.pid, 0)
  except BaseException:  # Ctrl-C, which the child got too.
    child.terminate()
    child.wait()
    raise
  child.returncode = os.waitstatus_to_exitcode(status)
  return usage


def _own_seconds():
  """Returns the processor time of this process in seconds."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime
