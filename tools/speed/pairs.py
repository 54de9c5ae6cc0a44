"""Computes medians, and ratios of pairs of values."""

import statistics
from typing import NamedTuple


class Summary(NamedTuple):
  """A summary of several values."""

  count: int
  median: float
  least: float
  most: float


def summary(values):
  """Summarizes values.

  Args:
    values: iterable of numbers.

  Returns:
    Summary, or None if there are no values.
  """
  values = list(values)
  if not values:
    return None
  return Summary(
      len(values), statistics.median(values), min(values), max(values)
  )


def ratios(numerators, denominators):
  """Divides the values of equal rounds.

  Args:
    numerators, denominators: dict from round to a positive number.

  Returns:
    list of float, the ratio for each common round, in order.
  """
  return [
      numerators[number] / denominators[number]
      for number in sorted(set(numerators) & set(denominators))
  ]
