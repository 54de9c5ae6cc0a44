"""The losses of a few steps, of the port and of other networks."""

import numpy as np

from tools.speed import children
from tools.speed import fixed_values
from tools.speed import our_graphs


def losses(name, *, batch_size=16, steps=3):
  """Returns the losses of the first steps of a graph of the port, as floats.

  Args:
    name: str, see our_graphs.make_step().
    batch_size, steps: int.
  """
  step = our_graphs.make_step(name, *fixed_values.batch(batch_size))
  found = [step.run() for _ in range(steps)]
  step.close()
  return found


def assert_equal_losses(make_step):
  """Compares another network's losses of four steps with the literal network's.

  Args:
    make_step: function of images and labels; returns a function without
      arguments that runs a step and returns its loss.

  Returns:
    list of float, its losses.
  """
  step = make_step(*fixed_values.batch(16))
  found = [step() for _ in range(4)]
  # In a separate process: this one may be in another mode.
  ours = children.run(
      'tools.speed.constant_batch',
      ['literal', '--batch_size=16', '--warm_up=1', '--steps=3'],
      what='ours',
  ).values
  np.testing.assert_allclose(found[0], ours['first_loss'], rtol=1e-5)
  # Later losses show that gradients and updates are the same.
  np.testing.assert_allclose(found[3], ours['last_loss'], rtol=1e-4)
  return found
