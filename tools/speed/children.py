"""Runs one measurement in a process of its own, and watches it.

A child program prints what it measured as a line of JSON, the last of its
output: report() there, run() here.
"""

import dataclasses
import json
import os
import resource
import sys
import tempfile
import time

from ..base import processes
from . import disturbance

# ru_maxrss is in units of this many bytes.
_MAXRSS_BYTES = 1 if sys.platform == 'darwin' else 1024


@dataclasses.dataclass(frozen=True)
class Result:
  """What is known of a process that ended well."""

  values: dict[str, object]  # what it reported
  log: str  # what else it printed on stdout
  started: float  # seconds since the epoch
  seconds: float  # from its start to its end
  # The peak of resident memory; with children of its own, the largest's.
  peak_memory_bytes: int
  disturbance: disturbance.Disturbance | None


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
    UsageError: it failed: see processes.Ended.output().
  """
  with (
      tempfile.TemporaryFile('w+', encoding='utf-8') as out,
      tempfile.TemporaryFile('w+', encoding='utf-8') as err,
  ):
    own = _own_seconds()
    before = disturbance.read()
    clock = time.monotonic()
    started = time.time()
    child = processes.start(
        module, args, environment or {}, stdout=out, stderr=err
    )
    usage = _wait(child)
    seconds = time.monotonic() - clock
    after = disturbance.read()
    own = _own_seconds() - own + usage.ru_utime + usage.ru_stime
    out.seek(0)
    err.seek(0)
    ended = processes.Ended(child.returncode, out.read(), err.read(), seconds)
  stdout = ended.output(what)
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
