"""PyTorch's network against ours, where PyTorch is installed."""

import importlib
from unittest import mock

from absl.testing import absltest
import numpy as np

from tools.speed import children
from tools.speed import fixed_values
from tools.speed import torch_network


class TorchNetworkTest(absltest.TestCase):

  def test_losses_are_ours(self):
    if not torch_network.available():
      self.skipTest('PyTorch is not installed')
    step = torch_network.make_step(*fixed_values.batch(16))
    losses = [step() for _ in range(4)]
    ours = children.run(
        'tools.speed.constant_batch',
        ['literal', '--batch_size=16', '--warm_up=1', '--steps=3'],
        what='ours',
    ).values
    np.testing.assert_allclose(losses[0], ours['first_loss'], rtol=1e-5)
    # That gradients and updates are the same, a later one shows.
    np.testing.assert_allclose(losses[3], ours['last_loss'], rtol=1e-4)

  def test_where_it_is_not_installed(self):
    with mock.patch.object(importlib.util, 'find_spec', return_value=None):
      self.assertFalse(torch_network.available())
