"""Runs one measurement in a separate process, and watches the process.

The child program calls report() to print its measurements as a line of JSON,
the last line of its output; run() reads this line.
"""

import dataclasses
import json
import resource
import time

from ..base import processes
from . import disturbance


@dataclasses.dataclass(frozen=True)
class Result:
  """The result of a process that succeeded."""

  values: dict[str, object]  # the reported measurements
  log: str  # the rest of its stdout
  started: float  # seconds since the epoch
  seconds: float  # from the process's start to its end
  # Peak resident memory; with child processes, the largest process's.
  peak_memory_bytes: int
  disturbance: disturbance.Disturbance | None


def report(**values):
  """Prints a child's measurements, which must be its last output."""
  print(json.dumps(values), flush=True)


def timed(function, secs):
  """Calls a function repeatedly, at least once.

  Args:
    function: function without arguments.
    secs: float, the time in seconds after which no call starts.

  Returns:
    (int, float): the number of calls, and the total duration in seconds.
  """
  calls = 0
  started = now = time.monotonic()
  while not calls or now < started + secs:
    function()
    calls += 1
    now = time.monotonic()
  return calls, now - started


def run(module, args, *, what, environment=None):
  """Runs `python -m MODULE ARGS` until it ends.

  Args:
    module: str, a program that ends with report().
    args: list of str.
    what: str, the measurement, for error messages.
    environment: dict from name to value, added to this process's environment.

  Returns:
    Result.

  Raises:
    UsageError: the process failed: see processes.Ended.output().
  """
  own = _own_seconds()
  before = disturbance.read()
  started = time.time()
  ended = processes.finish(module, args, environment or {})
  after = disturbance.read()
  own = _own_seconds() - own + ended.cpu_seconds
  stdout = ended.output(what)
  log, _, last = stdout.rstrip('\n').rpartition('\n')
  return Result(
      values=json.loads(last),
      log=log + '\n',
      started=started,
      seconds=ended.seconds,
      peak_memory_bytes=ended.peak_memory_bytes,
      disturbance=disturbance.between(before, after, own),
  )


def _own_seconds():
  """Returns the processor time of this process in seconds."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime
