"""Scores one checkpoint with the unmodified evaluator and with the port's.

Each evaluation is a process of its own.  The historical count draws 79 batches of 128
from a shuffling queue, so it varies from run to run; the exact one scores each
image once and does not.
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

# What the historical count scores, some of them twice.
_DRAWS = 79 * 128
# How far two historical counts may lie apart.  Their true deviation is less
# than the binomial one, as most draws are of different images.
DEVIATIONS = 3

_PRECISION = re.compile(r'precision @ 1 = ([\d.]+)')


class Score(NamedTuple):
  """What one evaluator found."""

  name: str
  precision: float  # 0 to 1
  is_historical: bool  # its count
  is_original: bool


def evaluate(
    original: sides.Side, port: sides.Side, checkpoint_dir: str
) -> list[Score]:
  """Scores the newest checkpoint of a directory four ways.

  Args:
    original, port: each with its evaluator.
    checkpoint_dir: of either.

  Returns:
    The two historical counts first, that of the original before the other.

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
    printed: str, its stdout.
    name: str, the evaluator's, for the message.

  Raises:
    UsageError: it printed none.
  """
  match = _PRECISION.search(printed)
  errors.UsageError.raise_if(
      not match,
      'the evaluator (%s) printed no precision but %r'
      % (name, printed.strip()[-200:]),
  )
  return float(match.group(1))


def deviation(score):
  """Returns the binomial standard deviation of a Score, 0 of an exact one."""
  if not score.is_historical:
    return 0.0
  return math.sqrt(score.precision * (1 - score.precision) / _DRAWS)


def apart(original, port):
  """Returns how many standard deviations two historical Scores lie apart."""
  difference = abs(original.precision - port.precision)
  both = math.hypot(deviation(original), deviation(port))
  return difference / both if both else float('inf') if difference else 0.0


def section(scores, checkpoint, title='Eval'):
  """Returns a section of the report.

  Args:
    scores: list of Scores, from evaluate().
    checkpoint: str, what was scored.
    title: str, of the section.
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
          '--count=historical each draw %d images from a shuffling queue: %.3f '
          'and %.3f, %.1f standard deviations apart. More than %d count as '
          'unexplained; they are those of two independent binomial counts.'
          % (
              checkpoint,
              _DRAWS,
              original.precision,
              port.precision,
              distance,
              DEVIATIONS,
          ),
          'Each image once: %.3f with averaged weights, %.3f with the raw ones.'
          % (exact.precision, raw.precision),
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
              'Precision @ 1; bars are one standard deviation of a historical count.',
              plots.dots(dots, 'precision @ 1'),
          )
      ],
  )
