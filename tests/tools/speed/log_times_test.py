"""Logs written by hand."""

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.speed import log_times

LOG = """Filling queue with 20000 CIFAR images before starting to train.
2026-01-01 23:59:59: step 0, loss = 4.68 (1.0 examples/sec; 9.000 sec/batch)
2026-01-01 23:59:59.500000: step 10, loss = 4.66 (1.0 examples/sec; 9 sec/batch)
2026-01-02 00:00:04.500000: step 20, loss = 4.64 (1.0 examples/sec; 9 sec/batch)
"""


def _log(seconds):
  """Returns a log with a line every ten steps, at these seconds."""
  return ''.join(
      '2026-01-01 00:00:%09.6f: step %d, loss = 1.00 (1 examples/sec; 1 '
      'sec/batch)\n' % (second, 10 * i)
      for i, second in enumerate(seconds)
  )


class LogTimesTest(absltest.TestCase):

  def test_sec_per_step(self):
    self.assertAlmostEqual(0.5, log_times.sec_per_step(LOG, 10, 20))
    self.assertAlmostEqual(5.5 / 20, log_times.sec_per_step(LOG, 0, 20))
    with self.assertRaisesRegex(errors.UsageError, 'step 30'):
      log_times.sec_per_step(LOG, 0, 30)

  def test_between_summaries(self):
    # After step 0 and step 100 come 7 seconds that are excluded.
    seconds = [0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 23, 27]
    self.assertAlmostEqual(
        13 / 100, log_times.sec_per_step_between_summaries(_log(seconds))
    )
    with self.assertRaises(errors.UsageError):
      log_times.sec_per_step_between_summaries(_log([0, 7]))

  def test_last_step_without_summaries(self):
    for steps, last in ((1, 20), (10, 20), (40, 50), (90, 100), (100, 120)):
      self.assertEqual(last, log_times.last_step_without_summaries(steps))
      # The requested number of steps is timed.
      log = _log(range(last // 10 + 1))
      self.assertAlmostEqual(0.1, log_times.sec_per_step_between_summaries(log))
