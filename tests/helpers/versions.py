"""Which TensorFlow a test is for."""

import importlib.metadata
import unittest

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tools.compare import goldens


def golden(test):
  """Decorates a test that compares graphs with a golden.

  A graph has the ops of the TensorFlow that built it: under another minor
  version than that of the goldens the test is skipped.
  """
  try:
    for edition in goldens.FILES:
      goldens.read(edition)
  except errors.UsageError as e:
    if ' was made with TensorFlow ' in str(e):
      return unittest.skip('the goldens are of another TensorFlow')(test)
  return test


def minor():
  """Returns the minor version of TensorFlow, an int: 21 of 2.21.0."""
  return int(tf.__version__.split('.')[1])


def has_keras_3():
  """Returns whether the Keras that is installed is 3 or later."""
  return int(importlib.metadata.version('keras').split('.')[0]) >= 3
