"""Reads back what the programs wrote for TensorBoard."""

import glob
import os

import tensorflow.compat.v1 as tf


def read(directory):
  """Returns all events in a directory's event files, in order of writing."""
  events = []
  for path in glob.glob(os.path.join(directory, 'events.*')):
    events.extend(tf.train.summary_iterator(path))
  # Not in the order of names: of two files of one second, ".9" follows ".10".
  return sorted(events, key=lambda event: event.wall_time)


def scalars(directory, tag):
  """Returns [(step, value), ...] of one tag."""
  return [
      (event.step, value.simple_value)
      for event in read(directory)
      for value in event.summary.value
      if value.tag == tag
  ]
