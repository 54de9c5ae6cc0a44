"""Precisions with their standard deviations."""

from absl.testing import absltest

from tools.dev import docs
from tools.experiments import report


def _run(step, averaged):
  precision = {'step': step, 'averaged': averaged, 'raw': averaged - 0.1}
  return {'precision': [precision]}


class LearnedTest(absltest.TestCase):

  def test_difference_by_hand(self):
    # Means 3 and 2, variances 4 and 1, three values each: the standard error is
    # sqrt(5 / 3), with (5/3)**2 / ((4/3)**2/2 + (1/3)**2/2) = 50/17 degrees of
    # freedom; Student's 95th percentile is 2.353 for 3, a little more for 2.94.
    found = report.difference([1.0, 3.0, 5.0], [1.0, 2.0, 3.0])
    self.assertAlmostEqual(1.0, found.mean)
    self.assertAlmostEqual(1 - 2.37 * 1.291, found.low, delta=0.02)
    self.assertAlmostEqual(1 + 2.37 * 1.291, found.high, delta=0.02)

  def test_table(self):
    literal = [_run(5000, 0.7), _run(5000, 0.72)]
    fast = [_run(5000, 0.71), _run(5000, 0.73), _run(10000, 0.78)]
    fast += [_run(10000, 0.80)]
    heads, rows = report.learned({'default': literal, 'fast': fast})
    self.assertLen(heads, 5)
    self.assertEqual('0.7100 ± 0.0141 (2 runs)', rows[0][2])
    self.assertEqual('0.7200 ± 0.0141 (2 runs)', rows[0][3])
    self.assertStartsWith(rows[0][4], '+0.0100 (-0.0')
    self.assertEqual(
        ['10,000', 'averaged', '', '0.7900 ± 0.0141 (2 runs)', ''], rows[2]
    )

  def test_fast_learns_the_same(self):
    # The statement of docs/speed.md on the committed runs.
    literal, fast = docs.runs('default'), docs.runs('fast')
    for runs in (literal, fast):
      self.assertEqual([1, 2, 3, 4, 5], [r['manifest']['seed'] for r in runs])
    found = report.difference(
        *[report.precisions(runs, 5000) for runs in (fast, literal)]
    )
    self.assertBetween(found.low, -0.015, 0.015)
    self.assertBetween(found.high, -0.015, 0.015)
    at_the_end = report.precisions(fast, 10000)
    self.assertLen(at_the_end, 5)
    self.assertAlmostEqual(0.775, sum(at_the_end) / 5, delta=0.01)
