"""Times the steps of one network on one batch; a child of the benchmark.

  constant_batch NAME [--batch_size=128] [--warm_up=5] [--steps=20]

NAME is literal, fast, fast_bfloat16, a part of --fast, keras or pytorch.
Reports the mean seconds per step, and the losses of the very first and the last
step, which must be equal for all networks that do the same arithmetic.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import importlib
import sys
import time

import tensorflow.compat.v1 as tf

from ..base import command_line
from . import children
from . import fixed_values
from . import our_graphs

# The modules with the networks in other frameworks.
_PEERS = {'keras': 'keras_network', 'pytorch': 'torch_network'}


def make_step(name, images, labels):
  """Builds a network and the function that trains it on one batch.

  Args:
    name: str, see the module's docstring.
    images, labels: arrays, see fixed_values.batch().

  Returns:
    our_graphs.Step.
  """
  if name in _PEERS:
    # Import a framework only if it is used: Keras and PyTorch use memory and
    # threads.
    network = importlib.import_module('.' + _PEERS[name], __package__)
    return our_graphs.Step(network.make_step(images, labels), lambda: None)
  tf.disable_v2_behavior()
  return our_graphs.make_step(name, images, labels)


def measure(step, *, warm_up, steps):
  """Runs steps, and times the steps after the warm-up.

  Args:
    step: function without arguments that runs a step and returns its loss.
    warm_up, steps: int, at least 1.

  Returns:
    dict with seconds_per_step, first_loss and last_loss.
  """
  losses = [step() for _ in range(warm_up)]
  started = time.monotonic()
  for _ in range(steps):
    losses.append(step())
  return {
      'seconds_per_step': (time.monotonic() - started) / steps,
      'first_loss': losses[0],
      'last_loss': losses[-1],
  }


@command_line.program('constant_batch')
def main(argv):
  parser = command_line.Parser(prog='constant_batch')
  parser.add_argument('name')
  parser.add_argument('--batch_size', type=int, default=128)
  parser.add_argument('--warm_up', type=int, default=5)
  parser.add_argument('--steps', type=int, default=20)
  args = parser.parse_args(argv)
  step = make_step(args.name, *fixed_values.batch(args.batch_size))
  try:
    values = measure(step.run, warm_up=args.warm_up, steps=args.steps)
  finally:
    step.close()
  children.report(**values)
  return 0


if __name__ == '__main__':
  sys.exit(main())
