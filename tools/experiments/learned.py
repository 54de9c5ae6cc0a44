"""Whether two kinds of training learn the same: precisions with their spread.

A difference of means is given with its 90% interval by Welch's t-test, which
takes the two spreads as they are.  Kinds learn the same, to within a margin, if
that interval lies within it (two one-sided tests, each at 5%).
"""

import statistics
from typing import NamedTuple


class Difference(NamedTuple):
  """A difference of two means."""

  mean: float
  low: float  # of the 90% interval
  high: float


def precisions(runs, step, weights='averaged'):
  """Returns the precision of each run at a step, a list of float.

  Args:
    runs: list of dict, the contents of docs/data/runs/*.json.
    step: int.
    weights: 'averaged' or 'raw'.
  """
  return [
      p[weights] for run in runs for p in run['precision'] if p['step'] == step
  ]


def difference(ours, others):
  """Compares the means of two samples.

  Args:
    ours, others: lists of at least two floats.

  Returns:
    Difference, of the mean of `ours` from that of `others`.
  """
  # Of an extra, which not everyone has who imports this module.
  import scipy.stats

  test = scipy.stats.ttest_ind(ours, others, equal_var=False)
  interval = test.confidence_interval(0.9)
  mean = statistics.mean(ours) - statistics.mean(others)
  return Difference(mean, float(interval.low), float(interval.high))


def table(literal, fast):
  """Compares literal and fast runs.

  Args:
    literal, fast: lists of dict, see precisions().

  Returns:
    list of str, the column heads; and a list of rows, each a list of str.
  """

  def spread(runs, step, weights):
    found = precisions(runs, step, weights)
    if not found:
      return ''
    return '%.4f ± %.4f (%d runs)' % (
        statistics.mean(found),
        statistics.stdev(found),
        len(found),
    )

  rows = []
  for step in (5000, 10000):
    for weights in ('averaged', 'raw'):
      found = [precisions(runs, step, weights) for runs in (fast, literal)]
      row = ['{:,}'.format(step), weights]
      row += [spread(runs, step, weights) for runs in (literal, fast)]
      if all(found):
        d = difference(*found)
        row.append('%+.4f (%+.4f to %+.4f)' % d)
      else:
        row.append('')
      rows.append(row)
  heads = ['step', 'weights', 'default', '`--fast`']
  return heads + ['`--fast` less default, 90% interval'], rows
