"""What trainers share: their directory, and the loop around a train op."""

import contextlib
import glob
import os
import signal

import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import errors
from cifar10_compat import hooks
from cifar10_compat import models
from cifar10_compat import signals

# How long a session's end waits for its threads, which end with it at last.
_STOP_GRACE_SECS = 10


def prepare_train_dir(train_dir, dataset, model=models.CIFAR10, fresh=False):
  """Makes or checks the directory of a training run.

  Args:
    train_dir: str, need not exist.
    dataset: datasets.Dataset.
    model: models.Model.
    fresh: bool, remove the checkpoints and event files of an earlier run.  No
      other file is touched.

  Raises:
    UsageError: it cannot be written, or is of a run on another data set or of
      another model.
  """
  try:
    os.makedirs(train_dir, exist_ok=True)
    if fresh:
      for pattern in ('checkpoint', checkpoints.BASENAME + '-*',
                      'events.out.tfevents.*', checkpoints.DESCRIPTION):
        for path in glob.glob(os.path.join(glob.escape(train_dir), pattern)):
          os.remove(path)
    checkpoints.check_description(train_dir, dataset, model)
    # Written again where it stands: the test whether we may.
    checkpoints.describe(train_dir, dataset, model)
  except OSError as e:
    raise errors.UsageError('cannot write to train_dir %s (%s): choose another '
                            'with --train_dir' % (train_dir, e.strerror)) from e


def finished_step(train_dir, max_steps):
  """Tells the user if no step is left to train.

  Args:
    train_dir: str, need not exist.
    max_steps: int, the global step at which to end.

  Returns:
    int, the step of the newest checkpoint if none is left, else None.
  """
  path = checkpoints.latest(train_dir)
  if not path or checkpoints.step_of(path) < max_steps:
    return None
  print('%s holds step %d already, --max_steps is %d: nothing to train.' %
        (train_dir, checkpoints.step_of(path), max_steps), flush=True)
  return checkpoints.step_of(path)


def run(train_op, loss, train_dir, max_steps, batch_size, saver, summary_op,
        check_input, num_towers=1, config=None, stop=None, make_hooks=None,
        make_session_creator=None, local_input=None, profile_steps=()):
  """Trains the default graph, from where train_dir's newest checkpoint stands.

  Args:
    train_op: Operation that makes one update and counts it in the graph's
      global step, an integer variable.
    loss: float32 tensor of shape [].
    train_dir: str, from prepare_train_dir().
    max_steps: int, the global step at which to end.
    batch_size: int, images in a tower's batch.
    saver: tf.train.Saver of all variables.
    summary_op: string tensor of shape [], a serialized Summary.
    check_input: function that raises DataError if the images are damaged.
    num_towers: int.
    config: tf.ConfigProto or None.
    stop: signals.StopRequest, ends training after the step at hand.
    make_hooks: function of the hooks.StepHook and the hooks.CheckpointHook that
      returns further hooks, or None.
    make_session_creator: function of a tf.train.Scaffold that returns a
      tf.train.SessionCreator, for a session that is not of this process alone.
    local_input: local_input.LocalInput that feeds the graph, which then has no
      queues, or None.
    profile_steps: ints, the steps to trace: see hooks.ProfileHook.

  Returns:
    (int, float): the global step reached and the last step's loss, None if no
    step was made.

  Raises:
    CheckpointError: the newest checkpoint is damaged or of another model.
    DataError: the input failed; its first cause is told.  The last step is
      saved.
    DivergedError: a loss or a variable is not finite.
  """
  stop = stop or signals.StopRequest()
  restored = checkpoints.latest(train_dir)
  if restored:
    _check_restorable(restored)

  steps = hooks.StepHook()
  nan = hooks.NanHook(loss, steps)
  checkpoint = hooks.CheckpointHook(saver, train_dir, steps)
  source = local_input or hooks.QueueFillHook(stop, check_input)
  writer = tf.summary.FileWriter(train_dir, tf.get_default_graph())
  # In the order of 2016: check, log, summarise, save.
  all_hooks = [
      steps,
      nan,
      hooks.LoggerHook(loss, steps, batch_size, num_towers),
      hooks.SummaryHook(writer, summary_op, steps, make_feed_dict=(
          (lambda: local_input.feed_dict(with_summary=True))
          if local_input else (lambda: None))),
      checkpoint,
      hooks.StopHook(steps, max_steps, stop),
      hooks.ProfileHook(train_dir, steps, profile_steps),
      source,
  ] + (make_hooks(steps, checkpoint) if make_hooks else []) + [
      # Last, so that what it raises finds the other hooks done.
      hooks.InputHook(check_input),
  ]
  scaffold = tf.train.Scaffold(saver=saver, summary_op=summary_op)
  with contextlib.closing(writer), input_errors_as_data_errors():
    with (tf.train.MonitoredSession(
        make_session_creator(scaffold), all_hooks,
        stop_grace_period_secs=_STOP_GRACE_SECS)
          if make_session_creator else tf.train.MonitoredTrainingSession(
              checkpoint_dir=train_dir,
              scaffold=scaffold,
              hooks=all_hooks,
              save_checkpoint_secs=None,
              save_checkpoint_steps=None,
              save_summaries_secs=None,
              save_summaries_steps=None,
              log_step_count_steps=None,
              stop_grace_period_secs=_STOP_GRACE_SECS,
              config=config)) as session:
      _loop(session, train_op, steps, max_steps,
            lambda: checkpoint.end(source.session))

  if stop.requested:
    print('Stopped by %s after %d steps, which are saved: the same command '
          'goes on from there.' %
          (signal.Signals(stop.signum).name, steps.after), flush=True)
  return steps.after, nan.loss


