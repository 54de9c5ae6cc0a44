"""Hooks of a MonitoredSession that run around each training step.

TensorFlow's own hooks count from the step at which a run resumed (1234, 2234),
write summaries at steps 1, 101, 201, and save a restored checkpoint again.
The hooks in this module use the steps of 2016, even in a resumed run.

As in 2016, "step" in the log and the summaries is the global step before the
update; model.ckpt-N is the state after N updates.
"""

from collections.abc import Callable
import dataclasses
import os
import time

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.client import timeline

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import files
from cifar10_compat.base import input_errors
from cifar10_compat.base import signals
from cifar10_compat.training import checkpoints
from cifar10_compat.training import train_dirs


@dataclasses.dataclass
class Run:
  """The state that the hooks of a training run share.

  Attributes:
    config: the trainer's settings.
    stop: request that ends training after the current step.
    check_input: function that raises an error if the input files are damaged.
    steps: the hook that counts the steps.
    saver: a saver of all variables.
    summary_op: string tensor of shape [], a serialized Summary.
    directory: train_dir, if this process saves checkpoints.
    writer: writer of the event file in train_dir, if this process saves
      checkpoints.
    checkpoint: the hook that saves checkpoints; None if another process saves
      them.
    make_summary_feed: function that returns the feed_dict for running
      summary_op.
    saving: whether a checkpoint is being written, which can take minutes.
  """

  config: config_lib.Training
  stop: signals.StopRequest
  check_input: Callable[[], object]
  steps: 'StepHook'
  saver: tf.train.Saver
  summary_op: tf.Tensor
  directory: train_dirs.TrainDir = dataclasses.field(init=False)
  writer: event_writer.EventWriter = dataclasses.field(init=False)
  checkpoint: 'CheckpointSaverHook | None' = None
  make_summary_feed: Callable[[], dict | None] = lambda: None
  saving: bool = False

  def save(self, session: tf.Session) -> bool:
    """Saves the last step, unless it is saved already or by another process.

    Args:
      session: a plain session, not a MonitoredSession.

    Returns:
      Whether this process saves checkpoints.
    """
    self.steps.refresh(session)
    if self.checkpoint:
      self.checkpoint.end(session)
    return bool(self.checkpoint)


class Hook(tf.train.SessionRunHook):
  """A hook that has access to its Run.

  Attributes:
    run: the Run to which the hook belongs.
  """

  run: Run


class StepHook(tf.train.SessionRunHook):
  """Provides the global step to the other hooks, which must follow this hook.

  Attributes:
    before: int, the global step before the latest run.
    after: int, the global step after the latest run.  Before the first run,
      `after` is the restored step, and `before` is one less.
    replayed: int, number of steps whose batches were discarded before the first
      run: see replay.ReplayHook.
    since: float or None, the time at which the current run of an op began, by
      time.monotonic(), if HeartbeatHook recorded it.
  """

  def __init__(self, *, shared: bool = False) -> None:
    """Counts steps, starting from the session's global step.

    Args:
      shared: whether other processes also increment the global step, so that
        each run must read it again.
    """
    self._shared = shared
    self.before = self.after = 0
    self.replayed = 0
    self.since: float | None = None

  def begin(self) -> None:
    self._global_step = tf.train.get_global_step()

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    self.after = int(session.run(self._global_step))
    self.before = self.after - 1

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    self.since = None  # The other hooks' time does not count.
    self._previous, self.before = self.before, self.after
    if not self._shared:
      self.after += 1
    self.refresh(run_context.session)

  def refresh(self, session: tf.Session) -> None:
    """Reads the global step again if other processes can increment it."""
    if self._shared:
      self.after = int(session.run(self._global_step))

  def reached_multiple_of(self, n: int) -> bool:
    """Returns whether the last run reached or first passed a multiple of n.

    With several workers, each worker runs only some of the steps.
    """
    return self.before // n > self._previous // n


def _diverged(what: str, step: int) -> errors.DivergedError:
  return errors.DivergedError(
      f'Model diverged: {what} at step {step}. No checkpoint has this step: '
      'start again from the last one, with a lower learning rate or other data'
  )


