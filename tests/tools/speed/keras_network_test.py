"""Keras's network has the losses of the port's, step by step."""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import unittest

from absl.testing import absltest

from tests.helpers import versions
from tests.tools.speed import few_steps

if versions.has_keras_3():
  from tools.speed import keras_network


@unittest.skipUnless(versions.has_keras_3(), 'the network is of Keras 3')
class KerasNetworkTest(absltest.TestCase):

  def test_losses_equal_the_ports(self):
    losses = few_steps.assert_equal_losses(keras_network.make_step)
    self.assertLess(losses[3], losses[0] - 0.05)

  def test_size(self):
    self.assertEqual(1068298, keras_network.make_model().count_params())
