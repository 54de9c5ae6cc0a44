"""Distinguishes TensorFlow's errors about images from its other errors."""

from collections.abc import Iterator
import contextlib
import re

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors


def is_input_error(error: tf.errors.OpError) -> bool:
  """Returns whether an error comes from a reader or an exhausted queue."""
  return (
      isinstance(error, tf.errors.OutOfRangeError)
      or 'ReaderRead' in error.message
  )


def cause(error: tf.errors.OpError) -> str:
  """Returns the line of an error's message that describes the cause.

  The message can start with lines that show where the failed op was defined.
  """
  return re.sub(
      r"^Graph execution error:.*?^Node: '[^']*'\n",
      '',
      error.message,
      flags=re.DOTALL | re.MULTILINE,
  ).splitlines()[0]


@contextlib.contextmanager
def as_data_errors() -> Iterator[None]:
  """Context that turns TensorFlow's errors about images into DataError."""
  try:
    yield
  except tf.errors.OpError as e:
    if not is_input_error(e):
      raise
    raise errors.DataError(f'reading the images failed: {cause(e)}') from e
