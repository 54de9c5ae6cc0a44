"""The table in which workers see each other."""

import contextlib
import threading
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_distributed_train
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.distributed import cluster
from cifar10_compat.distributed import heartbeats
from cifar10_compat.distributed import sessions
from cifar10_compat.training import hooks
from tools.base import processes


class StallTest(tf.test.TestCase):

  def test_alarms(self):
    for calls in (
        (
            (5, False, 100, False),
            (5, False, 110, False),
            (5, False, 111, True),
            # Twice the time for the next update.
            (5, False, 131, False),
            (5, False, 132, True),
            (6, False, 172, False),
            (6, False, 213, True),
        ),
        # What restarts the time: another step, and an absent worker.
        (
            (5, False, 100, False),
            (6, False, 120, False),
            (6, True, 140, False),
            (6, False, 150, False),
            (6, False, 151, True),
        ),
    ):
      stall = heartbeats.Stall(10)
      for *arguments, expected in calls:
        self.assertEqual(expected, stall.found(*arguments), arguments)


class _Refusing(object):
  """A session whose first run the server rejects: local_input.py."""

  def __init__(self, session):
    self._session = session
    self.runs = 0

  def run(self, *args):
    self.runs += 1
    if self.runs == 1:
      raise tf.errors.AbortedError(None, None, 'was received twice')
    return self._session.run(*args)


class HeartbeatsTest(tf.test.TestCase):

  def setUp(self):
    """Starts a ps of two workers, and builds their table."""
    super().setUp()
    ps, *workers = processes.free_addresses(3)
    self.cluster = cluster.from_flags(
        'worker', 1, ps_hosts=[ps], worker_hosts=workers
    )
    self.server = cluster.start_server(self.cluster._replace(job='ps', index=0))
    self.config = tf.ConfigProto(device_filters=['/job:ps'])
    self.enter_context(tf.Graph().as_default())
    self.table = heartbeats.Table(2)
    self.coord = tf.train.Coordinator()

  def _session(self):
    return tf.Session(self.server.target, config=self.config)

  @contextlib.contextmanager
  def _hook(self, **kwargs):
    """Context that yields a session with values, and a worker's hook."""
    with tf.device('/job:ps'):
      step = tf.train.get_or_create_global_step()
    with self._session() as session:
      session.run([self.table.initializer, step.initializer])
      hook = heartbeats.HeartbeatHook(
          self.table, self.cluster, max_steps=10, leave=self.fail, **kwargs
      )
      hook.begin()
      yield session, hook

  def test_absent(self):
    table = np.array(
        [
            [7, 100.0, heartbeats.TRAINING],
            [6, 99.0, heartbeats.TRAINING],
            [5, 90.0, heartbeats.TRAINING],
            [0, 0.0, heartbeats.UNSEEN],
            [7, 50.0, heartbeats.DONE],
        ]
    )
    self.assertEqual(
        [(2, 5, 10.0), (3, None, None)],
        heartbeats.absent(table, 100.0, worker=0),
    )
    # A worker does not miss itself.
    self.assertEqual([(3, None, None)], heartbeats.absent(table, 100.0, 2))

  def test_rows_in_a_real_ps(self):
    self.assertEmpty(tf.global_variables())
    self.assertEmpty(tf.local_variables())
    with self._session() as session:
      with self.assertRaises(tf.errors.FailedPreconditionError):
        session.run(self.table.read)
      session.run(self.table.initializer)
      self.table.update(session, 1, step=42, state=heartbeats.TRAINING)
      rows, now = session.run(self.table.read)
    self.assertAllEqual([0, 0, heartbeats.UNSEEN], rows[0])
    self.assertEqual((42, heartbeats.TRAINING), (rows[1, 0], rows[1, 2]))
    self.assertBetween(rows[1, 1], now - 60, now)

  def test_a_fresh_chief_is_refused_once_training_has_begun(self):
    connection = sessions.Connection(
        self.cluster, self.server.target, self.config, connect_secs=60
    )
    sessions.check_not_in_use(connection)
    with self._session() as session:
      session.run(self.table.initializer)
    with self.assertRaisesRegex(errors.UsageError, 'again without --fresh'):
      sessions.check_not_in_use(connection)

  def test_a_stalled_chief_saves_and_says_so_before_it_leaves(self):
    did = mock.Mock()
    did.run.steps.after = 20
    did.run.stop.signum = None
    did.leave.side_effect = SystemExit
    leave_stalled = cifar10_distributed_train._leave_stalled(
        did.run, did.table, self.cluster._replace(index=0), did.leave
    )
    with self.assertRaises(SystemExit):
      leave_stalled('session')
    self.assertEqual(
        [
            mock.call.run.save('session'),
            mock.call.table.update('session', 0, step=20, state=2),
            mock.call.leave(0, 'Training has ended.'),
        ],
        did.mock_calls,
    )

  def test_the_last_word_is_that_it_is_done(self):
    begun, ended = threading.Event(), threading.Event()
    update = self.table.update

    def late(session, worker, *, step, state):
      if state == heartbeats.TRAINING:
        begun.set()
        # Training ends during this heartbeat, unless the hook waits for it.
        ended.wait(1)
      update(session, worker, step=step, state=state)

    with self._hook(steps=mock.Mock(after=10), stop=signals.StopRequest()) as (
        session,
        hook,
    ):
      with mock.patch.object(self.table, 'update', late):
        hook.after_create_session(session, self.coord)
        begun.wait()
        hook.end(session)
        ended.set()
        self.coord.request_stop()
        self.coord.join()
      self.assertEqual(heartbeats.DONE, session.run(self.table.read)[0][1, 2])

  def test_time_of_the_other_hooks_does_not_count(self):
    steps = hooks.StepHook()
    with self._hook(steps=steps, stop=signals.StopRequest()) as (_, hook):
      hook.before_run(None)
      self.assertGreater(steps.since, 0)
      steps.after_run(mock.Mock(), None)
      self.assertIsNone(steps.since)

  def test_an_asynchronous_step_that_hangs_is_aborted(self):
    with tf.device('/job:ps'):
      hanging = tf.FIFOQueue(1, tf.int32).dequeue()
    with (
        mock.patch.object(heartbeats.Stall.__init__, '__defaults__', (0.1,)),
        self._hook(
            steps=mock.Mock(after=5), stop=signals.StopRequest(), replicas=0
        ) as (session, hook),
    ):
      hook.after_create_session(session, self.coord)
      hook.before_run(None)
      with self.assertRaises(tf.errors.OpError):
        session.run(hanging)
      # MonitoredSession recovers from this error.
      with self.assertRaisesRegex(tf.errors.AbortedError, 'have stopped'):
        self.coord.join()

  def test_a_refused_run_is_no_end(self):
    stop = signals.StopRequest()
    with self._hook(steps=mock.Mock(after=5), stop=stop) as (session, hook):
      # A worker's thread.
      hook.after_create_session(_Refusing(session), self.coord)
      while session.run(self.table.read)[0][1, 0] != 5:
        self.assertFalse(self.coord.wait_for_stop(0.05))
        self.assertNotEmpty(
            [t for t in threading.enumerate() if t.name == 'heartbeat']
        )
      self.coord.request_stop()
      self.coord.join()

      # The ps.
      for worker in (0, 1):
        self.table.update(session, worker, step=10, state=heartbeats.DONE)
      refusing = _Refusing(session)
      heartbeats.wait_until_done(refusing, self.table, stop=stop)
      self.assertEqual(2, refusing.runs)
