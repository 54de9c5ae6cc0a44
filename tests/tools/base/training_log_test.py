"""Log lines of the port's and the historical trainers."""

from datetime import datetime

from absl.testing import absltest

from tools.base import training_log

LOG = """Filling queue with 20000 CIFAR images before starting to train.
2026-01-01 23:59:59: step 0, loss = 4.68 (1.0 examples/sec; 9.000 sec/batch)
2026-01-01 23:59:59.500000: step 10, loss = 4.66 (1.5 examples/sec; 9 sec/batch)
2026-13-02 00:00:04: step 20, loss = 4.6 (1.0 examples/sec; 0.5 sec/batch)
2026-01-02 00:00:04: step 20, loss = 4.\0 (1.0 examples/sec; 0.5 sec/batch)
2026-01-02 00:00:04: step 20, loss = 4.6 (nan examples/sec; 0.5 sec/batch)
2026-01-02 00:00:04: step 20, loss = nan (1.0 examples/sec; 0.5
"""


class TrainingLogTest(absltest.TestCase):

  def test_parse(self):
    # The last lines are garbled or truncated.
    self.assertEqual(
        [
            training_log.Line(
                datetime(2026, 1, 1, 23, 59, 59), 0, 4.68, 1.0, 9.0
            ),
            training_log.Line(
                datetime(2026, 1, 1, 23, 59, 59, 500000), 10, 4.66, 1.5, 9.0
            ),
        ],
        training_log.parse(LOG),
    )
