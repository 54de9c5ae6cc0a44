"""The session in which a trainer runs its steps.

The trainer's module contains the graph, the hooks and the loop.  This module
locks the directory, selects the checkpoint to resume from, saves when input or
output fails, reports errors with a remedy, and runs the watchdog.
"""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import signal

import tensorflow.compat.v1 as tf
from tensorflow.python.training import training_util

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import input_errors
from cifar10_compat.base import output
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.training import hooks as hooks_lib
from cifar10_compat.training import input_hook
from cifar10_compat.training import replay
from cifar10_compat.training import train_dirs
from cifar10_compat.training import watchdog

# Seconds to wait for threads when a session closes.
_STOP_GRACE_SECS = 10


def prepare(config: config_lib.Training) -> checks.CheckedFiles:
  """Checks a trainer's image files, and sets the seed of the default graph.

  Returns:
    CheckedFiles, for checks while the files are read.

  Raises:
    DataError: a file is missing or damaged.
  """
  input_files = checks.watch(config.dataset, config.data_dir)
  tf.set_random_seed(config.seed)
  return input_files


@dataclasses.dataclass
class TrainingSession:
  """The part of tf.train.MonitoredSession that a trainer's loop uses.

  If no step is left to run, _session is None.
  """

  _session: tf.train.MonitoredSession
  _run: hooks_lib.Run

  @property
  def step(self) -> int:
    """The global step reached."""
    return self._run.steps.after

  def should_stop(self) -> bool:
    """Returns whether the last step is reached or a stop was requested."""
    if self._run.stop.requested or self.step >= self._run.config.max_steps:
      return True
    try:
      return self._session.should_stop()
    except (tf.errors.AbortedError, tf.errors.UnavailableError):
      # A thread encountered an error from which run() recovers.
      return False

  def run(self, fetches: tf.Operation | tf.Tensor) -> object:
    """Runs a step; returns the fetched values.

    Args:
      fetches: must contain the train op, since each call counts as a step.
    """
    self._run.stop.unsaved = True
    return self._session.run(fetches)


@contextlib.contextmanager
def MonitoredTrainingSession(  # pylint: disable=invalid-name
    config: config_lib.Training,
    stop: signals.StopRequest,
    input_files: checks.CheckedFiles,
    *,
    saver: tf.train.Saver,
    summary_op: tf.Tensor,
    hooks: Sequence[tf.train.SessionRunHook],
    session_config: tf.ConfigProto | None = None,
) -> Iterator[TrainingSession]:
  """Context for this process's steps, starting from the newest checkpoint.

  The context locks config.train_dir, saves the variables there at step 0, every
  1,000 steps and at the end, and writes the summaries every 100 steps.

  Args:
    config: the trainer's settings.
    stop: request that ends training after the current step.
    input_files: the files that prepare() returned.
    saver: a saver of all variables.
    summary_op: string tensor of shape [], a serialized Summary.
    hooks: the trainer's own hooks; they process a step before it is saved.
    session_config: the session's configuration, such as the placement of ops.

  Raises:
    UsageError: train_dir cannot be used.
    CheckpointError: the newest checkpoint belongs to another model.
    DataError: reading the images failed; the message describes the first cause.
      The last step is saved.
    DivergedError: a loss or a variable is non-finite.
    StalledError: no step has ended for too long.
    WriteError: a checkpoint or another file cannot be written; earlier
      checkpoints are intact, and the last step is saved if possible.
    OSError: a write to stdout failed.  The last step is saved.
  """
  with train_dirs.opened(config, input_files.fingerprint) as directory:
    run = hooks_lib.Run(
        config, stop, input_files.check, hooks_lib.StepHook(), saver, summary_op
    )
    step_key = tf.train.get_global_step().op.name
    newest = directory.newest
    step = newest.held_step(step_key) if newest else 0
    if newest and step >= config.max_steps:
      output.say(
          f'{directory.path} already has step {step} and --max_steps '
          f'is {config.max_steps}: nothing to train.'
      )
      run.steps.after = step
      yield TrainingSession(None, run)
      return
    session_config = session_config or tf.ConfigProto()
    session_config.gpu_options.allow_growth |= config.allow_growth
    session_creator = tf.train.ChiefSessionCreator(
        tf.train.Scaffold(
            saver=directory.resuming_saver(saver), summary_op=summary_op
        ),
        config=session_config,
        checkpoint_dir=directory.path,
    )
    stall = watchdog.StallWatchdog()
    further = [
        stall,
        hooks_lib.ProfileHook(),
        input_hook.InputHook(input_files.check, stop),
    ]
    if config.deterministic:
      further.append(replay.ReplayHook())
    with (
        stall,
        shared_session(
            run,
            session_creator,
            directory=directory,
            hooks=hooks,
            further_hooks=further,
        ) as training,
    ):
      yield training


