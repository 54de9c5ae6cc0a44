"""Scores one checkpoint with the unmodified evaluator and with the port.

Each evaluation runs in its own process.  The historical count draws 79 batches
of 128 images from a shuffling queue, so the count varies from run to run.  The
exact count scores each image once and does not vary.
"""

import math
import os
import re
import tempfile
from typing import NamedTuple

from cifar10_compat.base import errors

from ..base import processes
from . import plots
from . import report
from . import sides

# Number of images that the historical count scores, including repeated images.
_DRAWS = 79 * 128
# The maximum difference of two historical counts, in binomial standard
# deviations.  The true standard deviation is smaller, because most draws are
# different images.
DEVIATIONS = 3

_PRECISION = re.compile(r'precision @ 1 = ([\d.]+)')


class Score(NamedTuple):
  """One evaluator's score."""

  name: str
  precision: float  # 0 to 1
  is_historical: bool  # whether the evaluator used the historical count
  is_original: bool


def evaluate(
    original: sides.Side, port: sides.Side, checkpoint_dir: str
) -> list[Score]:
  """Scores the newest checkpoint in a directory in four ways.

  Args:
    original, port: the sides.
    checkpoint_dir: a train_dir of either side.

  Returns:
    The historical counts of the original and of the port, then the port's exact
    counts with averaged and with raw weights.

  Raises:
    UsageError: an evaluator failed, or printed no precision.
  """
  mine = port.program('cifar10_eval')
  runs = (
      ('original', *original.program('cifar10_eval')),
      ('port, historical count', *mine, '--count=historical'),
      ('port, exact count', *mine, '--count=exact'),
      ('port, exact count, raw weights', *mine, '--averaged=false'),
  )
  scores = []
  for name, module, args, *flags in runs:
    with tempfile.TemporaryDirectory() as scratch:
      printed = processes.run(
          module,
          args
          + [
              '--data_dir=' + port.data_dir,
              '--checkpoint_dir=' + checkpoint_dir,
              '--eval_dir=' + os.path.join(scratch, 'eval'),
              '--run_once',
          ]
          + flags,
          '--checkpoint_dir=%s cannot be scored (%s)' % (checkpoint_dir, name),
      )
    scores.append(
        Score(name, precision(printed, name), len(scores) < 2, not scores)
    )
  return scores


def precision(printed, name):
  """Returns the precision that an evaluator printed, a float.

  Args:
    printed: str, the evaluator's stdout.
    name: str, the evaluator's name, for the error message.

  Raises:
    UsageError: the evaluator printed no precision.
  """
  match = _PRECISION.search(printed)
  errors.UsageError.raise_if(
      not match,
      'the evaluator (%s) printed no precision but %r'
      % (name, printed.strip()[-200:]),
  )
  return float(match.group(1))


def deviation(score):
  """Returns the binomial standard deviation of a Score; 0 if exact."""
  if not score.is_historical:
    return 0.0
  return math.sqrt(score.precision * (1 - score.precision) / _DRAWS)


def apart(original, port):
  """Returns the difference of two historical Scores, in standard deviations."""
  difference = abs(original.precision - port.precision)
  both = math.hypot(deviation(original), deviation(port))
  return difference / both if both else float('inf') if difference else 0.0


def section(scores, checkpoint, title='Eval'):
  """Returns a section of the report.

  Args:
    scores: list of Scores, from evaluate().
    checkpoint: str, the name of the checkpoint in the section's text.
    title: str, the section's title.
  """
  original, port, exact, raw = scores
  distance = apart(original, port)
  rows = [
      (
          s.name,
          '%.3f' % s.precision,
          '%.4f' % deviation(s) if s.is_historical else 'none: exact',
      )
      for s in scores
  ]
  dots = [
      (s.name.replace(', ', ',\n'), s.precision, deviation(s), s.is_original)
      for s in scores
  ]
  return report.section(
      title,
      int(distance > DEVIATIONS),
      text=[
          '%s, on the test images. The unmodified evaluator and the port with '
          '--count=historical each draw %d images from a shuffling queue. Their '
          'scores, %.3f and %.3f, differ by %.1f standard deviations of two '
          'independent binomial counts. A difference of more than %d counts as '
          'unexplained.'
          % (
              checkpoint,
              _DRAWS,
              original.precision,
              port.precision,
              distance,
              DEVIATIONS,
          ),
          'The precision on each image once is %.3f with averaged weights and '
          '%.3f with raw weights.' % (exact.precision, raw.precision),
      ],
      tables=[
          report.table(
              'Precision @ 1',
              ('evaluator', 'precision', 'standard deviation'),
              rows,
          )
      ],
      plots=[
          (
              'Precision @ 1; bars: one standard deviation of a historical count.',
              plots.dots(dots, 'precision @ 1'),
          )
      ],
  )
