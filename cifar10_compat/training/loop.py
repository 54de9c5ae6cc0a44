"""What the trainers share: the loop around a train op."""

import contextlib
import signal
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import input_errors
from cifar10_compat.training import checkpoints
from cifar10_compat.training import hooks
from cifar10_compat.training import watchdog

# Seconds to wait for threads when a session closes.
_STOP_GRACE_SECS = 10


class Ops(NamedTuple):
  """What a trainer builds and a session runs."""

  train_op: tf.Operation  # makes one update and counts it in the global step
  loss: tf.Tensor  # float32, []
  saver: tf.train.Saver  # of all variables
  summary_op: tf.Tensor  # string, [], a serialized Summary


class Loop(object):
  """Makes steps with the ops of a trainer until a hook ends it.

  Attributes:
    steps: hooks.StepHook, for further hooks.
    max_steps: int, the global step at which training ends.
  """

  def __init__(
      self,
      ops,
      *,
      max_steps,
      batch_size,
      stop,
      num_towers=1,
      others_count=False,
      check_input=lambda: None,
      stall_secs=0,
      leave=None,
  ):
    """Makes the loop of the default graph.

    Args:
      ops: Ops.
      max_steps: int, the global step at which training ends.
      batch_size: int, the number of images in a tower's batch.
      stop: signals.StopRequest, ends training after the current step.
      num_towers: int.
      others_count: bool, other processes make steps as well.
      check_input: function that raises DataError if the input is damaged; it is
        called when a step fails.
      stall_secs, leave: see watchdog.Watchdog.
    """
    self._ops = ops
    self._check_input = check_input
    self.max_steps = max_steps
    self._stop = stop
    self.steps = hooks.StepHook(others_count)
    self._nan = hooks.NanHook(ops.loss, self.steps)
    self._logger = hooks.LoggerHook(
        ops.loss, self.steps, batch_size=batch_size, num_towers=num_towers
    )
    self._end = hooks.StopHook(self.steps, max_steps, stop)
    self._checkpoint = None
    self._watchdog = watchdog.Watchdog(
        self.steps, stop, stall_secs=stall_secs, save=self.save, leave=leave
    )

  def run(self, directory, *, further_hooks, config=None):
    """Trains in a session of this process, from the newest checkpoint on.

    Args:
      directory: train_dirs.TrainDir.
      further_hooks: list of tf.train.SessionRunHook; they run after all others.
      config: tf.ConfigProto or None.

    Returns:
      (int, float): the global step reached and the loss of the last step, None
      if no step was left to make.

    Raises:
      CheckpointError: the newest checkpoint is of another model.
      DataError: the input failed; the message tells the first cause.  The last
        step is saved.
      DivergedError: a loss or a variable is not finite.
      StalledError: no step has ended for too long.
      WriteError: a checkpoint or another file cannot be written; the checkpoints
        before it are whole, and the last step is saved if it can be.
      OSError: what is printed does not arrive.  The last step is saved.
    """
    newest = directory.newest
    if newest and checkpoints.step_of(newest) >= self.max_steps:
      step = checkpoints.step_of(newest)
      print(
          '%s already holds step %d and --max_steps is %d: nothing to train.'
          % (directory.path, step, self.max_steps),
          flush=True,
      )
      return step, None
    with self._watchdog, self._saving(directory) as saving_hooks:
      # Without any of TensorFlow's own hooks.
      with tf.train.MonitoredTrainingSession(
          checkpoint_dir=directory.path,
          scaffold=self.scaffold(),
          hooks=saving_hooks + [self._watchdog] + further_hooks,
          save_checkpoint_secs=None,
          save_checkpoint_steps=None,
          save_summaries_secs=None,
          save_summaries_steps=None,
          log_step_count_steps=None,
          stop_grace_period_secs=_STOP_GRACE_SECS,
          config=config,
      ) as session:
        self._make_steps(session)
    return self._ended()

  def run_as_chief(
      self, directory, session_creator, *, further_hooks, make_summary_feed
  ):
    """Trains in a session whose variables other processes share.

    Args:
      directory, further_hooks: see run().
      session_creator: tf.train.SessionCreator.
      make_summary_feed: function that returns the feed_dict with which the
        summaries are run.

    Returns:
      (int, float): see run().

    Raises:
      CheckpointError, DataError, DivergedError, WriteError: see run().
    """
    # With no step left it makes a session all the same: others learn from it.
    with self._saving(directory, make_summary_feed) as saving_hooks:
      with tf.train.MonitoredSession(
          session_creator,
          saving_hooks + further_hooks,
          stop_grace_period_secs=_STOP_GRACE_SECS,
      ) as session:
        self._make_steps(session)
    return self._ended()

  def run_beside_chief(self, session_creator, further_hooks):
    """Trains in a session whose variables another process saves.

    Args:
      session_creator: tf.train.SessionCreator that waits for that process.
      further_hooks: see run().

    Returns:
      (int, float): see run().

    Raises:
      DataError, DivergedError: see run(), but nothing is saved here.
    """
    with input_errors.as_data_errors():
      with tf.train.MonitoredSession(
          session_creator,
          [self.steps, self._nan, self._logger, self._end] + further_hooks,
          stop_grace_period_secs=_STOP_GRACE_SECS,
      ) as session:
        self._make_steps(session)
    return self.steps.after, self._nan.loss

  def scaffold(self):
    """Returns the tf.train.Scaffold with which a chief's session is made."""
    return tf.train.Scaffold(
        saver=self._ops.saver, summary_op=self._ops.summary_op
    )

  def save(self, session):
    """Saves the newest step, where this process saves and unless it is done.

    Args:
      session: tf.Session, not a MonitoredSession.

    Returns:
      bool, whether this process saves.
    """
    self.steps.refresh(session)
    if self._checkpoint:
      self._checkpoint.end(session)
    return bool(self._checkpoint)

  @contextlib.contextmanager
  def _saving(self, directory, make_summary_feed=lambda: None):
    """Context that gives the hooks of a process that saves.

    In it TensorFlow's errors about the images become DataError.
    """
    self._fresh = directory.fresh
    self._checkpoint = hooks.CheckpointHook(
        self._ops.saver, directory, steps=self.steps
    )
    with (
        event_writer.EventWriter(
            directory.path, tf.get_default_graph()
        ) as writer,
        input_errors.as_data_errors(),
    ):
      summary = hooks.SummaryHook(
          writer,
          self._ops.summary_op,
          directory=directory,
          steps=self.steps,
          make_feed_dict=make_summary_feed,
      )
      # In the order of 2016: check, log, summarise, save.
      yield [
          self.steps,
          self._nan,
          self._logger,
          summary,
          self._checkpoint,
          self._end,
      ]

  def _make_steps(self, session):
    """Runs train_op until a hook ends it; saves if input or output fails."""

    def save():
      session.run_step_fn(lambda step_context: self.save(step_context.session))

    try:
      # A finished directory restores its last step, and no step is left.
      while not _should_stop(session) and self.steps.after < self.max_steps:
        session.run(self._ops.train_op)
    # An OSError: a line of the log did not arrive, or a file cannot be written.
    except (errors.DataError, OSError):
      save()
      raise
    except tf.errors.OpError as e:
      self._check_input_after(e, save)
      if not input_errors.is_input_error(e):
        raise
      save()
      # The session's exit would swallow an OutOfRangeError.  If that was caused
      # by another error, the exit raises the cause, from the coordinator.
      raise errors.DataError(
          'the images ended: %s' % input_errors.cause(e)
      ) from e

  def _check_input_after(self, error, save):
    """Saves, and raises DataError, if an op failed for damaged input."""
    try:
      self._check_input()
    except errors.DataError as e:
      save()
      raise e from error

  def _ended(self):
    """Returns what run() does; tells the user if a signal ended it."""
    if self._stop.requested:
      print(
          'Stopped by %s after %d steps, which are saved: the same command%s '
          'goes on from there.'
          % (
              signal.Signals(self._stop.signum).name,
              self.steps.after,
              ' without --fresh' if self._fresh else '',
          ),
          flush=True,
      )
    return self.steps.after, self._nan.loss


def _should_stop(session):
  """Asks a MonitoredSession, which can raise what its run() recovers from."""
  try:
    return session.should_stop()
  except (tf.errors.AbortedError, tf.errors.UnavailableError):
    # A thread met the error between two checks of the session.
    return False
