"""Losses of the fast and the literal network, and their bounds."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from tests.tools.parity import checkpoint_fixture
from tools.parity import fast_network


def _result(fast=1e-6, first=1e-6, last=2e-2, literal=1e-2):
  return {
      'parts': [
          {'part': 'conv2', 'of': 'value', 'literal': 1e-6, 'fast': fast}
      ],
      'losses': {
          'one thread': {'1': 0.0, '200': literal},
          'fast': {'1': first, '200': last},
      },
  }


class LossesTest(checkpoint_fixture.CheckpointTestCase):

  def test_losses(self):
    literal, fast = [
        fast_network.losses(model, self.checkpoint, self.batches)
        for model in (
            config_lib.Network(),
            config_lib.Network(fast_network=True),
        )
    ]
    self.assertLen(literal, 3)
    self.assertAllClose(literal, fast, rtol=1e-4)
    # Three different steps.
    self.assertLen(set(literal), 3)


class BoundsTest(tf.test.TestCase):

  def test_differences(self):
    found = fast_network.curve_differences(
        {
            'literal': np.array([2.0, 4.0, 4.0, 4.0, 4.0]),
            'fast': np.array([2.0, 4.0, 3.0, 4.0, 4.1]),
        }
    )
    self.assertEqual(['fast'], list(found))
    self.assertAllClose({'1': 0.0, '5': 0.25}, found['fast'])

  def test_bounds(self):
    self.assertTrue(fast_network.is_within_bounds(_result()))
    for wrong in (
        _result(fast=2e-5),
        _result(first=2e-5),
        _result(last=4e-2),
        _result(literal=1e-3),
    ):
      self.assertFalse(fast_network.is_within_bounds(wrong))

  def test_tables(self):
    parts, curves = fast_network.tables(_result())
    self.assertEqual([['conv2', 'value', '1.0e-06', '1.0e-06']], parts[1])
    self.assertEqual(['largest difference up to step', '1', '200'], curves[0])
    self.assertEqual(['fast', '1.0e-06', '2.0e-02'], curves[1][1])
