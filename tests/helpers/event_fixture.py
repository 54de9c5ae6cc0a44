"""Writes event files by hand."""

import tensorflow.compat.v1 as tf


def write(test, steps=(0, 100), **scalars):
  """Writes an event file.

  Args:
    test: tf.test.TestCase.
    steps: of the summaries.
    **scalars: from tag to values, one per step.

  Returns:
    str, the directory of the event file, which also has a histogram.
  """
  directory = test.create_tempdir().full_path
  with tf.Graph().as_default(), tf.summary.FileWriter(directory) as writer:
    for n, step in enumerate(steps):
      summary = tf.Summary()
      for tag, values in scalars.items():
        summary.value.add(tag=tag, simple_value=values[n])
      summary.value.add(tag='weights', histo=tf.HistogramProto(num=1))
      writer.add_summary(summary, step)
  return directory
