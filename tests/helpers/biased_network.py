"""Checkpoints of the tutorial's network; biases determine the prediction."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.training import notes


def save(directory, step, *, averaged, raw, describe=False):
  """Saves a network whose logits are given biases, for any image.

  Args:
    directory: str, created if missing.
    step: int.
    averaged, raw: 10 numbers, the logits with the moving averages and without.
    describe: bool, whether to write the metadata file, as a trainer does.
  """
  os.makedirs(directory, exist_ok=True)
  with tf.Graph().as_default(), tf.Session() as sess:
    cifar10.inference(tf.zeros([1, 24, 24, 3]))
    averages = tf.train.ExponentialMovingAverage(cifar10.MOVING_AVERAGE_DECAY)
    averages.apply(tf.trainable_variables())
    sess.run([v.assign(tf.zeros_like(v)) for v in tf.global_variables()])
    (bias,) = [
        v
        for v in tf.trainable_variables()
        if v.op.name == 'softmax_linear/biases'
    ]
    sess.run([bias.assign(raw), averages.average(bias).assign(averaged)])
    tf.train.Saver(tf.global_variables()).save(
        sess, os.path.join(directory, 'model.ckpt'), global_step=step
    )
  if describe:
    notes.write(directory, config_lib.Network())


def sure_of(label):
  """Returns logits that are certain of a label, 0 to 9."""
  return [100.0 if i == label else 0.0 for i in range(10)]
