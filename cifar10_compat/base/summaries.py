"""The summary ops of 2016, with their names and exact tags.

Today's tf.summary functions change tags and prefix the name scope
("conv1/conv1/conv1/activations", "total_loss__raw_"), so that curves from 2016
and from today would no longer share a chart in TensorBoard.  The raw ops keep
tags unchanged.  Each function adds its op to GraphKeys.SUMMARIES.
"""

from collections.abc import Callable
import re

import tensorflow.compat.v1 as tf

# TensorFlow's tag for the fullness of an input queue.
_FULLNESS = re.compile(r'/fraction_(of|over_\d+_of)_\d+_full$')


def scalar_summary(tag: str, value: tf.Tensor) -> tf.Tensor:
  """Adds an op that writes a scalar.

  Args:
    tag: the tag of the summary, used unchanged.
    value: float tensor of shape [].

  Returns:
    String tensor of shape [], a serialized Summary.
  """
  return _add('ScalarSummary', tf.raw_ops.ScalarSummary, tags=tag, values=value)


def histogram_summary(tag: str, values: tf.Tensor) -> tf.Tensor:
  """Adds an op that writes a histogram.

  Args:
    tag: the tag of the summary, used unchanged.
    values: numeric tensor of any shape.

  Returns:
    String tensor of shape [], a serialized Summary.
  """
  return _add(
      'HistogramSummary', tf.raw_ops.HistogramSummary, tag=tag, values=values
  )


def image_summary(tag: str, images: tf.Tensor) -> tf.Tensor:
  """Adds an op that writes the first three images, tagged TAG/image/0 to 2.

  Args:
    tag: the tag of the summary, used unchanged.
    images: tensor of shape [batch_size, height, width, 3]: float32 of any
      range, which the op scales for each image separately, or uint8.

  Returns:
    String tensor of shape [], a serialized Summary.
  """
  return _add(
      'ImageSummary',
      tf.raw_ops.ImageSummary,
      tag=tag,
      tensor=images,
      max_images=3,
  )


def restore_queue_tag() -> None:
  """Restores the 2016 tag of the queue summary that was added last.

  TensorFlow's input functions add a summary of their queue's fullness, whose
  tag began with "queue/" in 2016.  TensorFlow's summary op remains in the
  graph, unused.

  Raises:
    ValueError: the summary added last does not show a queue's fullness.
  """
  collected = tf.get_collection_ref(tf.GraphKeys.SUMMARIES)
  newest = collected[-1].op if collected else None
  tag = ''
  if newest is not None and newest.type == 'ScalarSummary':
    tag = tf.get_static_value(newest.inputs[0]).item().decode()
  if not _FULLNESS.search(tag):
    raise ValueError(
        f"the latest summary is {newest.name if newest else 'missing'}, not "
        'the fullness of a queue: call restore_queue_tag() right after the '
        'function that creates the queue'
    )
  _add(
      'queue/' + tag,
      tf.raw_ops.ScalarSummary,
      tags='queue/' + tag,
      values=collected.pop().op.inputs[1],
  )


def _add(
    scope: str, op: Callable[..., tf.Tensor], **inputs: str | int | tf.Tensor
) -> tf.Tensor:
  """Adds a summary op with the name `scope`; returns its output."""
  with tf.name_scope(scope) as name:
    summary = op(**inputs, name=name)
  tf.add_to_collection(tf.GraphKeys.SUMMARIES, summary)
  return summary
