"""Runs input pipelines."""

import contextlib

import tensorflow.compat.v1 as tf


def file_queue(path):
  """Returns a queue, closed, that holds the name of one file."""
  queue = tf.FIFOQueue(1, [tf.string], shapes=())
  queue.enqueue([path]).run()
  queue.close().run()
  return queue


@contextlib.contextmanager
def running(sess):
  """Context in which the threads of the default graph fill its queues."""
  sess.run(tf.local_variables_initializer())
  coord = tf.train.Coordinator()
  threads = tf.train.start_queue_runners(sess, coord)
  try:
    yield
  finally:
    coord.request_stop()
    coord.join(threads)


def run(make_batch, count=None, *, seed=None):
  """Runs the ops of make_batch() in a separate graph.

  Args:
    make_batch: function that returns tensors.
    count: int, the largest number of runs; without it, until the images end.
    seed: int, the graph's.

  Returns:
    list of the tensors' values, one per run.
  """
  batches = []
  with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(seed)
    batch = make_batch()
    with running(sess), contextlib.suppress(tf.errors.OutOfRangeError):
      while len(batches) != count:
        batches.append(sess.run(batch))
  return batches
