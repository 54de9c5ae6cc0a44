"""Keras's network against ours: the same losses, step after step."""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import unittest

from absl.testing import absltest
import numpy as np

from tests.helpers import versions
from tools.speed import children
from tools.speed import fixed_values

if versions.has_keras_3():
  from tools.speed import keras_network


@unittest.skipUnless(versions.has_keras_3(), 'the network is of Keras 3')
class KerasNetworkTest(absltest.TestCase):

  def test_losses_are_ours(self):
    step = keras_network.make_step(*fixed_values.batch(16))
    losses = [step() for _ in range(4)]
    ours = children.run(
        'tools.speed.constant_batch',
        ['literal', '--batch_size=16', '--warm_up=1', '--steps=3'],
        what='ours',
    ).values
    self.assertLess(losses[3], losses[0] - 0.05)
    np.testing.assert_allclose(losses[0], ours['first_loss'], rtol=1e-5)
    # That gradients and updates are the same, a later one shows.
    np.testing.assert_allclose(losses[3], ours['last_loss'], rtol=1e-4)

  def test_size(self):
    self.assertEqual(1068298, keras_network.make_model().count_params())
