"""Repairs losses between a gradient and its token."""

import contextlib
import threading
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.distributed import sync


def _ops(kind):
  return [
      op
      for op in tf.get_default_graph().get_operations()
      if op.type == 'ResourceAccumulator' + kind
  ]


class SyncHookTest(tf.test.TestCase):
  """A chief and a worker who share a session, and so one local step."""

  def setUp(self):
    super().setUp()
    self.enter_context(tf.Graph().as_default())
    self.step = tf.train.get_or_create_global_step()
    weights = [tf.get_variable(name, [2]) for name in 'abc']
    self.optimizer = tf.train.SyncReplicasOptimizer(
        tf.train.GradientDescentOptimizer(0.1), 2, total_num_replicas=2
    )
    self.train_op = self.optimizer.minimize(
        tf.add_n([tf.reduce_sum(w) for w in weights]), self.step
    )
    self.optimizer.ready_for_local_init_op.mark_used()
    self.size = self.optimizer.get_chief_queue_runner().queue.size()
    self.counts = [
        tf.raw_ops.ResourceAccumulatorNumAccumulated(handle=op.inputs[0])
        for op in _ops('TakeGradient')
    ]
    self.chief = mock.Mock(found_in_use=False)
    self.hook = sync.SyncHook(self.optimizer, 2, self.chief)
    self.hook.begin()
    self.session = self.enter_context(tf.Session())
    self.session.run([tf.global_variables_initializer()])
    self.session.run([tf.local_variables_initializer()])
    self.coord = tf.train.Coordinator()

  def _start_chief(self, found_in_use):
    self.chief.found_in_use = found_in_use
    self.hook.after_create_session(self.session, self.coord)

  def _end(self):
    self.coord.request_stop()
    self.session.close()
    self.coord.join()

  def test_a_first_chief_puts_no_token(self):
    self._start_chief(False)
    self.session.run(_ops('ApplyGradient'))
    self.assertEqual(0, self.session.run(self.size))
    self.assertEqual([1, 1, 1], self.session.run(self.counts))
    self._end()

  def test_a_later_chief_begins_with_one_token_and_no_gradient(self):
    self.session.run(self.step.assign(7))
    # Leftovers of a killed step: one gradient here, none there.
    self.session.run(self.optimizer.chief_init_op)
    self.session.run(_ops('ApplyGradient')[:2])
    self._start_chief(True)
    self.assertEqual([0, 0, 0], self.session.run(self.counts))
    self.assertEqual(1, self.session.run(self.size))
    # An accumulator's step, which taking had incremented, is back at 7.
    self.session.run(_ops('ApplyGradient'))
    self.assertEqual([1, 1, 1], self.session.run(self.counts))
    self._end()

  def test_an_update_that_died_before_its_tokens(self):
    self.session.run(self.optimizer.chief_init_op)
    # A worker has pushed its gradient and waits for a token.
    done = threading.Event()

    def work():
      with contextlib.suppress(tf.errors.CancelledError):
        while True:
          self.session.run(self.train_op)
          done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while self.session.run(self.counts) != [1, 1, 1]:
      pass
    # The chief's thread: the first half of the update, and no more.
    self.session.run(_ops('ApplyGradient'))
    self.session.run([t for t in _ops('TakeGradient') if _required(t) == 2][:2])
    self.assertEqual([0, 0, 2], self.session.run(self.counts))
    self.assertFalse(done.is_set())

    self._start_chief(True)
    while self.session.run(self.step) < 5:
      self.session.run(self.train_op)
    self.assertTrue(done.is_set())
    self._end()
    worker.join()


def _required(take):
  return tf.get_static_value(take.inputs[1])
