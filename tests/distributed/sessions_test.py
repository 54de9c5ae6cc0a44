"""Sessions on parameter servers, and their recovery from errors."""

import dataclasses
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import sessions


@dataclasses.dataclass
class _Ask:
  """Raises errors, then succeeds."""

  failures: list
  stop: signals.StopRequest | None = None

  def __call__(self):
    if self.stop:
      self.stop.signum = 15
    if self.failures:
      raise self.failures.pop(0)


def _errors():
  return [
      tf.errors.AbortedError(None, None, 'Graph handle is not found'),
      tf.errors.UnavailableError(None, None, 'Socket closed\nand more'),
  ]


class PatientlyTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.object(sessions, '_ATTEMPT_SECS', 0))

  def test_parameter_servers_that_are_restarted(self):
    ask = _Ask(_errors())
    sessions.patiently(ask, 60, signals.NEVER)
    self.assertEmpty(ask.failures)

  def test_what_ends_it(self):
    stop = signals.StopRequest()
    for ask, secs, error, expected in (
        (
            _Ask(_errors()[1:]),
            -1,
            errors.UsageError,
            r'were unreachable for -1 seconds \(Socket closed\): start',
        ),
        (_Ask([errors.UsageError('differ')]), 60, errors.UsageError, 'differ'),
        (_Ask(_errors(), stop), 60, cluster_lib.Stopped, ''),
    ):
      with self.assertRaisesRegex(error, expected):
        sessions.patiently(ask, secs, stop)


class WorkerSessionCreatorTest(tf.test.TestCase):

  def test_a_session_is_closed_if_the_settings_differ(self):
    class Differing(sessions.Connection):

      def settle(self):
        raise errors.UsageError('differ')

    made = tf.Session()
    creator = sessions.WorkerSessionCreator(
        Differing(
            cluster_lib.from_flags(
                'worker', 1, ps_hosts=['a:1'], worker_hosts=['b:2', 'c:3']
            ),
            '',
            tf.ConfigProto(),
            60,
        ),
        signals.NEVER,
    )
    with mock.patch.object(tf.train, 'WorkerSessionCreator') as real:
      real().create_session.return_value = made
      with self.assertRaisesRegex(errors.UsageError, 'differ'):
        creator.create_session()
    with self.assertRaisesRegex(RuntimeError, 'closed'):
      made.run([])


class RecoverableTest(tf.test.TestCase):

  def test_a_step_that_loses_its_session(self):
    for message, expected in (
        # As seen after a second chief had connected to the ps.
        (
            'RecvFromRemoteAsync is cancelled. ABORTED: From /job:ps: Session '
            'handle is not found: 4fa2',
            tf.errors.AbortedError,
        ),
        ('RecvFromRemoteAsync is cancelled.', tf.errors.CancelledError),
    ):
      with self.session() as session:
        error = tf.errors.CancelledError(None, None, message)
        session.run = mock.Mock(side_effect=error)
        # pylint: disable-next=protected-access
        recoverable = sessions._recoverable(session)
        with self.assertRaises(expected) as raised:
          recoverable.run(None)
        self.assertEqual(expected, type(raised.exception))
