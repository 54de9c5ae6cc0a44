"""A run that was never made, to be shown on a page."""

import datetime

import numpy as np

from tools.base import training_log
from tools.run import history
from tools.run import page


def full_history():
  """Returns a History that has everything."""
  steps = range(0, 301, 100)
  return history.History(
      {
          'total_loss (raw)': [(s, 4.0 - s / 100) for s in steps],
          'total_loss': [(s, 4.5 - s / 100) for s in steps],
          'cross_entropy': [(s, 2.3) for s in steps],
          'learning_rate': [(0, 0.1), (100, 0.1), (200, 0.01)],
          'queue/shuffle_batch/fraction_over_20000_of_384_full': [
              (s, 0.5) for s in steps
          ],
      },
      {'averaged': [(1000, 0.25), (2000, 0.5)], 'raw': [(1000, 0.125)]},
      [
          # Ten steps take 10 seconds, those with a summary 20.
          training_log.Line(
              datetime.datetime(2026, 1, 1)
              + datetime.timedelta(seconds=step + 10 * -(-step // 100)),
              step,
              4.0,
              128.0,
              1.0,
          )
          for step in range(0, 301, 10)
      ],
      None,
  )


def network():
  """Returns a Network of ten classes: 90 of 100 answers are right."""
  labels = np.arange(100) % 10
  answers = np.where(np.arange(100) < 10, (labels + 1) % 10, labels)
  return page.Network(
      2000,
      ['class %d' % i for i in range(10)],
      np.zeros([100, 32, 32, 3], np.uint8),
      labels,
      4.0 * np.eye(10)[answers],
      np.random.RandomState(0).randn(5, 5, 3, 64),
  )
