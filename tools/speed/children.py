"""Runs one measurement in a process of its own, and watches it.

A child program prints what it measured as a line of JSON, the last of its
output: report() there, run() here.
"""

import dataclasses
import json
import resource
import time

from ..base import processes
from . import disturbance


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
