"""Where workers leave their step and the time, so that others see them.

The table is a variable of the first ps, [num_workers, 3] of float64: the
global step that a worker saw last, the ps's clock at that time in seconds
since 1970, and a state.  The chief resets it; no checkpoint has it.
"""

import threading
import time

import tensorflow.compat.v1 as tf

from cifar10_compat.distributed import sync

# States of a worker.
UNSEEN = 0
TRAINING = 1
DONE = 2

_INTERVAL_SECS = 1.0
# Seconds without a heartbeat after which a worker counts as absent.
ABSENT_SECS = 5.0


class Table(object):
  """The ops on the table, in the default graph.

  Attributes:
    initializer: Operation that resets it; the chief's.
    initialized: bool tensor of shape [], whether a chief has been here.
    read: (float64 tensor [num_workers, 3], float64 tensor []): the table, and
      the ps's clock.
  """

  def __init__(self, num_workers):
    """Adds the ops.

    Args:
      num_workers: int.
    """
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

  def update(self, session, worker, *, step, state):
    """Writes a worker's row.

    Args:
      session: tf.Session.
      worker: int.
      step: int, the global step.
      state: TRAINING or DONE.
    """
    session.run(
        self._update, {self._row: [worker], self._step_and_state: [step, state]}
    )


def absent(table, now, worker):
  """Lists the other workers who gave no sign for ABSENT_SECS and are not done.

  Args:
    table: float64 array of shape [num_workers, 3].
    now: float, seconds of the same clock.
    worker: int, who asks.

  Returns:
    List of (worker, step, seconds since the last sign); the last two are None
    for one that was never seen.
  """
  found = []
  for i, (step, seen, state) in enumerate(table):
    if i == worker or state == DONE:
      continue
    if state == UNSEEN:
      found.append((i, None, None))
    elif now - seen > ABSENT_SECS:
      found.append((i, int(step), now - seen))
  return found


class HeartbeatHook(tf.train.SessionRunHook):
  """Writes this worker's row every second, and says whom it waits for."""

  def __init__(
      self,
      table,
      cluster,
      *,
      steps,
      max_steps,
      stop,
      leave,
      stalled_secs=ABSENT_SECS,
      replicas=None,
  ):
    """Makes the hook.

    Args:
      table: Table.
      cluster: cluster.Cluster.
      steps: hooks.StepHook.
      max_steps: int, the global step at which training ends.
      stop: signals.StopRequest.
      leave: function of a session that ends the process.  Called when this
        worker's run has stalled, so that no step's end is in sight, while a
        stop is requested or the others have finished.
      stalled_secs: number, after which a run has stalled.
      replicas: int, how many workers it takes to make an update, for the chief
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
    self._stalled_secs = stalled_secs
    self._replicas = replicas
    self._stall = sync.Stall()
    self._ended = threading.Event()
    # A beat that is under way when training ends must not be the last word.
    self._lock = threading.Lock()

  def begin(self):
    self._global_step = tf.train.get_global_step()

  def after_create_session(self, session, coord):
    self._ended.clear()
    self._moved = time.monotonic()
    self._in_run = False
    thread = threading.Thread(
        target=self._beat, args=(session, coord), name='heartbeat', daemon=True
    )
    coord.register_thread(thread)
    thread.start()

  def before_run(self, run_context):
    self._moved = time.monotonic()
    self._in_run = True

  def after_run(self, run_context, run_values):
    self._in_run = False

  def end(self, session):
    with self._lock:
      self._ended.set()
      self._table.update(
          session,
          self._worker,
          step=self._steps.after,
          state=DONE if self._steps.after >= self._max_steps else TRAINING,
      )

  def _beat(self, session, coord):
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
      stalled = self._in_run and (
          time.monotonic() - self._moved > self._stalled_secs
      )
      if stalled and (self._stop.requested or step >= self._max_steps):
        self._leave(session)
      missing = absent(table, now, self._worker) if stalled else []
      names = [m[0] for m in missing]
      if missing and names != told:
        print(
            'Step %d waits for %s.'
            % (step, ', '.join(self._describe(*m) for m in missing)),
            flush=True,
        )
      if missing or not stalled:
        told = names
      if self._replicas and self._lost(table, now, step):
        _restart(session, coord)
        return
      if coord.wait_for_stop(_INTERVAL_SECS):
        return

  def _lost(self, table, now, step):
    """Whether no update comes; says so."""
    there = len(table) - len(absent(table, now, self._worker))
    secs = self._stall.secs
    found = self._stall.found(
        int(step),
        there < self._replicas or not self._in_run,
        time.monotonic(),
    )
    if found:
      print(
          'No update after step %d for %g seconds, though enough workers are '
          'there: the chief starts its session anew.' % (step, secs),
          flush=True,
      )
    return found

  def _describe(self, worker, step, secs):
    job, index = self._cluster.workers[worker]
    return '%s %d at %s, %s' % (
        job,
        index,
        self._cluster.address(job, index),
        'not seen so far'
        if step is None
        else 'last seen %.0f seconds ago at step %d' % (secs, step),
    )


def _restart(session, coord):
  """Lets the thread that trains make a session anew, whatever it waits for.

  Args:
    session: tf.Session.
    coord: tf.train.Coordinator, of a recoverable session.
  """
  try:
    raise tf.errors.AbortedError(None, None, 'no update comes')
  except tf.errors.AbortedError as e:
    coord.request_stop(e)  # It takes only an error that has been raised.
  # That ends the run with an error, in place of which the first one is raised.
  session.close()


def wait_until_done(session, table, *, stop, grace_secs=2 * ABSENT_SECS):
  """Waits until the chief is done, and the others are or are absent.

  Args:
    session: tf.Session of a ps.
    table: Table.
    stop: signals.StopRequest, ends the waiting.
    grace_secs: number, how long to wait for others once the chief is done.
  """
  end = None
  while not stop.wait(0.5):
    try:
      rows, _ = session.run(table.read)
    except tf.errors.FailedPreconditionError:
      continue  # No chief has been here yet.
    except tf.errors.AbortedError:
      continue  # The server refused this run: local_input.py tells why.
    if rows[0, 2] == DONE:
      end = end or time.monotonic() + grace_secs
      if time.monotonic() > end or all(r[2] in (DONE, UNSEEN) for r in rows):
        return
