"""Trains ours on the batches on which theirs was trained, from its weights.

Two float32 computations of one step differ by rounding, and training magnifies
any difference: that is no difference of the programs.  So only the loss of the
first step, of the same weights, is held against a bound.
"""

import math

import numpy as np

from . import old_checkpoints
from . import old_keys
from . import plots
from . import report
from . import rounding

_LOGITS = 'softmax_linear/softmax_linear:0'
# The steps that the table shows, where the training is as long, and its last.
_SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def train(answer, training, keys):
  """Trains ours as theirs was trained, and leaves it so.

  Args:
    answer: old_answers.Answer.
    training: training_graph.Training of ours; it loses its values.
    keys: old_keys.Keys.

  Returns:
    (list of floats, float): the loss of each step, and the largest absolute
    value of a logit in the first.
  """
  averages = old_keys.uncorrected(keys)
  old_checkpoints.restore(
      answer.checkpoint('start-0'), training, keys, averages=averages
  )
  logits = training.session.graph.get_tensor_by_name(_LOGITS)
  losses, largest = [], 0.0
  for images, labels in answer.trained_on():
    loss, found, _ = training.session.run(
        [training.loss, logits, training.train_op],
        {training.images: images, training.labels: labels},
    )
    if not losses:
      largest = float(np.abs(found).max())
    losses.append(float(loss))
  return losses, largest


def growth(theirs, ours):
  """Returns how far apart two curves have come.

  Args:
    theirs, ours: lists of floats, the loss of each step.

  Returns:
    list of (step from 1, their loss, our loss, the largest difference so far).
  """
  apart = np.maximum.accumulate(np.abs(np.subtract(theirs, ours)))
  steps = sorted({s for s in _SHOWN if s <= len(theirs)} | {len(theirs)})
  return [(s, theirs[s - 1], ours[s - 1], float(apart[s - 1])) for s in steps]


def unexplained(theirs, ours, bound):
  """Returns how many losses are not as they must be.

  Args:
    theirs, ours: lists of floats, the loss of each step.
    bound: float, what the first may differ by, of theirs.
  """
  first = abs(theirs[0] - ours[0]) <= bound * abs(theirs[0])
  odd = sum(not math.isfinite(loss) for loss in theirs + ours)
  return int(not first) + odd


def section(version, answer, losses, largest):
  """Compares the loss of each step.

  Args:
    version: str, of the TensorFlow of the time.
    answer: old_answers.Answer.
    losses, largest: what train() returned.

  Returns:
    A section of the report.
  """
  theirs = answer.losses
  (images, _), *_ = answer.trained_on()
  bound = rounding.losses(largest, len(images))['total_loss']
  rows = growth(theirs, losses)
  return report.section(
      'Losses of a training on TensorFlow %s' % version,
      unexplained(theirs, losses, bound),
      text=[
          '%d steps from the same weights on the same batches, on one thread of '
          'each: theirs went from %.4f to %.4f, ours from %.4f to %.4f. The two '
          'lie %.2g apart at most, and on average over the steps they differ by '
          '%.2g.'
          % (
              len(theirs),
              theirs[0],
              theirs[-1],
              losses[0],
              losses[-1],
              rows[-1][3],
              np.mean(theirs) - np.mean(losses),
          ),
          'The first loss, of the same weights, may differ by %.2g of its size, '
          'by rounding, and differs by %.2g. For those after it no bound can be '
          'stated: each step magnifies what the last one rounded, so that a '
          'difference in the last bit grows until the curves are two draws of '
          'the same noise. They are shown, and a loss that is no number counts '
          'as unexplained.' % (bound, abs(theirs[0] - losses[0]) / theirs[0]),
      ],
      tables=[
          report.table(
              'How the difference grows',
              ('step', 'theirs', 'ours', 'largest difference so far'),
              [
                  (s, '%.6f' % a, '%.6f' % b, '%.2g' % apart)
                  for s, a, b, apart in rows
              ],
          )
      ],
      plots=_plots(theirs, losses),
  )


def _plots(theirs, ours):
  """Returns the plots of section(), as report.section() takes them."""
  apart = [
      (step, math.log10(abs(a - b)))
      for step, (a, b) in enumerate(zip(theirs, ours), 1)
      if math.isfinite(a - b) and a != b
  ]
  drawn = [
      (
          'Loss of each step.',
          plots.curves(list(enumerate(theirs, 1)), list(enumerate(ours, 1))),
      )
  ]
  if apart:
    drawn.append(
        (
            'The difference of the two losses at each step, its decimal '
            'logarithm; where they are equal there is no point.',
            plots.curves((), apart),
        )
    )
  return drawn
