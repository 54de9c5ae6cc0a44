"""The table in which workers see each other."""

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
from tools.base import processes


class StallTest(tf.test.TestCase):

  def test_alarm(self):
    stall = heartbeats.Stall(10)
    self.assertFalse(stall.found(5, False, 100))
    self.assertFalse(stall.found(5, False, 110))
    self.assertTrue(stall.found(5, False, 111))
    # Twice the time for the next update.
    self.assertFalse(stall.found(5, False, 131))
    self.assertTrue(stall.found(5, False, 132))
    self.assertFalse(stall.found(6, False, 172))
    self.assertTrue(stall.found(6, False, 213))

  def test_what_begins_the_time_anew(self):
    stall = heartbeats.Stall(10)
    self.assertFalse(stall.found(5, False, 100))
    self.assertFalse(stall.found(6, False, 120))
    self.assertFalse(stall.found(6, True, 140))
    self.assertFalse(stall.found(6, False, 150))
    self.assertTrue(stall.found(6, False, 151))


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

  def _ps(self):
    """Starts a ps of two workers; returns its Cluster as a worker sees it."""
    ps, *workers = processes.free_addresses(3)
    made = cluster.from_flags('worker', 1, ps_hosts=[ps], worker_hosts=workers)
    self._server = cluster.start_server(made._replace(job='ps', index=0))
    self._config = tf.ConfigProto(device_filters=['/job:ps'])
    return made

  def test_rows_in_a_real_ps(self):
    self._ps()
    with tf.Graph().as_default():
      table = heartbeats.Table(2)
      self.assertEmpty(tf.global_variables())
      self.assertEmpty(tf.local_variables())
      with tf.Session(self._server.target, config=self._config) as session:
        with self.assertRaises(tf.errors.FailedPreconditionError):
          session.run(table.read)
        session.run(table.initializer)
        table.update(session, 1, step=42, state=heartbeats.TRAINING)
        rows, now = session.run(table.read)
    self.assertAllEqual([0, 0, heartbeats.UNSEEN], rows[0])
    self.assertEqual((42, heartbeats.TRAINING), (rows[1, 0], rows[1, 2]))
    self.assertBetween(rows[1, 1], now - 60, now)

  def test_a_fresh_chief_is_refused_once_training_has_begun(self):
    connection = sessions.Connection(
        self._ps(), self._server.target, self._config, connect_secs=60
    )
    sessions.check_not_in_use(connection)
    with tf.Graph().as_default():
      table = heartbeats.Table(2)
      with tf.Session(self._server.target, config=self._config) as session:
        session.run(table.initializer)
    with self.assertRaisesRegex(errors.UsageError, 'again without --fresh'):
      sessions.check_not_in_use(connection)

  def test_a_stalled_chief_saves_and_says_so_before_it_leaves(self):
    addresses = processes.free_addresses(2)
    made = cluster.from_flags(
        'worker', 0, ps_hosts=addresses[:1], worker_hosts=addresses[1:]
    )
    did = mock.Mock()
    did.run.steps.after = 20
    did.run.stop.signum = None
    did.leave.side_effect = SystemExit
    leave_stalled = cifar10_distributed_train._leave_stalled(
        did.run, did.table, made, did.leave
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
    made = self._ps()
    with tf.Graph().as_default():
      table = heartbeats.Table(2)
      with tf.device('/job:ps'):
        step = tf.train.get_or_create_global_step()
      with tf.Session(self._server.target, config=self._config) as session:
        session.run([table.initializer, step.initializer])
        coord = tf.train.Coordinator()
        hook = heartbeats.HeartbeatHook(
            table,
            made,
            steps=mock.Mock(after=10),
            max_steps=10,
            stop=signals.StopRequest(),
            leave=self.fail,
        )
        hook.begin()
        begun, ended = threading.Event(), threading.Event()
        update = table.update

        def late(session, worker, *, step, state):
          if state == heartbeats.TRAINING:
            begun.set()
            # Training ends during this heartbeat, unless the hook waits for it.
            ended.wait(1)
          update(session, worker, step=step, state=state)

        with mock.patch.object(table, 'update', late):
          hook.after_create_session(session, coord)
          begun.wait()
          hook.end(session)
          ended.set()
          coord.request_stop()
          coord.join()
        self.assertEqual(heartbeats.DONE, session.run(table.read)[0][1, 2])

  def test_a_refused_run_is_no_end(self):
    made = self._ps()
    stop = signals.StopRequest()
    with tf.Graph().as_default():
      table = heartbeats.Table(2)
      with tf.device('/job:ps'):
        step = tf.train.get_or_create_global_step()
      with tf.Session(self._server.target, config=self._config) as session:
        session.run([table.initializer, step.initializer])

        # A worker's thread.
        coord = tf.train.Coordinator()
        steps = mock.Mock(after=5)
        hook = heartbeats.HeartbeatHook(
            table, made, steps=steps, max_steps=10, stop=stop, leave=self.fail
        )
        hook.begin()
        hook.after_create_session(_Refusing(session), coord)
        while session.run(table.read)[0][1, 0] != 5:
          self.assertFalse(coord.wait_for_stop(0.05))
          self.assertNotEmpty(
              [t for t in threading.enumerate() if t.name == 'heartbeat']
          )
        coord.request_stop()
        coord.join()

        # The ps.
        for worker in (0, 1):
          table.update(session, worker, step=10, state=heartbeats.DONE)
        refusing = _Refusing(session)
        heartbeats.wait_until_done(refusing, table, stop=stop)
        self.assertEqual(2, refusing.runs)
