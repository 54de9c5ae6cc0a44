"""Recognizes TensorFlow's errors about the images."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import input_errors


class InputErrorsTest(tf.test.TestCase):

  def _read(self, path):
    with tf.Graph().as_default(), tf.Session() as session:
      queue = tf.FIFOQueue(2, [tf.string], [[]])
      _, value = tf.FixedLengthRecordReader(record_bytes=1).read(queue)
      session.run(queue.enqueue(path))
      session.run(queue.close())
      return session.run(value)

  def test_reader_and_empty_queue(self):
    directory = self.create_tempdir().full_path
    with (
        self.assertRaisesRegex(
            errors.DataError, 'reading the images failed: .*gone.bin'
        ),
        input_errors.as_data_errors(),
    ):
      self._read(os.path.join(directory, 'gone.bin'))
    empty = os.path.join(directory, 'empty.bin')
    open(empty, 'wb').close()
    with (
        self.assertRaisesRegex(errors.DataError, 'reading the images failed'),
        input_errors.as_data_errors(),
        tf.Graph().as_default(),
        tf.Session() as session,
    ):
      queue = tf.FIFOQueue(1, [tf.string], [[]])
      session.run(queue.close())
      session.run(queue.dequeue())

  def test_any_other_error_is_left_alone(self):
    with (
        self.assertRaises(tf.errors.InvalidArgumentError),
        input_errors.as_data_errors(),
        tf.Graph().as_default(),
        tf.Session() as session,
    ):
      session.run(
          tf.reshape(
              tf.placeholder_with_default([1, 2], [2]),
              tf.placeholder_with_default([3], [1]),
          )
      )
