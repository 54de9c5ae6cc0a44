"""PyTorch's network has the losses of the port's, if PyTorch is installed."""

import importlib
from unittest import mock

from absl.testing import absltest

from tests.tools.speed import few_steps
from tools.speed import torch_network


class TorchNetworkTest(absltest.TestCase):

  def test_losses_equal_the_ports(self):
    if not torch_network.available():
      self.skipTest('PyTorch is not installed')
    few_steps.assert_equal_losses(torch_network.make_step)

  def test_not_installed(self):
    with mock.patch.object(importlib.util, 'find_spec', return_value=None):
      self.assertFalse(torch_network.available())
