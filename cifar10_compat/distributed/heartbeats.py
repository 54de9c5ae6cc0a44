"""A table of each worker's latest step and time, to detect lost workers.

The table is a variable on the first ps, float64 of shape [num_workers, 3]: the
last global step that a worker saw, the ps's clock at that time in seconds since
1970, and a state.  The chief resets the table; checkpoints do not contain it.
"""

from collections.abc import Callable
import threading
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import signals
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.training import hooks

# States of a worker.
UNSEEN = 0
TRAINING = 1
DONE = 2

_INTERVAL_SECS = 1.0
# Seconds without a heartbeat after which a worker counts as absent.
ABSENT_SECS = 5.0

# Seconds without an update after which the chief assumes that a gradient or
# token was lost, if enough workers are present for an update; and seconds after
# which an asynchronous step, which waits for no other worker, counts as lost.
STALL_SECS = 30.0


class Table:
  """Adds the table's ops to the default graph.

  Attributes:
    initializer: Operation that resets the table; only the chief runs it.
    initialized: bool tensor of shape [], whether a chief has reset the table.
    read: (float64 tensor [num_workers, 3], float64 tensor []): the table, and
      the ps's clock.
  """

  def __init__(self, num_workers: int) -> None:
    """Adds the table and its ops."""
    # Unlike tf.get_variable(), tf.Variable works in a reusing scope.  The
    # variable is in no collection, so no task saves it or waits for it.
    with tf.device('/job:ps/task:0/cpu:0'):
      self._variable = tf.Variable(
          tf.zeros([num_workers, 3], tf.float64),
          trainable=False,
          collections=[],
          name='heartbeats',
      )
      self.initializer = self._variable.initializer
      self.initialized = tf.is_variable_initialized(self._variable)
      self.initialized.mark_used()  # Only the chief uses it.
      now = tf.timestamp()
      self.read = (tf.identity(self._variable), now)
      self._row = tf.placeholder(tf.int32, [1])
      self._step_and_state = tf.placeholder(tf.float64, [2])
      step, state = tf.unstack(self._step_and_state)
      self._update = tf.scatter_update(
          self._variable, self._row, [tf.stack([step, now, state])]
      ).op

  def update(
      self, session: tf.Session, worker: int, *, step: int, state: int
  ) -> None:
    """Writes a worker's row.

    Args:
      session: a session on the first ps.
      worker: the worker's index in the list of workers.
      step: the global step.
      state: TRAINING or DONE.
    """
    session.run(
        self._update, {self._row: [worker], self._step_and_state: [step, state]}
    )


def absent(
    table: np.ndarray, now: float, worker: int
) -> list[tuple[int, int | None, float | None]]:
  """Lists the other unfinished workers that sent no heartbeat for ABSENT_SECS.

  Args:
    table: float64 array of shape [num_workers, 3].
    now: the time in seconds, by the table's clock.
    worker: index of this worker.

  Returns:
    List of (worker, step, seconds since the last heartbeat); step and seconds
    are None for a worker that was never seen.
  """
  return [
      (i, None, None) if state == UNSEEN else (i, int(step), now - seen)
      for i, (step, seen, state) in enumerate(table)
      if i != worker
      and state != DONE
      and (state == UNSEEN or now - seen > ABSENT_SECS)
  ]


class Stall:
  """Detects that updates have stopped for no apparent reason."""

  def __init__(self, secs: float = STALL_SECS) -> None:
    """Starts the clock.

    Args:
      secs: seconds that an update may take.  The limit doubles with each alarm,
        so that an update that takes longer can finish eventually.
    """
    self.secs = secs
    self._step: float | None = None

  def found(self, step: float | None, explained: bool, now: float) -> bool:
    """Returns whether to raise an alarm; must be called frequently.

    Args:
      step: identifies the update, such as the global step.
      explained: whether there is a reason to wait, such as an absent worker.
      now: the time in seconds, by any clock.
    """
    if explained or step != self._step:
      self._step, self._since = step, now
    if now - self._since <= self.secs:
      return False
    self._since = now
    self.secs *= 2
    return True


