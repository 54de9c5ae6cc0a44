"""Feeds batches from queues of this process into another session."""

import threading

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.distributed import local_input


def _inputs():
  """Returns batches of 2 of the numbers 0 to 7, in any order."""
  number = tf.train.range_input_producer(8, shuffle=False).dequeue()
  batch = tf.train.shuffle_batch(
      [tf.cast(number, tf.float32), number], 2, capacity=8, min_after_dequeue=4
  )
  summaries.scalar_summary('a', batch[0][0])
  return batch


class LocalInputTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.stop = signals.StopRequest()
    self.enter_context(tf.Graph().as_default())

  def test_each_step_gets_the_next_batch(self):
    with local_input.LocalInput(_inputs, self.stop, lambda: None) as source:
      total = source.images + tf.cast(source.labels, tf.float32)
      with tf.train.MonitoredSession(hooks=[source]) as session:
        seen = np.concatenate([session.run(total) for _ in range(8)])
        # Two epochs, in any order.
        self.assertContainsSubset(seen, [0, 2, 4, 6, 8, 10, 12, 14])
        self.assertGreater(len(set(seen)), 4)
    self.assertEmpty(
        [t for t in threading.enumerate() if 'QueueRunner' in t.name]
    )

  def test_the_graph_that_trains_has_no_queue(self):
    with local_input.LocalInput(_inputs, self.stop, lambda: None):
      self.assertCountEqual(
          ['Placeholder', 'Placeholder', 'Const', 'PlaceholderWithDefault'],
          [op.type for op in tf.get_default_graph().get_operations()],
      )

  def test_a_session_made_anew_finds_the_queues_as_they_were(self):
    fails = [tf.errors.AbortedError(None, None, 'refused')]

    class Hook(tf.train.SessionRunHook):

      def after_run(self, run_context, run_values):
        if fails:
          raise fails.pop()

    with local_input.LocalInput(_inputs, self.stop, lambda: None) as source:
      first = tf.identity(source.images)
      with tf.train.MonitoredSession(hooks=[source, Hook()]) as session:
        for _ in range(20):
          session.run(first)
    self.assertEmpty(fails)

  def test_summary(self):
    with local_input.LocalInput(_inputs, self.stop, lambda: None) as source:
      merged = tf.summary.merge(
          [source.summary, summaries.scalar_summary('b', 1.0)]
      )
      with tf.train.MonitoredSession(hooks=[source]) as session:
        without = tf.Summary.FromString(session.run(merged))
        self.assertEqual(['b'], [v.tag for v in without.value])
        written = tf.Summary.FromString(
            session.run_step_fn(
                lambda step_context: step_context.session.run(
                    merged, source.feed_dict(with_summary=True)
                )
            )
        )
        self.assertContainsSubset(['a', 'b'], [v.tag for v in written.value])

  def test_stop_request_while_the_queue_fills(self):
    self.stop.signum = 2

    def never():
      queue = tf.RandomShuffleQueue(8, 4, tf.float32, shapes=[[]])
      queue.size()
      return queue.dequeue_many(2), queue.dequeue_many(2)

    with (
        local_input.LocalInput(never, self.stop, lambda: None) as source,
        tf.train.MonitoredSession(hooks=[source]) as session,
    ):
      self.assertTrue(session.should_stop())

  def test_damaged_images(self):
    damaged = []

    def check():
      if damaged:
        raise errors.DataError('cut off')

    with (
        self.assertRaisesRegex(errors.DataError, 'cut off'),
        local_input.LocalInput(_inputs, self.stop, check) as source,
        tf.train.MonitoredSession(hooks=[source]) as session,
    ):
      session.run(source.images)
      damaged.append(True)
      session.run(source.images)
