"""The TensorFlow version that a test is for."""

import importlib.metadata

import tensorflow.compat.v1 as tf


def minor():
  """Returns the minor version of TensorFlow, an int: 21 of 2.21.0."""
  return int(tf.__version__.split('.')[1])


def has_keras_3():
  """Returns whether the installed Keras is version 3 or later."""
  return int(importlib.metadata.version('keras').split('.')[0]) >= 3
