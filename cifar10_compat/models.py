"""The networks that --model chooses from, literal or fast, and their input."""

import functools
from typing import Callable, NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_local
from cifar10_compat.base import errors


class Model(NamedTuple):
  """One network, and the functions that make its batches."""

  name: str  # what --model calls it
  inference: Callable[..., object]  # of images, num_classes: returns logits
  # Functions with the parameters of cifar10's.
  distorted_inputs: Callable[..., object] = cifar10.distorted_inputs
  inputs: Callable[..., object] = cifar10.inputs


CIFAR10 = Model('cifar10', cifar10.inference)
# The editions from September 2016 on begin with larger weights.
_LATER_STDDEV = 5e-2
CIFAR10_LATER = Model(
    'cifar10_5e-2',
    functools.partial(cifar10.inference, conv_stddev=_LATER_STDDEV),
)
CONV_LOCAL = Model('conv_local', cifar10_local.inference)

MODELS = {model.name: model for model in (CIFAR10, CIFAR10_LATER, CONV_LOCAL)}

# The same networks, made of faster ops.
_FAST_INFERENCE = {
    CIFAR10.name: cifar10_fast.inference,
    CIFAR10_LATER.name: functools.partial(
        cifar10_fast.inference, conv_stddev=_LATER_STDDEV
    ),
    CONV_LOCAL.name: cifar10_fast.local_inference,
}

# What --precision can be, of the fast networks.
PRECISIONS = {'float32': tf.float32, 'bfloat16': tf.bfloat16}


def get(name, *, fast_network=False, fast_input=False, precision='float32'):
  """Returns the Model called `name`.

  Args:
    name: str, one of MODELS.
    fast_network: bool, take the network that is made of faster ops.
    fast_input: bool, take the input that works in chunks of images.
    precision: str, one of PRECISIONS.

  Raises:
    UsageError: there is no model or precision of that name, or a precision is
      asked for that only the fast network has.
  """
  if name not in MODELS:
    raise errors.UsageError(
        'no model is called %r: choose one of %s'
        % (name, ', '.join(sorted(MODELS)))
    )
  if precision not in PRECISIONS:
    raise errors.UsageError(
        'no precision is called %r: choose one of %s'
        % (precision, ', '.join(sorted(PRECISIONS)))
    )
  if precision != 'float32' and not fast_network:
    raise errors.UsageError(
        'precision is %s, which only the fast network has: add '
        '--fast_network, or --fast' % precision
    )
  model = MODELS[name]
  if fast_network:
    model = model._replace(
        inference=functools.partial(
            _FAST_INFERENCE[name], precision=PRECISIONS[precision]
        )
    )
  if fast_input:
    model = model._replace(
        distorted_inputs=cifar10_fast_input.distorted_inputs,
        inputs=cifar10_fast_input.inputs,
    )
  return model


def trained_variables(averaged=True):
  """Returns what of a checkpoint fills the network of the default graph.

  Args:
    averaged: bool, the moving averages instead of the variables themselves.

  Returns:
    dict from key, str, to variable.
  """
  if averaged:
    return tf.train.ExponentialMovingAverage(
        cifar10.MOVING_AVERAGE_DECAY
    ).variables_to_restore()
  return {v.op.name: v for v in tf.trainable_variables()}
