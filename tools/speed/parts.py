"""Defines the parts of --fast, which the benchmark times one by one."""

import os
from typing import Callable, Dict, NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat import startup
from cifar10_compat.fast import normalization
from cifar10_compat.fast import winograd

# The contestants that use all parts.
FAST = ('fast', 'fast_bfloat16')


class Part(NamedTuple):
  """A part of --fast on top of the literal network."""

  help: str
  environment: Dict[str, str] = {}
  # Dict from the name of a tf.nn function that cifar10.inference() calls to a
  # function that returns the replacement, which has the same parameters.
  replaced_ops: Dict[str, Callable[[], Callable[..., object]]] = {}


def _banded_lrn():
  def lrn(x, depth_radius, *, bias, alpha, beta, name):
    del beta  # The exponent beta is 0.75 in both functions.
    return normalization.lrn(x, depth_radius, bias=bias, alpha=alpha, name=name)

  return lrn


def _winograd_conv2():
  direct = tf.nn.conv2d

  def conv2d(images, kernel, strides, *, padding):
    # Leave conv1, which reads three channels, unchanged.
    if kernel.shape[2] == 3:
      return direct(images, kernel, strides, padding=padding)
    return winograd.conv2d(images, kernel)

  return conv2d


def _early_max_pool():
  late = tf.nn.max_pool

  def max_pool(value, *, ksize, strides, padding, name):
    # Leave pool2, which follows a normalization, unchanged.
    if value.op.type != 'Relu':
      return late(
          value, ksize=ksize, strides=strides, padding=padding, name=name
      )
    conv, biases = value.op.inputs[0].op.inputs
    pool = late(conv, ksize=ksize, strides=strides, padding=padding)
    return tf.nn.relu(tf.nn.bias_add(pool, biases), name=name)

  return max_pool


PARTS = {
    'onednn': Part("oneDNN's kernels", {startup.ONEDNN: '1'}),
    'lrn': Part(
        'normalization as a banded matrix product',
        replaced_ops={'lrn': _banded_lrn},
    ),
    'winograd': Part(
        'conv2 as a Winograd convolution',
        replaced_ops={'conv2d': _winograd_conv2},
    ),
    'pooling': Part(
        "conv1's bias and ReLU after its pooling",
        replaced_ops={'max_pool': _early_max_pool},
    ),
}


def fast_environment():
  """Returns the environment of --fast; keeps a value that the user has set."""
  return {startup.ONEDNN: os.environ.get(startup.ONEDNN, '1')}
