"""Sessions on variables that a parameter server holds."""

from collections.abc import Callable
import dataclasses
import time

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import heartbeats

# Between two looks whether the chief has initialized the variables.
_ATTEMPT_SECS = 1.0


@dataclasses.dataclass(frozen=True)
class Connection:
  """How a worker reaches the other tasks.

  Attributes:
    cluster: the tasks.
    target: of this task's server.
    session_config: of its sessions.
    connect_secs: seconds to wait for the others at the start.
  """

  cluster: cluster_lib.Cluster
  target: str
  session_config: tf.ConfigProto
  connect_secs: float

  def device(self) -> Callable[[tf.Operation], str]:
    """Returns what tf.device() takes: variables on the ps, ops on this task."""
    return tf.train.replica_device_setter(
        cluster=tf.train.ClusterSpec(self.cluster.tasks),
        worker_device=f'/job:{self.cluster.job}/task:{self.cluster.index}',
    )


def connect(
    cluster: cluster_lib.Cluster,
    config: config_lib.DistributedTrain,
    stop: signals.StopRequest,
) -> Connection:
  """Starts this task's server and waits until every ps answers.

  Args:
    cluster: the tasks.
    config: how long to wait, and how the sessions use the devices.
    stop: ends the waiting.

  Raises:
    UsageError: the port is taken, or a ps does not answer.
    Stopped: a stop was requested before all answered.
  """
  server = cluster_lib.start_server(cluster)
  if not cluster_lib.wait_for_ps(cluster, config.connect_secs, stop):
    raise Stopped()
  return Connection(
      cluster,
      server.target,
      session_config(cluster, config),
      config.connect_secs,
  )


def session_config(
    cluster: cluster_lib.Cluster, config: config_lib.DistributedTrain
) -> tf.ConfigProto:
  """Returns the ConfigProto of a task's sessions.

  A session sees its own task and the parameter servers only: it would wait for
  every task that it sees.
  """
  made = tf.ConfigProto(
      allow_soft_placement=True,
      log_device_placement=config.log_device_placement,
      device_filters=['/job:ps', f'/job:{cluster.job}/task:{cluster.index}'],
  )
  made.gpu_options.allow_growth = config.allow_growth
  return made


def check_not_in_use(connection: Connection) -> None:
  """Checks that no chief has begun to train with the parameter servers.

  Raises:
    UsageError: one has.
  """
  with tf.Graph().as_default():
    table = heartbeats.Table(len(connection.cluster.workers))
    with tf.Session(
        connection.target, config=connection.session_config
    ) as session:
      if session.run(table.initialized):
        raise errors.UsageError(
            'the parameter servers hold a training that has begun, which --fresh '
            'would undo: start the chief again without --fresh, or stop all '
            'processes first'
        )


class ChiefSessionCreator(tf.train.SessionCreator):
  """Restores or initializes the variables, once in this process.

  A session that is recreated finds them on the ps as the last step left them.

  Attributes:
    found_in_use: bool, whether a chief, this process or another, had a session
      on the same ps before the newest one.
  """

  def __init__(
      self,
      scaffold: tf.train.Scaffold,
      connection: Connection,
      *,
      train_dir: str,
      table: heartbeats.Table,
  ) -> None:
    """Makes the creator.

    Args:
      scaffold: tf.train.Scaffold.
      connection: Connection.
      train_dir: str, the directory of the checkpoints.
      table: heartbeats.Table, reset in the first session.
    """
    self._scaffold = scaffold
    self._connection = connection
    self._table = table
    self._restoring = tf.train.ChiefSessionCreator(
        scaffold,
        connection.target,
        config=connection.session_config,
        checkpoint_dir=train_dir,
    )
    self._restored = False

  def create_session(self) -> tf.Session:
    if self._restored:
      session = tf.Session(
          self._connection.target, config=self._connection.session_config
      )
      if not session.run(self._scaffold.ready_op).size:
        self.found_in_use = True
        return session
      session.close()  # The ps has been restarted.
    session = self._restoring.create_session()
    self.found_in_use = bool(session.run(self._table.initialized))
    session.run(self._table.initializer)
    self._restored = True
    return session


class Stopped(Exception):
  """A stop was requested before there was a session."""


class WorkerSessionCreator(tf.train.SessionCreator):
  """Waits for the chief, and checks every second instead of every 30."""

  def __init__(self, connection: Connection, stop: signals.StopRequest) -> None:
    """Makes the creator.

    Args:
      connection: Connection.
      stop: signals.StopRequest, ends the waiting with Stopped.
    """
    self._connection = connection
    self._stop = stop

  def create_session(self) -> tf.Session:
    connection = self._connection
    scaffold = tf.train.Scaffold().finalize()
    manager = tf.train.SessionManager(
        local_init_op=scaffold.local_init_op,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
    )
    end = time.monotonic() + connection.connect_secs
    while True:
      try:
        # One attempt: it could not be told to stop between two.
        return manager.wait_for_session(
            connection.target, config=connection.session_config, max_wait_secs=0
        )
      except tf.errors.DeadlineExceededError as e:
        if time.monotonic() > end:
          raise self._without_values() from e
      if self._stop.sleep(_ATTEMPT_SECS):
        raise Stopped()

  def _without_values(self) -> errors.UsageError:
    """Returns the UsageError for a chief that does not come."""
    connection = self._connection
    chief = connection.cluster.workers[0]
    return errors.UsageError(
        'the variables have no values: %s %d at %s, the chief, did not '
        'initialize them within %g seconds; start it, or give it more time '
        'with --connect_secs'
        % (
            chief
            + (connection.cluster.address(*chief), connection.connect_secs)
        )
    )
