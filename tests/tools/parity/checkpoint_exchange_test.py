"""Checkpoints of small graphs, restored into each other."""

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import small_training
from tools.base import training_graph
from tools.parity import checkpoint_exchange


class ExchangeTest(tf.test.TestCase):

  def exchange(self, source, target):
    source, target = (
        training_graph.Training(small_training.meta_graph(**v))
        for v in (source, target)
    )
    with source, target:
      found = checkpoint_exchange.exchange(
          source, target, directory=self.create_tempdir().full_path
      )
      return found, source.read(), target.read()

  def test_same_keys(self):
    found, a, b = self.exchange({}, {})
    self.assertEqual(0, found.unexplained)
    self.assertEqual('', found.step_mapped)
    self.assertEqual(
        ['global_step', 'w', 'w/ExponentialMovingAverage'],
        [k.key for k in found.keys],
    )
    for key in a:
      self.assertAllEqual(a[key], b[key])

  def test_step_counter_is_mapped(self):
    old = {'step_name': 'Variable', 'step_type': tf.int32}
    found, _, values = self.exchange(old, {})
    self.assertEqual(0, found.unexplained)
    self.assertEqual(
        'Variable (int32) as global_step (int64)', found.step_mapped
    )
    self.assertEqual(1234, values['global_step'])
    self.assertEqual(np.int64, values['global_step'].dtype)
    found, _, values = self.exchange({}, old)
    self.assertEqual(0, found.unexplained)
    self.assertEqual(1234, values['Variable'])

  def test_other_keys(self):
    found, _, _ = self.exchange({'names': ('w', 'v')}, {'names': ('w', 'u')})
    self.assertEqual(
        ['v', 'v/ExponentialMovingAverage'],
        [k.key for k in found.keys if not k.equal],
    )
    self.assertEqual(('u', 'u/ExponentialMovingAverage'), found.lacking)
    self.assertEqual(4, found.unexplained)
