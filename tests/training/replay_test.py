"""The batches that a resumed run redraws before it continues."""

import contextlib
import io
import signal

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import signals
from cifar10_compat.training import hooks
from cifar10_compat.training import replay


def _hook(steps, summary_op, stop):
  hook = replay.ReplayHook()
  hook.run = hooks.Run(
      config_lib.Train(), stop, lambda: None, steps, None, summary_op
  )
  return hook


class ReplayTest(tf.test.TestCase):

  def _first_batch(self, step, stop=None):
    """Resumes at a step; returns the first batch, None if there is none.

    A batch consists of two numbers, and a summary also draws one.
    """
    with tf.Graph().as_default():
      numbers = tf.train.input_producer(
          tf.range(10**5), shuffle=False, capacity=10
      )
      batch = numbers.dequeue_many(2)
      counter = tf.train.get_or_create_global_step()
      tf.set_random_seed(1)
      steps = hooks.StepHook()
      hook = _hook(steps, tf.reduce_sum(batch), stop or signals.StopRequest())
      scaffold = tf.train.Scaffold(
          init_op=counter.initializer, init_fn=lambda _, s: s.run(at)
      )
      at = counter.assign(step)
      with (
          contextlib.redirect_stdout(io.StringIO()),
          tf.train.MonitoredSession(
              tf.train.ChiefSessionCreator(scaffold), [steps, hook]
          ) as session,
      ):
        if session.should_stop():
          return None
        self.assertEqual(step, steps.replayed)
        return session.run(batch).tolist()

  def test_batches_of_steps_and_summaries_are_passed_over(self):
    self.assertEqual([0, 1], self._first_batch(0))
    # Step 0, and its summary.
    self.assertEqual([4, 5], self._first_batch(1))
    self.assertEqual([2 * 101, 2 * 101 + 1], self._first_batch(100))
    # 101 steps, and the summaries of steps 0 and 100.
    self.assertEqual([2 * 103, 2 * 103 + 1], self._first_batch(101))

  def test_a_signal_ends_it(self):
    stop = signals.StopRequest()
    stop.signum = signal.SIGTERM
    self.assertIsNone(self._first_batch(5, stop))

  def test_summands_are_kept(self):
    with tf.Graph().as_default():
      two, three = [
          tf.add_n([tf.random.uniform([3]) for _ in range(n)]) for n in (2, 3)
      ]
      hook = _hook(hooks.StepHook(), two, signals.StopRequest())
      hook.begin()
      self.assertEqual(list(three.op.inputs), hook.before_run(None).fetches)
