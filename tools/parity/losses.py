"""Compares the losses of both sides, trained from the same weights.

Two float32 computations of one step differ by rounding errors, and training
magnifies any difference, even between equal programs.  Therefore only the loss
of the first step, computed from the same weights, must stay within a bound.
"""

import math

import numpy as np

from . import keys as keys_lib
from . import plots
from . import report
from . import rounding
from . import sides
from . import steps
from . import today_side

# The steps that the table lists, in addition to the last step.
_SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def train(
    original: sides.Side,
    port: today_side.Today,
    keys: keys_lib.Keys,
    looked: steps.Result,
) -> tuple[list[float], list[float], float]:
  """Trains the port like the original; the port keeps its trained values.

  Args:
    original, port: the sides.
    keys: the mapping between the keys of the two sides.
    looked: the result of steps.compare().  On today's TensorFlow, it contains
      the losses of every step; for an old TensorFlow, the port trains again
      from the start.

  Returns:
    The losses of the original and the port, one per step, and the maximum
    relative difference of the first loss.
  """
  if not original.runtime:
    return *looked.losses, 0.0
  found, largest = port.train(
      original.checkpoint(0), keys.names(), original.trained_on
  )
  batch = len(original.trained_on[0][1])
  return original.losses, found, rounding.losses(largest, batch)['total_loss']


def growth(
    original: list[float], port: list[float]
) -> list[tuple[int, float, float, float]]:
  """Returns how the difference between two curves grows.

  Args:
    original, port: the loss of each step.

  Returns:
    list of (step from 1, the original's loss, the port's loss, the largest
    difference so far).
  """
  apart = np.maximum.accumulate(np.abs(np.subtract(original, port)))
  steps = sorted({s for s in _SHOWN if s <= len(port)} | {len(port)})
  return [(s, original[s - 1], port[s - 1], float(apart[s - 1])) for s in steps]


def unexplained(original: list[float], port: list[float], bound: float) -> int:
  """Counts losses that are out of bounds or non-finite.

  Args:
    original, port: the loss of each step.
    bound: the maximum relative difference of the first losses.
  """
  first = abs(original[0] - port[0]) <= bound * abs(original[0])
  return (not first) + sum(not math.isfinite(loss) for loss in original + port)


def section(
    where: str, original: list[float], port: list[float], bound: float
) -> dict:
  """Returns a section of the report.

  Args:
    where: the original's TensorFlow, as shown in the title.
    original, port, bound: the result of train().
  """
  rows = growth(original, port)
  apart = [
      (step, math.log10(abs(a - b)))
      for step, (a, b) in enumerate(zip(original, port), 1)
      if math.isfinite(a - b) and a != b
  ]
  drawn = [
      (
          'Loss of each step.',
          (list(enumerate(original, 1)), list(enumerate(port, 1))),
      )
  ]
  if apart:
    drawn.append(
        (
            'Decimal logarithm of the difference at each step; no point if the '
            'losses are equal.',
            ((), apart),
        )
    )
  return report.section(
      'Losses of a training run' + where,
      unexplained(original, port, bound),
      text=[
          '%d steps from the same weights on the same batches, each side on '
          'one thread: the original went from %.4f to %.4f, the port from '
          '%.4f to %.4f. The largest difference of the losses is %.2g, and the '
          'difference of their means is %.2g.'
          % (
              len(original),
              original[0],
              original[-1],
              port[0],
              port[-1],
              rows[-1][3],
              np.mean(original) - np.mean(port),
          ),
          'The bound for the relative difference of the first loss, due to '
          'rounding, is %.2g; the measured difference is %.2g. Later losses '
          'have no bound if another TensorFlow rounds differently: each step '
          'magnifies earlier rounding errors, so that a difference in the last '
          'bit grows until the two curves are independent samples of the same '
          'noise. Later losses are shown but not judged, except that a '
          'non-finite loss counts as unexplained.'
          % (bound, abs(original[0] - port[0]) / original[0]),
      ],
      tables=[
          report.table(
              'How the difference grows',
              ('step', 'original', 'port', 'largest difference so far'),
              [
                  (s, '%.6f' % a, '%.6f' % b, '%.2g' % apart)
                  for s, a, b, apart in rows
              ],
          )
      ],
      plots=[(caption, plots.curves(*both)) for caption, both in drawn],
  )
