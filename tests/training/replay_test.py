"""What a resumed training draws before it goes on."""

import contextlib
import io
import signal

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.training import hooks
from cifar10_compat.training import replay


class ReplayTest(tf.test.TestCase):

  def _first_batch(self, step, stop=None):
    """Resumes at a step; returns the first batch, None if there is none.

    Two numbers make a batch, and a summary draws one as well.
    """
    with tf.Graph().as_default():
      numbers = tf.train.input_producer(
          tf.range(10**5), shuffle=False, capacity=10
      )
      batch = numbers.dequeue_many(2)
      counter = tf.train.get_or_create_global_step()
      tf.set_random_seed(1)
      with tf.control_dependencies([batch]):
        train_op = counter.assign_add(1).op
      steps = hooks.StepHook()
      hook = replay.ReplayHook(
          train_op, tf.reduce_sum(batch), steps, stop or signals.StopRequest()
      )
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
      step = tf.train.get_or_create_global_step()
      two, three = [
          tf.add_n([tf.random.uniform([3]) for _ in range(n)]) for n in (2, 3)
      ]
      with tf.control_dependencies([two, three]):
        train_op = step.assign_add(1).op
      hook = replay.ReplayHook(
          train_op, two, hooks.StepHook(), signals.StopRequest()
      )
      self.assertEqual(list(three.op.inputs), hook.before_run(None).fetches)

  def test_arguments(self):
    replay.check_arguments(deterministic=True, seed=0)
    replay.check_arguments(deterministic=False, seed=None, shared_input=True)
    with self.assertRaisesRegex(errors.UsageError, '--seed=1'):
      replay.check_arguments(deterministic=True, seed=None)
    with self.assertRaisesRegex(errors.UsageError, '--shared_input'):
      replay.check_arguments(deterministic=True, seed=1, shared_input=True)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
