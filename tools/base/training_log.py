"""Parses the log lines of 2016, of our trainers and of the historical ones."""

from datetime import datetime
import re
from typing import NamedTuple

_LINE = re.compile(
    r'^(\S+ \S+): step (\d+), loss = (\S+) '
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
    text: str.
  """
  # A time stamp has no fraction where that happens to be zero.
  return [
      Line(datetime.fromisoformat(time), int(step), *map(float, values))
      for time, step, *values in _LINE.findall(text)
  ]
