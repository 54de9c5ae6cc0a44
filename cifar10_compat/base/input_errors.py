"""Tells TensorFlow's errors about the images from all others."""

import contextlib
import re

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors


def is_input_error(error):
  """Whether an OpError comes from a reader or from a queue that ran dry."""
  return (
      isinstance(error, tf.errors.OutOfRangeError)
      or 'ReaderRead' in error.message
  )


def cause(error):
  """Returns the line of an OpError's message that tells what happened.

  Where the failed op belongs to the run itself, lines that say where it was
  defined come before that line.
  """
  return re.sub(
      r"^Graph execution error:.*?^Node: '[^']*'\n",
      '',
      error.message,
      flags=re.DOTALL | re.MULTILINE,
  ).splitlines()[0]


@contextlib.contextmanager
def as_data_errors():
  """Context that turns TensorFlow's errors about the images into DataError."""
  try:
    yield
  except tf.errors.OpError as e:
    if not is_input_error(e):
      raise
    raise errors.DataError('reading the images failed: %s' % cause(e)) from e
