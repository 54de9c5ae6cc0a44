"""A cluster of real processes on this machine."""

import logging
import re
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_distributed_train
from cifar10_compat import config as config_lib
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import heartbeats
from cifar10_compat.distributed import sessions
from cifar10_compat.training import hooks
from cifar10_compat.training import input_hook
from tests.helpers import cluster_case
from tools.base import processes


class _LoseSessionOnce(tf.train.SessionRunHook):
  """Simulates a lost ps in a thread and in the run of the first session."""

  lost = False

  def after_create_session(self, session, coord):
    self._coord = coord

  def before_run(self, run_context):
    if not self.lost:
      self.lost = True
      try:
        raise tf.errors.UnavailableError(None, None, 'gone')
      except tf.errors.UnavailableError as e:
        self._coord.request_stop(e)
        raise


class LogTest(tf.test.TestCase):

  def _logged_while_a_session_is_made_anew(self):
    hook = _LoseSessionOnce()
    with (
        tf.Graph().as_default(),
        self.assertLogs('tensorflow', logging.ERROR) as logs,
    ):
      logging.getLogger('tensorflow').error('other news')
      one = tf.constant(1)
      with tf.train.MonitoredSession(hooks=[hook]) as session:
        self.assertEqual(1, session.run(one))
    self.assertTrue(hook.lost)
    return [r.getMessage() for r in logs.records]

  def test_what_the_watchdog_tells_is_told_once(self):
    before = self._logged_while_a_session_is_made_anew()
    self.assertLen(before, 2)
    self.assertIn('preemption', before[1])
    logger = logging.getLogger('tensorflow')
    logger.addFilter(cifar10_distributed_train.is_news)
    self.addCleanup(logger.removeFilter, cifar10_distributed_train.is_news)
    self.assertEqual(
        ['other news'], self._logged_while_a_session_is_made_anew()
    )


class SyncTrainTest(tf.test.TestCase):

  def test_rate_drops_by_steps_or_by_examples(self):
    # Each update averages the gradients of two of three workers, batches of 64.
    for decay_by_examples, step in ((False, 273437), (True, 136718)):
      config = config_lib.DistributedTrain(
          batch_size=64, decay_by_examples=decay_by_examples
      )
      with tf.Graph().as_default(), self.session() as sess:
        counter = tf.train.get_or_create_global_step()
        w = tf.get_variable('w', [], initializer=tf.ones_initializer())
        cifar10_distributed_train.sync_train(
            tf.multiply(3.0, w, name='total_loss'),
            counter,
            config,
            replicas=2,
            num_workers=3,
        )
        (rate,) = [
            s.op.inputs[1]
            for s in tf.get_collection(tf.GraphKeys.SUMMARIES)
            if tf.get_static_value(s.op.inputs[0]) == b'learning_rate'
        ]
        for s, expected in ((step - 1, 0.1), (step, 0.01)):
          counter.load(s, sess)
          self.assertAllClose(expected, sess.run(rate))


class DistributedTrainTest(cluster_case.ClusterCase):

  def _run(self, *flags):
    """Runs a ps and two workers to their end; returns their output."""
    return self.assert_ended_well(*self.cluster(*flags).start_all())

  def test_synchronous_then_resumed_then_nothing_left(self):
    outs = self._run('--max_steps=11')
    for out in outs:
      self.assertIn('on all interfaces of this machine', out)
    for out in outs[1:]:
      self.assertRegex(out, r': step 0, loss = 4\.[67]\d ')
      self.assertLen(re.findall(': step 0,', out), 1)
    self.assertEqual(11, self.step())
    # The keys are those of a trainer in one process.
    self.assertLen(tf.train.list_variables(self.train_dir), 25)

    outs = self._run('--max_steps=15')
    self.assertNotIn(': step 0,', outs[1])
    self.assertEqual(15, self.step())
    self._run('--max_steps=15')
    self.assertEqual(15, self.step())

  def test_asynchronous(self):
    self._run('--max_steps=20', '--sync=false')
    # Each worker may be on a different step when the last one ends.
    self.assertBetween(self.step(), 20, 21)
    self.assertLen(tf.train.list_variables(self.train_dir), 25)

  def _train_alone(self, **settings):
    """Trains as the only worker, with a ps in this process."""
    ps, worker = processes.free_addresses(2)
    cluster = cluster_lib.from_flags(
        'worker', 0, ps_hosts=[ps], worker_hosts=[worker]
    )
    server = cluster_lib.start_server(cluster._replace(job='ps'))
    self.addCleanup(lambda: server)
    return cifar10_distributed_train.train(
        cluster,
        self.fail,
        config_lib.DistributedTrain(
            data_dir=self.dataset.directory,
            train_dir=self.train_dir,
            dataset=self.dataset,
            batch_size=8,
            **settings,
        ),
    )

  def test_a_refused_run_loses_no_step_and_no_image(self):
    after_run = hooks.CheckpointSaverHook.after_run
    steps = []

    def refused_at_7(hook, run_context, run_values):
      after_run(hook, run_context, run_values)
      steps.append(hook.run.steps.after)
      if steps.count(7) == 1 and steps[-1] == 7:
        # TensorFlow's server sometimes prints this: see local_input.py.
        raise tf.errors.AbortedError(None, None, 'was received twice')

    with (
        mock.patch.object(hooks.CheckpointSaverHook, 'after_run', refused_at_7),
        mock.patch.object(input_hook, 'print', create=True) as printed,
    ):
      self.assertEqual(12, self._train_alone(max_steps=12))
    self.assertIn(7, steps)
    # A session's first token belongs to no update, so a step can appear twice.
    # Without the variables on the ps, training would resume from model.ckpt-0.
    # Without the first session's queues, it would fill new ones.
    self.assertEqual(steps, sorted(steps))
    self.assertEqual(list(range(1, 13)), sorted(set(steps)))
    self.assertLen(
        [
            call
            for call in printed.call_args_list
            if 'Filling queue' in call.args[0]
        ],
        1,
    )

  def test_an_asynchronous_step_that_hangs(self):
    # The second session opens a gate, without which no step ends.
    opened = []

    def gated_train(loss, global_step, config, train=cifar10.train):
      with tf.device('/job:ps/task:0/cpu:0'):
        gate = tf.FIFOQueue(9, tf.int32, shared_name='gate')
        opened.append(gate.enqueue_many([9 * [0]]))
      return tf.group(train(loss, global_step, config), gate.dequeue())

    def create_session(
        creator, create=sessions.ChiefSessionCreator.create_session
    ):
      session = create(creator)
      if creator.found_in_use:
        session.run(opened.pop())
      return session

    with (
        mock.patch.object(cifar10, 'train', gated_train),
        mock.patch.object(
            sessions.ChiefSessionCreator, 'create_session', create_session
        ),
        mock.patch.object(heartbeats.Stall.__init__, '__defaults__', (3,)),
        mock.patch.object(heartbeats, 'print', create=True) as printed,
    ):
      self.assertEqual(3, self._train_alone(max_steps=3, sync=False))
    self.assertEqual(
        'A step has not ended for 3 seconds: the worker recreates its session.',
        printed.call_args_list[0].args[0],
    )