class NanTensorHook(Hook):
  """Raises DivergedError for a non-finite loss; must precede saving hooks."""

  def __init__(self, loss: tf.Tensor) -> None:
    """Watches a loss and its terms, to report the first non-finite one.

    Args:
      loss: float32 tensor of shape [].
    """
    parts = tf.get_collection('losses')
    self._losses = {l.op.name: l for l in parts + [loss]}

  def before_run(
      self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    return tf.train.SessionRunArgs(self._losses)

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    for name, value in run_values.results.items():
      if not np.isfinite(value):
        raise _diverged(f'{name} = {value}', self.run.steps.before)


@dataclasses.dataclass(eq=False)
class LoggerHook(Hook):
  """Prints a line with the loss and the speed every config.log_steps steps.

  Attributes:
    loss: float32 tensor of shape [].
    line: function that returns the line for a step, its loss and its duration
      in seconds.
  """

  loss: tf.Tensor
  line: Callable[[int, float, float], str]

  def before_run(
      self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    self._start_time = time.time()
    return tf.train.SessionRunArgs(self.loss)

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    duration = time.time() - self._start_time
    if self.run.steps.reached_multiple_of(self.run.config.log_steps):
      print(
          self.line(self.run.steps.before, run_values.results, duration),
          flush=True,
      )


class SummarySaverHook(Hook):
  """Writes all summaries every config.summary_steps, in a separate run.

  As in 2016, the summary run draws another batch and uses the weights after the
  update. A histogram of non-finite values raises DivergedError.
  """

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    if self.run.directory.newest:
      # Make TensorBoard drop later events, which a killed run wrote after its
      # last checkpoint (possibly that of step 0).
      self.run.writer.add_session_log(
          tf.SessionLog(status=tf.SessionLog.START), self.run.steps.after
      )

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    if self.run.steps.reached_multiple_of(self.run.config.summary_steps):
      self.run.directory.check_in_place()
      step = self.run.steps.before
      try:
        summary = run_context.session.run(
            self.run.summary_op, self.run.make_summary_feed()
        )
      except tf.errors.InvalidArgumentError as e:
        # A weight can be NaN while the loss is finite, since max(0, NaN) can be
        # 0.
        if e.op is None or e.op.type != 'HistogramSummary':
          raise
        tag = tf.get_static_value(e.op.inputs[0]).item().decode()
        raise _diverged(f'{tag} is non-finite', step) from e
      self.run.writer.add_summary(summary, step)


class CheckpointSaverHook(Hook):
  """Saves model.ckpt-STEP at step 0, at intervals, and at the end.

  The interval is config.checkpoint_steps.  A restored checkpoint is not saved
  again.
  """

  def begin(self) -> None:
    self._floats = {
        v.op.name: v
        for v in tf.global_variables()
        if v.dtype.base_dtype.is_floating
    }
    self._global_step = tf.train.get_global_step()
    # self._saved is the last saved step, or -1 without a checkpoint.
    newest = self.run.directory.newest
    step = self._global_step.op.name
    self._saved = newest.held_step(step) if newest else -1

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    if self._saved < 0:
      self._save(session)

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    # With several workers, this process can skip the multiple itself.
    every = self.run.config.checkpoint_steps
    if self.run.steps.after // every > self._saved // every:
      self._save(run_context.session)

  def end(self, session: tf.Session) -> None:
    """Saves the last step unless it is already saved; needs an open session."""
    if self.run.steps.after != self._saved:
      self._save(session)

  def _save(self, session: tf.Session) -> None:
    directory = self.run.directory
    # A run without the train op does not change the global step.
    step, values = session.run((self._global_step, self._floats))
    step = self.run.steps.after = int(step)
    # A finite loss can still result in a non-finite update.
    for name, value in values.items():
      if not np.all(np.isfinite(value)):
        raise _diverged(f'{name} is non-finite', step)
    directory.check_in_place()
    path = os.path.join(directory.path, checkpoints.BASENAME)
    try:
      self.run.saving = True
      self.run.saver.save(session, path, global_step=step)
    # MonitoredSession recovers from these two errors.
    except (tf.errors.AbortedError, tf.errors.UnavailableError):
      raise
    except (tf.errors.OpError, OSError) as e:
      reason = (
          input_errors.cause(e)
          if isinstance(e, tf.errors.OpError)
          else e.strerror or e
      )
      raise errors.WriteError(
          f'cannot save step {step} as {path}-{step} ({reason}): earlier '
          'checkpoints are intact; free disk space or allow writing, and start '
          'again to resume from the newest'
      ) from e
    finally:
      self.run.saving = False
    self._saved = step


class ProfileHook(Hook):
  """Writes train_dir/timeline-STEP.json for each of config.profile_steps.

  Chrome's trace viewer shows the time of each op in the file.  A traced step
  takes longer than other steps.
  """

  def before_run(
      self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    if self.run.steps.after in self.run.config.profile_steps:
      return tf.train.SessionRunArgs(
          None, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
      )

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    step = self.run.steps.before
    if step in self.run.config.profile_steps:
      trace = timeline.Timeline(run_values.run_metadata.step_stats)
      path = os.path.join(self.run.directory.path, f'timeline-{step}.json')
      try:
        files.replace(path, trace.generate_chrome_trace_format().encode())
      except OSError as e:
        raise errors.WriteError(
            f'cannot write {path} ({e.strerror}): free disk space, or omit '
            '--profile_steps'
        ) from e