def run_beside_chief(train_op, loss, max_steps, batch_size, check_input,
                     session_creator, make_hooks, local_input, stop):
  """Trains the default graph, whose variables another process looks after.

  Args:
    train_op, loss, max_steps, batch_size, check_input: see run().
    session_creator: tf.train.SessionCreator that waits for the other process.
    make_hooks: function of the hooks.StepHook that returns further hooks.
    local_input: local_input.LocalInput that feeds the graph.
    stop: signals.StopRequest, ends training after the step at hand.

  Returns:
    (int, float): as run().

  Raises:
    DataError, DivergedError: as run(), but for the saving.
  """
  steps = hooks.StepHook()
  nan = hooks.NanHook(loss, steps)
  with input_errors_as_data_errors():
    with tf.train.MonitoredSession(
        session_creator,
        hooks=[
            steps,
            nan,
            hooks.LoggerHook(loss, steps, batch_size),
            hooks.StopHook(steps, max_steps, stop),
            local_input,
        ] + make_hooks(steps) + [hooks.InputHook(check_input)],
        stop_grace_period_secs=_STOP_GRACE_SECS) as session:
      _loop(session, train_op, steps, max_steps, lambda: None)
  return steps.after, nan.loss


def _loop(session, train_op, steps, max_steps, save):
  """Makes steps until a hook ends it; if the input fails, saves and raises."""
  try:
    # A finished directory restores its last step, and no step is left.
    while not _should_stop(session) and steps.after < max_steps:
      session.run(train_op)
  except errors.DataError:
    save()
    raise
  except tf.errors.OpError as e:
    if not _is_input_error(e):
      raise
    save()
    # The session's exit would swallow an OutOfRangeError.  Should another
    # error be its cause, that exit raises the cause, from the coordinator.
    raise errors.DataError('the images ended: %s' %
                           e.message.splitlines()[0]) from e


def _should_stop(session):
  """Asks a MonitoredSession; what its run() recovers from is no reason to."""
  try:
    return session.should_stop()
  except (tf.errors.AbortedError, tf.errors.UnavailableError):
    # A thread met it between the session's own two looks.
    return False


def _check_restorable(path):
  """Raises CheckpointError if the default graph cannot restore a checkpoint."""
  remedy = ('it is of another model; choose another --model or --train_dir, or '
            '--fresh to start anew in this one')
  try:
    checkpoints.check(path, {v.op.name: v for v in tf.global_variables()},
                      remedy)
  except tf.errors.NotFoundError as e:
    raise errors.CheckpointError(
        '%s names %s, which is not there: let it name one that is, or --fresh '
        'to start anew' %
        (os.path.join(os.path.dirname(path), 'checkpoint'), path)) from e


@contextlib.contextmanager
def input_errors_as_data_errors():
  """Context that turns TensorFlow's errors about the images into DataError."""
  try:
    yield
  except tf.errors.OpError as e:
    if not _is_input_error(e):
      raise
    raise errors.DataError('reading the images failed: %s' %
                           e.message.splitlines()[0]) from e


def _is_input_error(error):
  """Whether an OpError comes from a reader or from a queue that ran dry."""
  return (isinstance(error, tf.errors.OutOfRangeError) or
          'ReaderRead' in error.message)
