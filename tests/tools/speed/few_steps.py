"""The losses of a few steps, ours and of others."""

import numpy as np

from tools.speed import children
from tools.speed import fixed_values
from tools.speed import our_graphs


def losses(name, *, batch_size=16, steps=3):
  """Returns the losses of the first steps of one of our graphs, list of float.

  Args:
    name: str, see our_graphs.make_step().
    batch_size, steps: int.
  """
  step = our_graphs.make_step(name, *fixed_values.batch(batch_size))
  found = [step.run() for _ in range(steps)]
  step.close()
  return found


def assert_losses_are_ours(make_step):
  """Compares what another network loses in four steps with the literal one's.

  Args:
    make_step: function of images and labels, which returns one of no arguments
      that makes a step and returns its loss.

  Returns:
    list of float, its losses.
  """
  step = make_step(*fixed_values.batch(16))
  found = [step() for _ in range(4)]
  # In a process of its own: this one may have another mode.
  ours = children.run(
      'tools.speed.constant_batch',
      ['literal', '--batch_size=16', '--warm_up=1', '--steps=3'],
      what='ours',
  ).values
  np.testing.assert_allclose(found[0], ours['first_loss'], rtol=1e-5)
  # That gradients and updates are the same, a later one shows.
  np.testing.assert_allclose(found[3], ours['last_loss'], rtol=1e-4)
  return found
