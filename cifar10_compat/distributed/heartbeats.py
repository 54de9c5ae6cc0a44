"""Where workers leave their step and the time, so that others see them.

The table is a variable of the first ps, [num_workers, 3] of float64: the
global step that a worker saw last, the ps's clock at that time in seconds
since 1970, and a state.  The chief resets it; no checkpoint has it.
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

# Seconds without an update, though enough workers are there to make one, after
# which a chief takes something for lost.
STALL_SECS = 30.0


class Table:
  """The ops on the table, in the default graph.

  Attributes:
    initializer: Operation that resets it; the chief's.
    initialized: bool tensor of shape [], whether a chief has been here.
    read: (float64 tensor [num_workers, 3], float64 tensor []): the table, and
      the ps's clock.
  """

  def __init__(self, num_workers: int) -> None:
    """Adds the ops."""
    # tf.Variable, whose name is the same whatever a reusing scope says; of no
    # collection, so that nothing saves it or waits for it.
    with tf.device('/job:ps/task:0/cpu:0'):
      self._variable = tf.Variable(
          tf.zeros([num_workers, 3], tf.float64),
          trainable=False,
          collections=[],
          name='heartbeats',
      )
      self.initializer = self._variable.initializer
      self.initialized = tf.is_variable_initialized(self._variable)
      self.initialized.mark_used()  # Only the chief asks.
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
      session: of the ps that has the table.
      worker: its place in the list of workers.
      step: the global step.
      state: TRAINING or DONE.
    """
    session.run(
        self._update, {self._row: [worker], self._step_and_state: [step, state]}
    )


def absent(
    table: np.ndarray, now: float, worker: int
) -> list[tuple[int, int | None, float | None]]:
  """Lists the other workers who gave no sign for ABSENT_SECS and are not done.

  Args:
    table: float64 array of shape [num_workers, 3].
    now: seconds of the same clock.
    worker: who asks.

  Returns:
    (worker, step, seconds since the last sign); the last two are None
    for one that was never seen.
  """
  return [
      (i, None, None) if state == UNSEEN else (i, int(step), now - seen)
      for i, (step, seen, state) in enumerate(table)
      if i != worker
      and state != DONE
      and (state == UNSEEN or now - seen > ABSENT_SECS)
  ]


class Stall:
  """Tells when updates have stopped for no visible reason."""

  def __init__(self, secs: float = STALL_SECS) -> None:
    """Starts with an allowance.

    Args:
      secs: how long an update may take.  It doubles with each alarm, so
        that a step which takes longer than that is not broken off for ever.
    """
    self.secs = secs
    self._step: int | None = None

  def found(self, step: int, explained: bool, now: float) -> bool:
    """Whether to raise an alarm; to be asked often.

    Args:
      step: the global step.
      explained: whether there is a reason to wait, such as a worker that
        is absent.
      now: seconds of any clock.
    """
    if explained or step != self._step:
      self._step, self._since = step, now
    if now - self._since <= self.secs:
      return False
    self._since = now
    self.secs *= 2
    return True


class HeartbeatHook(tf.train.SessionRunHook):
  """Writes this worker's row every second, and says whom it waits for."""

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
    """Makes the hook.

    Args:
      table: has the row.
      cluster: this worker's.
      steps: knows the global step.
      max_steps: the global step at which training ends.
      stop: a stop request.
      leave: ends the process, and gets a session.  Called when this worker's
        run has stalled, for ABSENT_SECS, so that no step's end is in sight,
        while a stop is requested or the others have finished.
      replicas: how many workers it takes to make an update, for the chief
        to see that none comes though they are there and to start its session
        anew (sync.py); None where that is not its business.
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
    # A beat that is under way when training ends must not be the last word.
    self._lock = threading.Lock()

  def begin(self) -> None:
    self._global_step = tf.train.get_global_step()

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    self._ended.clear()
    self._run_since: float | None = None
    thread = threading.Thread(
        target=self._beat, args=(session, coord), name='heartbeat', daemon=True
    )
    coord.register_thread(thread)
    thread.start()

  def before_run(self, run_context: tf.train.SessionRunContext) -> None:
    self._run_since = time.monotonic()

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    self._run_since = None

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
        # A run that the server refused (local_input.py tells why), or the end
        # of this session, which the next round will see.
        coord.wait_for_stop(_INTERVAL_SECS)
        continue
      except (tf.errors.OpError, RuntimeError):
        # The session is closed, or its ps is gone: the thread that trains
        # meets the same error and is the one to deal with it.
        return
      since = self._run_since
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
      if self._replicas:
        explained = len(table) - len(away) < self._replicas or since is None
        secs = self._stall.secs
        if self._stall.found(int(step), explained, time.monotonic()):
          print(
              f'No update after step {step} for {secs:g} seconds, though enough '
              'workers are there: the chief starts its session anew.',
              flush=True,
          )
          _restart(session, coord)
          return
      if coord.wait_for_stop(_INTERVAL_SECS):
        return

  def _describe(self, worker: int, step: int | None, secs: float | None) -> str:
    job, index = self._cluster.workers[worker]
    seen = (
        'not seen so far'
        if step is None
        else f'last seen {secs:.0f} seconds ago at step {step}'
    )
    return f'{job} {index} at {self._cluster.address(job, index)}, {seen}'


def _restart(session: tf.Session, coord: tf.train.Coordinator) -> None:
  """Lets the thread that trains make a session anew, whatever it waits for.

  Args:
    session: the one to end.
    coord: of a recoverable session.
  """
  try:
    raise tf.errors.AbortedError(None, None, 'no update comes')
  except tf.errors.AbortedError as e:
    coord.request_stop(e)  # It takes only an error that has been raised.
  # That ends the run with an error, in place of which the first one is raised.
  session.close()


def wait_until_done(
    session: tf.Session,
    table: Table,
    *,
    stop: signals.StopRequest,
    settle: Callable[[], bool] = lambda: True,
) -> None:
  """Waits until the chief is done, and the others are or are absent.

  Once the chief is done, it waits for others no longer than 2 * ABSENT_SECS.

  Args:
    session: of a ps.
    table: in that session's graph.
    stop: ends the waiting.
    settle: compares settings once a chief has been here; returns whether one has.

  Raises:
    UsageError: the settings differ.
  """
  end, settled = None, False
  while not stop.sleep(0.5):
    try:
      settled = settled or settle()
      if not settled:
        continue
      rows, _ = session.run(table.read)
    except (tf.errors.FailedPreconditionError, tf.errors.AbortedError):
      # No chief has been here yet, or the server refused this run:
      # local_input.py tells why.
      continue
    if rows[0, 2] == DONE:
      end = end or time.monotonic() + 2 * ABSENT_SECS
      if time.monotonic() > end or all(r[2] in (DONE, UNSEEN) for r in rows):
        return