class HeartbeatHook(tf.train.SessionRunHook):
  """Writes this worker's row every second; prints the workers it waits for."""

  def __init__(
      self,
      table: Table,
      cluster: cluster_lib.Cluster,
      *,
      steps: hooks.StepHook,
      max_steps: int,
      stop: signals.StopRequest,
      leave: Callable[[tf.Session], object],
      replicas: int | None = None,
  ) -> None:
    """Creates the hook.

    Args:
      table: the table of heartbeats.
      cluster: the cluster of this worker.
      steps: the hook that provides the global step.
      max_steps: the global step at which training ends.
      stop: the request that stops training.
      leave: function that takes the session and ends the process.  It is called
        if this worker's step has stalled for ABSENT_SECS after a stop was
        requested or the other workers have finished.
      replicas: number of workers per update for the chief, which recreates its
        session (sync.py) if updates have stopped although enough workers are
        present; 0 for an asynchronous worker, which recreates its session if
        its own step does not end; None for other workers.
    """
    self._table = table
    self._cluster = cluster
    self._worker = cluster.worker_number
    self._steps = steps
    self._max_steps = max_steps
    self._stop = stop
    self._leave = leave
    self._replicas = replicas
    self._stall = Stall()
    self._ended = threading.Event()
    # Prevents a heartbeat in progress from overwriting the final row.
    self._lock = threading.Lock()

  def begin(self) -> None:
    self._global_step = tf.train.get_global_step()

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    self._ended.clear()
    self._steps.since = None
    thread = threading.Thread(
        target=self._beat, args=(session, coord), name='heartbeat', daemon=True
    )
    coord.register_thread(thread)
    thread.start()

  def before_run(self, run_context: tf.train.SessionRunContext) -> None:
    # StepHook clears it, before the other hooks process the step.
    self._steps.since = time.monotonic()

  def end(self, session: tf.Session) -> None:
    with self._lock:
      self._ended.set()
      self._table.update(
          session,
          self._worker,
          step=self._steps.after,
          state=DONE if self._steps.after >= self._max_steps else TRAINING,
      )

  def _beat(self, session: tf.Session, coord: tf.train.Coordinator) -> None:
    told = None
    while not self._ended.is_set():
      try:
        with self._lock:
          if self._ended.is_set():
            return
          self._table.update(
              session, self._worker, step=self._steps.after, state=TRAINING
          )
        (table, now), step = session.run((self._table.read, self._global_step))
      except tf.errors.AbortedError:
        # The server rejected the run (local_input.py explains why), or this
        # session ended, which the next iteration will detect.
        coord.wait_for_stop(_INTERVAL_SECS)
        continue
      except (tf.errors.OpError, RuntimeError):
        # The session is closed, or its ps is lost.  The training thread gets
        # the same error and handles it.
        return
      since = self._steps.since
      stalled = since is not None and time.monotonic() - since > ABSENT_SECS
      if stalled and (self._stop.requested or step >= self._max_steps):
        self._leave(session)
      away = absent(table, now, self._worker)
      missing = away if stalled else []
      names = [m[0] for m in missing]
      if missing and names != told:
        whom = ', '.join(self._describe(*m) for m in missing)
        print(f'Step {step} waits for {whom}.', flush=True)
      if missing or not stalled:
        told = names
      if self._replicas is not None:
        present = len(table) - len(away)
        secs = self._stall.secs
        if self._stall.found(
            int(step) if self._replicas else since,
            since is None or present < self._replicas,
            time.monotonic(),
        ):
          print(
              f'No update after step {step} for {secs:g} seconds, although '
              'enough workers are present: the chief recreates its session.'
              if self._replicas
              else f'A step has not ended for {secs:g} seconds: the worker '
              'recreates its session.',
              flush=True,
          )
          _restart(session, coord)
          return
      if coord.wait_for_stop(_INTERVAL_SECS):
        return

  def _describe(self, worker: int, step: int | None, secs: float | None) -> str:
    job, index = self._cluster.workers[worker]
    seen = (
        'not seen yet'
        if step is None
        else f'last seen {secs:.0f} seconds ago at step {step}'
    )
    return f'{job} {index} at {self._cluster.address(job, index)}, {seen}'


def _restart(session: tf.Session, coord: tf.train.Coordinator) -> None:
  """Makes the training thread recreate its session, even if it is blocked.

  Args:
    session: the session to end.
    coord: the coordinator of a recoverable session.
  """
  try:
    raise tf.errors.AbortedError(None, None, 'updates have stopped')
  except tf.errors.AbortedError as e:
    coord.request_stop(e)  # The error must have been raised.
  # Closing the session raises another error, but the coordinator keeps the
  # first.
  session.close()


def wait_until_done(
    session: tf.Session,
    table: Table,
    *,
    stop: signals.StopRequest,
    settle: Callable[[], bool] = lambda: True,
) -> None:
  """Waits until the chief is done and the other workers are done or absent.

  Once the chief is done, the function waits for other workers for at most 2 *
  ABSENT_SECS.

  Args:
    session: a session of a ps.
    table: the table in that session's graph.
    stop: request that ends the wait.
    settle: function that compares the settings with the chief's, and returns
      whether a chief has stored them.

  Raises:
    UsageError: the settings differ from the chief's.
  """
  end, settled = None, False
  while not stop.sleep(0.5):
    try:
      settled = settled or settle()
      if not settled:
        continue
      rows, _ = session.run(table.read)
    except (tf.errors.FailedPreconditionError, tf.errors.AbortedError):
      # No chief has reset the table yet, or the server rejected this run:
      # local_input.py explains why.
      continue
    if rows[0, 2] == DONE:
      end = end or time.monotonic() + 2 * ABSENT_SECS
      if time.monotonic() > end or all(r[2] in (DONE, UNSEEN) for r in rows):
        return
