"""Compares the losses of a training of both sides, from the same weights.

Two float32 computations of one step differ by rounding, and training magnifies
any difference: that is no difference of the programs.  So only the loss of the
first step, of the same weights, is held against a bound.
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

# The steps that the table shows, where the training is as long, and its last.
_SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def train(
    original: sides.Side,
    port: today_side.Today,
    keys: keys_lib.Keys,
    looked: steps.Result,
) -> tuple[list[float], list[float], float]:
  """Has the port train as the original was trained, and leaves it so.

  Args:
    original, port: the sides.
    keys: of both.
    looked: what steps.compare() found.  On today's TensorFlow it has looked
      at every step; on one of the time the port trains again from the start.

  Returns:
    The losses of the original and of the port, one for each step, and what the
    first may differ by, of the original's.
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
  """Returns how far apart two curves have come.

  Args:
    original, port: the loss of each step.

  Returns:
    (step from 1, the original's loss, the port's, the largest difference so far).
  """
  apart = np.maximum.accumulate(np.abs(np.subtract(original, port)))
  steps = sorted({s for s in _SHOWN if s <= len(port)} | {len(port)})
  return [(s, original[s - 1], port[s - 1], float(apart[s - 1])) for s in steps]


def unexplained(original: list[float], port: list[float], bound: float) -> int:
  """Returns how many losses are not as they must be.

  Args:
    original, port: the loss of each step.
    bound: what the first may differ by, of the original's.
  """
  first = abs(original[0] - port[0]) <= bound * abs(original[0])
  return (not first) + sum(not math.isfinite(loss) for loss in original + port)


def section(
    where: str, original: list[float], port: list[float], bound: float
) -> dict:
  """Returns a section of the report.

  Args:
    where: of the original, for the title.
    original, port, bound: what train() returned.
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
            'The difference of the two losses at each step, its decimal '
            'logarithm; where they are equal there is no point.',
            ((), apart),
        )
    )
  return report.section(
      'Losses of a training' + where,
      unexplained(original, port, bound),
      text=[
          '%d steps from the same weights on the same batches, on one thread of '
          'each: the original went from %.4f to %.4f, the port from %.4f to '
          '%.4f. The two lie %.2g apart at most, and on average over the steps '
          'they differ by %.2g.'
          % (
              len(original),
              original[0],
              original[-1],
              port[0],
              port[-1],
              rows[-1][3],
              np.mean(original) - np.mean(port),
          ),
          'The first loss, of the same weights, may differ by %.2g of its size, '
          'by rounding, and differs by %.2g. For those after it no bound can be '
          'stated where another TensorFlow rounds otherwise: each step magnifies '
          'what the last one rounded, so that a difference in the last bit grows '
          'until the curves are two draws of the same noise. They are shown, and '
          'a loss that is no number counts as unexplained.'
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
