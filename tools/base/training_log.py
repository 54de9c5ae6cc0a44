"""Parses the log lines of 2016, of our trainers and of the historical ones."""

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
  """One line."""

  time: datetime
  step: int
  loss: float
  examples_per_sec: float
  sec_per_batch: float


def parse(text):
  """Returns the Lines in what a trainer printed, in order.

  Args:
    text: str; lines of which a part is garbled are left out.
  """
  lines = []
  for time, step, *values in _LINE.findall(text):
    with contextlib.suppress(ValueError):  # A number or a date that is none.
      # A time stamp has no fraction where that happens to be zero.
      line = Line(datetime.fromisoformat(time), int(step), *map(float, values))
      # A loss can be NaN.
      if math.isfinite(line.examples_per_sec * line.sec_per_batch):
        lines.append(line)
  return lines
