"""The arithmetic of the benchmark; what it times has tests of its own."""

import io
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_compat import errors
from tools import benchmark

LOG = """Filling queue with 20000 CIFAR images before starting to train.
2026-01-01 23:59:59: step 0, loss = 4.68 (1.0 examples/sec; 9.000 sec/batch)
2026-01-01 23:59:59.500000: step 10, loss = 4.66 (1.0 examples/sec; 9 sec/batch)
2026-01-02 00:00:04.500000: step 20, loss = 4.64 (1.0 examples/sec; 9 sec/batch)
"""


class BenchmarkTest(absltest.TestCase):

  def test_sec_per_batch(self):
    self.assertAlmostEqual(0.5, benchmark.sec_per_batch(LOG, 10, 20))
    self.assertAlmostEqual(5.5 / 20, benchmark.sec_per_batch(LOG, 0, 20))
    with self.assertRaisesRegex(errors.UsageError, 'step 30'):
      benchmark.sec_per_batch(LOG, 0, 30)

  def test_what_cannot_share_a_batch(self):
    with mock.patch.object(sys, 'stderr', io.StringIO()) as err:
      for flag in ('--towers=3', '--towers=0', '--workers=0'):
        self.assertEqual(1, benchmark.main(['--data_dir=x', flag]))
      self.assertEqual(1, benchmark.main(['--data_dir=x']))
    self.assertEqual(3, err.getvalue().count('share a batch of 128 evenly'))
    self.assertIn('one of the arguments', err.getvalue().splitlines()[-1])


if __name__ == '__main__':
  absltest.main()
