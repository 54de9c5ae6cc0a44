"""PyTorch's network against ours, where PyTorch is installed."""

import importlib
from unittest import mock

from absl.testing import absltest

from tests.tools.speed import few_steps
from tools.speed import torch_network


class TorchNetworkTest(absltest.TestCase):

  def test_losses_are_ours(self):
    if not torch_network.available():
      self.skipTest('PyTorch is not installed')
    few_steps.assert_losses_are_ours(torch_network.make_step)

  def test_where_it_is_not_installed(self):
    with mock.patch.object(importlib.util, 'find_spec', return_value=None):
      self.assertFalse(torch_network.available())
