"""Builds the port's graphs to time: literal, --fast, and each part of --fast.

Only this module can enable a single part of --fast.
"""

import contextlib
from typing import Callable, NamedTuple
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.data import datasets

from . import fixed_values
from . import parts


class Step(NamedTuple):
  """A network that trains on one batch."""

  run: Callable[[], float]  # runs a step; returns the loss before the update
  close: Callable[[], None]


def distorted_inputs(name, *, data_dir, batch_size, dataset=datasets.CIFAR10):
  """Builds the training input in the default graph.

  Args:
    name: 'literal' or 'fast'.
    data_dir, batch_size, dataset: see cifar10.distorted_inputs().

  Returns:
    images, labels: see cifar10.distorted_inputs().
  """
  return cifar10.distorted_inputs(
      config_lib.Train(
          data_dir=data_dir,
          batch_size=batch_size,
          dataset=dataset,
          fast_input=name == 'fast',
      )
  )


def inference(name, images):
  """Builds a network in the default graph.

  Args:
    name: 'literal', 'fast', 'fast_bfloat16', or the name of a part.
    images: float32 tensor of shape [batch_size, 24, 24, 3].

  Returns:
    float32 tensor of shape [batch_size, 10], the logits.
  """
  if name in parts.FAST:
    precision = 'bfloat16' if name == 'fast_bfloat16' else 'float32'
    config = config_lib.Network(fast_network=True, precision=precision)
    return models.network(config).inference(images, config)
  replaced = {} if name == 'literal' else parts.PARTS[name].replaced_ops
  with contextlib.ExitStack() as stack:
    for op, find in replaced.items():
      stack.enter_context(mock.patch.object(tf.nn, op, find()))
    return cifar10.inference(images)


def make_step(name, images, labels):
  """Builds a network of the port and the function that trains it on one batch.

  Args:
    name: see inference().
    images, labels: arrays, see fixed_values.batch().

  Returns:
    Step; the initial weights come from fixed_values.weights().
  """
  with tf.Graph().as_default() as graph:
    global_step = tf.train.get_or_create_global_step()
    # The batch is stored in variables, because TensorFlow could fold constants.
    batch = [
        tf.Variable(
            value, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES]
        )
        for value in (images, labels)
    ]
    logits = inference(name, batch[0].read_value())
    loss = cifar10.loss(logits, batch[1].read_value())
    train_op = cifar10.train(
        loss, global_step, config_lib.Train(batch_size=len(images))
    )
    init_ops = [tf.local_variables_initializer()]
    init_ops += [tf.global_variables_initializer()]
    session = tf.Session(graph=graph)
    session.run(init_ops)
    values = fixed_values.weights()
    for variable in tf.trainable_variables():
      variable.load(values.pop(variable.op.name), session)
    if values:
      raise ValueError('the network has no %s' % ', '.join(sorted(values)))
  return Step(
      lambda: float(session.run([train_op, loss])[1]),
      session.close,
  )
