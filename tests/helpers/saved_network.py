"""Saves the initial values of any variables as checkpoints."""

import os

import tensorflow.compat.v1 as tf


def save(directory, *steps, build, **kwargs):
  """Saves the same values once per step.

  Args:
    directory: str, created if missing.
    *steps: int.
    build: function that makes the variables, in a separate graph.
    **kwargs: for tf.train.Saver.

  Returns:
    str, the path of the last checkpoint.
  """
  os.makedirs(directory, exist_ok=True)
  with tf.Graph().as_default(), tf.Session() as sess:
    build()
    sess.run(tf.global_variables_initializer())
    saver = tf.train.Saver(tf.global_variables(), **kwargs)
    for step in steps:
      path = saver.save(sess, os.path.join(directory, 'model.ckpt'), step)
  return path
