"""Sessions whose variables are on parameter servers."""

from collections.abc import Callable
import dataclasses
import time

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.distributed import agreement
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import heartbeats

# Seconds between checks for whether the chief has initialized the variables.
_ATTEMPT_SECS = 1.0
# TensorFlow's message if another task has replaced a session, or the ps has
# restarted.
_LOST_SESSION = 'Session handle is not found'


@dataclasses.dataclass(frozen=True)
class Connection:
  """A worker's connection to the other tasks.

  Attributes:
    cluster: the tasks.
    target: the target of this task's server.
    session_config: the configuration of this task's sessions.
    connect_secs: seconds to wait for the other tasks at startup.
    told: the task's settings, which must be equal for all tasks.
  """

  cluster: cluster_lib.Cluster
  target: str
  session_config: tf.ConfigProto
  connect_secs: float
  told: agreement.Settings = dataclasses.field(default_factory=dict)

  def settle(self) -> None:
    """Compares this task's settings with the chief's.

    Raises:
      UsageError: the settings differ from the chief's.
    """
    agreement.settle(
        self.target,
        self.session_config,
        self.told,
        chief=self.cluster.is_chief,
    )

  def device(self) -> Callable[[tf.Operation], str]:
    """Returns the tf.device() argument: variables on the ps, other ops here."""
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
    config: the time to wait, and the device settings of the sessions.
    stop: request that ends the wait.

  Raises:
    UsageError: the port is already in use, or a ps does not answer.
    cluster_lib.Stopped: a stop was requested before every ps had answered.
  """
  server = cluster_lib.start_server(cluster)
  cluster_lib.wait_for_ps(cluster, config.connect_secs, stop)
  return Connection(
      cluster,
      server.target,
      session_config(cluster, config),
      config.connect_secs,
      agreement.settings(config, cluster),
  )


def session_config(
    cluster: cluster_lib.Cluster, config: config_lib.DistributedTrain
) -> tf.ConfigProto:
  """Returns the ConfigProto of a task's sessions.

  A session is limited to its own task and the parameter servers, because it
  waits for every task in its scope.
  """
  return tf.ConfigProto(
      allow_soft_placement=True,
      log_device_placement=config.log_device_placement,
      device_filters=['/job:ps', f'/job:{cluster.job}/task:{cluster.index}'],
      gpu_options=tf.GPUOptions(allow_growth=config.allow_growth),
  )


def patiently(
    ask: Callable[[], object], secs: float, stop: signals.StopRequest
) -> None:
  """Calls the parameter servers, and retries while they are being restarted.

  Args:
    ask: function that makes the call; its session need not be able to recover.
    secs: seconds to keep trying.
    stop: request that ends the wait.

  Raises:
    UsageError: every call failed.
    cluster_lib.Stopped: a stop was requested before a call succeeded.
  """
  end = time.monotonic() + secs
  while True:
    try:
      ask()
      return
    except (tf.errors.AbortedError, tf.errors.UnavailableError) as e:
      errors.UsageError.raise_if(
          time.monotonic() > end,
          f'the parameter servers were unreachable for {secs:g} seconds '
          f'({e.message.splitlines()[0]}): start them, or allow them more time '
          'with --connect_secs',
      )
    if stop.sleep(_ATTEMPT_SECS):
      raise cluster_lib.Stopped()


def check_not_in_use(connection: Connection) -> None:
  """Checks that no chief has started training on the parameter servers.

  Raises:
    UsageError: a chief has started training.
  """
  with tf.Graph().as_default():
    table = heartbeats.Table(len(connection.cluster.workers))
    with tf.Session(
        connection.target, config=connection.session_config
    ) as session:
      errors.UsageError.raise_if(
          session.run(table.initialized),
          'the parameter servers have a run in progress, which --fresh would '
          'discard: start the chief again without --fresh, or stop all '
          'processes first',
      )


def _recoverable(session: tf.Session) -> tf.Session:
  """Allows MonitoredSession to recover if the ps drops its session.

  A second task of the same name, such as a second chief, replaces the session
  on the ps before this code rejects the task.  The step that loses its session
  is aborted or, depending on which op notices the loss first, canceled.
  MonitoredSession recovers only from an aborted step.
  """
  run = session.run

  def run_or_abort(*args: object, **kwargs: object) -> object:
    try:
      return run(*args, **kwargs)
    except tf.errors.CancelledError as e:
      if _LOST_SESSION not in e.message:
        raise
      raise tf.errors.AbortedError(e.node_def, e.op, e.message) from e

  session.run = run_or_abort
  return session


class ChiefSessionCreator(tf.train.SessionCreator):
  """Restores or initializes the variables once per process.

  A recreated session uses the last step's values on the ps.

  Attributes:
    found_in_use: bool, whether an earlier session of a chief, in this or
      another process, used the same ps.
  """

  def __init__(
      self,
      scaffold: tf.train.Scaffold,
      connection: Connection,
      *,
      train_dir: str,
      table: heartbeats.Table,
  ) -> None:
    """Initializes the creator.

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
        return _recoverable(session)
      session.close()  # The ps has been restarted.
    # Compare the settings before changing any variable.
    self._connection.settle()
    session = self._restoring.create_session()
    self.found_in_use = bool(session.run(self._table.initialized))
    session.run(self._table.initializer)
    self._restored = True
    return _recoverable(session)


@dataclasses.dataclass(frozen=True)
class WorkerSessionCreator(tf.train.SessionCreator):
  """Waits for the chief, checking every second instead of every 30.

  Attributes:
    connection: the connection to the chief and the parameter servers.
    stop: request that ends the wait with cluster_lib.Stopped.
  """

  connection: Connection
  stop: signals.StopRequest

  def create_session(self) -> tf.Session:
    cluster = self.connection.cluster
    secs = self.connection.connect_secs
    # Make one attempt per call, since a stop could not interrupt TensorFlow's
    # loop.
    creator = tf.train.WorkerSessionCreator(
        master=self.connection.target,
        config=self.connection.session_config,
        max_wait_secs=0,
    )
    end = time.monotonic() + secs
    while True:
      try:
        session = creator.create_session()
        try:
          self.connection.settle()
        except BaseException:
          session.close()
          raise
        return _recoverable(session)
      except tf.errors.DeadlineExceededError as e:
        if time.monotonic() > end:
          job, index = cluster.workers[0]
          raise errors.UsageError(
              f'the chief, {job} {index} at {cluster.address(job, index)}, did '
              f'not initialize the variables within {secs:g} seconds: start '
              'it, or allow it more time with --connect_secs'
          ) from e
      if self.stop.sleep(_ATTEMPT_SECS):
        raise cluster_lib.Stopped()
