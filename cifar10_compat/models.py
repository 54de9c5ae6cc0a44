"""Selects the network module for --model and --fast."""

import types

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_local
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors


def network(config: config_lib.Network) -> types.ModuleType:
  """Returns the module whose inference() builds the network.

  Args:
    config: model, fast, fast_network and precision select the module.

  Returns:
    cifar10, cifar10_local, or cifar10_fast, which builds both from faster ops.

  Raises:
    UsageError: only the fast network supports the precision.
  """
  fast = config.fast_network
  if fast is None:
    fast = config.fast and not tf.config.list_physical_devices('GPU')
  if fast:
    return cifar10_fast
  if config.precision != 'float32':
    raise errors.UsageError(
        f'precision is {config.precision}, which only the fast network '
        'supports: add --fast_network, or --fast'
    )
  return cifar10_local if config.model == config_lib.CONV_LOCAL else cifar10