@contextlib.contextmanager
def shared_session(
    run: hooks_lib.Run,
    session_creator: tf.train.SessionCreator,
    *,
    directory: train_dirs.TrainDir | None,
    hooks: Sequence[tf.train.SessionRunHook],
    further_hooks: Sequence[tf.train.SessionRunHook],
) -> Iterator[TrainingSession]:
  """Context for steps on variables that several processes may share.

  The context creates a session even if no step is left, since other processes
  learn from this session that training has ended.  TensorFlow's own hooks are
  not used.

  Args:
    run: the hooks' shared state.
    session_creator: restores the newest checkpoint, or waits for the process
      that restores it.
    directory: the directory in which this process saves; None if another
      process saves.
    hooks: see MonitoredTrainingSession().
    further_hooks: hooks that run after all others.

  Raises:
    CheckpointError, DataError, DivergedError, WriteError: see
      MonitoredTrainingSession(); without `directory`, nothing is saved.
  """
  with (
      _saving_hooks(run, directory, hooks, further_hooks)
      if directory
      else contextlib.nullcontext(
          _attached(run, [run.steps, *hooks, *further_hooks])
      ) as all_hooks,
      input_errors.as_data_errors(),
      tf.train.MonitoredSession(
          session_creator, all_hooks, stop_grace_period_secs=_STOP_GRACE_SECS
      ) as session,
      _making_steps(session, run) as training,
  ):
    yield training
  run.stop.unsaved = False
  if directory:
    _say_stopped(run)


@contextlib.contextmanager
def _saving_hooks(
    run: hooks_lib.Run,
    directory: train_dirs.TrainDir,
    hooks: Sequence[tf.train.SessionRunHook],
    further_hooks: Sequence[tf.train.SessionRunHook],
) -> Iterator[list[tf.train.SessionRunHook]]:
  """Context that yields all hooks of a process that saves, in their order.

  As in 2016, the hooks check, log, summarize and save a step, in this order.

  Raises:
    WriteError: no event file can be written.
  """
  directory.begin()
  run.directory = directory
  run.saver.saver_def.max_to_keep = run.config.keep_checkpoints
  run.checkpoint = hooks_lib.CheckpointSaverHook()
  with event_writer.EventWriter(
      directory.path, tf.get_default_graph()
  ) as run.writer:
    yield _attached(
        run,
        [
            run.steps,
            *hooks,
            hooks_lib.SummarySaverHook(),
            run.checkpoint,
            *further_hooks,
        ],
    )


def _attached(
    run: hooks_lib.Run, hooks: list[tf.train.SessionRunHook]
) -> list[tf.train.SessionRunHook]:
  """Attaches hooks to their run; returns them."""
  # Prevent StopAtStepHook from adding another op that reads the step.
  tf.add_to_collection(
      training_util.GLOBAL_STEP_READ_KEY, tf.train.get_global_step().value()
  )
  for hook in hooks:
    if isinstance(hook, hooks_lib.Hook):
      hook.run = run
  return hooks


@contextlib.contextmanager
def _making_steps(
    session: tf.train.MonitoredSession, run: hooks_lib.Run
) -> Iterator[TrainingSession]:
  """Context for a session's steps; saves if they fail or are interrupted."""
  try:
    try:
      yield TrainingSession(session, run)
    except tf.errors.OpError as e:
      # Prefer an error about a damaged file to TensorFlow's less specific
      # error.
      run.check_input()
      if not input_errors.is_input_error(e):
        raise
      # The session's exit would swallow an OutOfRangeError.  If another error
      # is the cause, the exit raises that error, which the coordinator keeps.
      raise errors.DataError(
          f'the images ended: {input_errors.cause(e)}'
      ) from e
  # An OSError means that a log line or a file cannot be written; a notebook's
  # stop button raises KeyboardInterrupt.
  except (errors.DataError, OSError, KeyboardInterrupt) as e:
    # After a request to stop, a KeyboardInterrupt is the user's second Ctrl-C.
    if not (isinstance(e, KeyboardInterrupt) and run.stop.requested):
      session.run_step_fn(lambda step_context: run.save(step_context.session))
    raise


def _say_stopped(run: hooks_lib.Run) -> None:
  """Tells the user how to resume if a signal ended training."""
  if run.stop.signum is not None:
    print(
        f'Stopped by {signal.Signals(run.stop.signum).name} after '
        f'{run.steps.after} steps, which are saved: the same command'
        f'{" without --fresh" if run.config.fresh else ""} resumes from there.',
        flush=True,
    )
