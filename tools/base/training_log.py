"""Parses the log lines of the port's and the historical trainers."""

import contextlib
from datetime import datetime
import math
import re
from typing import NamedTuple

_LINE = re.compile(
    r'^(\S+ \S+): step (\d{1,18}), loss = (\S+) '
    r'\((\S+) examples/sec; (\S+) sec/batch\)$',
    re.MULTILINE,
)


class Line(NamedTuple):
  """A log line of a training step."""

  time: datetime
  step: int
  loss: float
  examples_per_sec: float
  sec_per_batch: float


def parse(text):
  """Returns the Lines in a trainer's output, in order.

  Args:
    text: str, the output, of which garbled lines are skipped.
  """
  lines = []
  for time, step, *values in _LINE.findall(text):
    # The line contains an invalid number or date.
    with contextlib.suppress(ValueError):
      # A time stamp without a fraction has zero microseconds.
      line = Line(datetime.fromisoformat(time), int(step), *map(float, values))
      # A loss can be NaN.
      if math.isfinite(line.examples_per_sec * line.sec_per_batch):
        lines.append(line)
  return lines
