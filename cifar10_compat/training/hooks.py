"""What happens around each training step, as hooks of a MonitoredSession.

TensorFlow's own hooks count from where a run resumed (1234, 2234), stamp
summaries 1, 101, 201, and rewrite a checkpoint that was just restored; these
keep to the steps of 2016, after a resume too.

"Step" is the global step before the update in the log and the summaries, as in
2016; model.ckpt-N holds N updates.
"""

from datetime import datetime
import os
import time

import numpy as np
import rich.progress
import tensorflow.compat.v1 as tf
from tensorflow.python.client import timeline

from cifar10_compat.base import errors
from cifar10_compat.base import input_errors
from cifar10_compat.base import progress
from cifar10_compat.training import checkpoints

# How often summaries are written, as in 2016.
SUMMARY_STEPS = 100


class StepHook(tf.train.SessionRunHook):
  """Tells the other hooks the global step; comes first.

  Attributes:
    before: int, the global step before the newest run.
    after: int, after it; both are the restored step before the first run.
    replayed: int, how many steps' batches have been discarded before the first
      run: see replay.ReplayHook.
  """

  def __init__(self, others_count=False):
    """Counts steps from the one that the session has at its start.

    Args:
      others_count: bool, other processes increment the global step as well, so
        that it must be read after each run.
    """
    self._others_count = others_count
    self.replayed = 0

  def begin(self):
    self._global_step = tf.train.get_global_step()

  def after_create_session(self, session, coord):
    self.before = self.after = int(session.run(self._global_step))
    self._last_before = self.before - 1

  def after_run(self, run_context, run_values):
    self._before_that, self.before = self._last_before, self.after
    self._last_before = self.before
    if self._others_count:
      self.after = int(run_context.session.run(self._global_step))
    else:
      self.after += 1

  def refresh(self, session):
    """Reads the global step anew, where others may have made steps meanwhile.

    Args:
      session: tf.Session.
    """
    if self._others_count:
      self.after = int(session.run(self._global_step))

  def reached_multiple_of(self, n):
    """Whether the newest run began at a multiple of n, or was the first beyond.

    Where several workers count, each sees only some of the steps.
    """
    return self.before // n > self._before_that // n


def _diverged(what, step):
  return errors.DivergedError(
      'Model diverged: %s at step %d. No checkpoint holds it: start again from '
      'the last one, with a lower learning rate or other data' % (what, step)
  )


class NanHook(tf.train.SessionRunHook):
  """Raises DivergedError for a loss that is not finite; comes before a save.

  Attributes:
    loss: float, the newest total loss, or None before the first run.
  """

  def __init__(self, loss, steps):
    """Watches a loss and, to name the one that went bad first, its parts.

    Args:
      loss: float32 tensor of shape [].
      steps: StepHook.
    """
    parts = tf.get_collection('losses')
    self._losses = {l.op.name: l for l in parts + [loss]}
    self._name = loss.op.name
    self._steps = steps
    self.loss = None

  def before_run(self, run_context):
    return tf.train.SessionRunArgs(self._losses)

  def after_run(self, run_context, run_values):
    for name, value in run_values.results.items():
      if not np.isfinite(value):
        raise _diverged('%s = %s' % (name, value), self._steps.before)
    self.loss = float(run_values.results[self._name])


class LoggerHook(tf.train.SessionRunHook):
  """Prints the line of 2016, every 10 steps."""

  def __init__(
      self, loss, steps, *, batch_size, num_towers=1, every_n_steps=10
  ):
    """Logs a loss and the speed.

    Args:
      loss: float32 tensor of shape [].
      steps: StepHook.
      batch_size: int, images in a tower's batch.
      num_towers: int.  As in 2016 the printed time is that of a run divided
        by it, the printed speed counts every tower's images.
      every_n_steps: int.
    """
    self._loss = loss
    self._steps = steps
    self._batch_size = batch_size
    self._num_towers = num_towers
    self._every_n_steps = every_n_steps

  def before_run(self, run_context):
    self._start_time = time.perf_counter()
    return tf.train.SessionRunArgs(self._loss)

  def after_run(self, run_context, run_values):
    duration = time.perf_counter() - self._start_time
    if self._steps.reached_multiple_of(self._every_n_steps):
      examples_per_sec = self._batch_size * self._num_towers / duration
      sec_per_batch = duration / self._num_towers
      print(
          '%s: step %d, loss = %.2f (%.1f examples/sec; %.3f sec/batch)'
          % (
              datetime.now(),
              self._steps.before,
              run_values.results,
              examples_per_sec,
              sec_per_batch,
          ),
          flush=True,
      )


class SummaryHook(tf.train.SessionRunHook):
  """Writes all summaries every 100 steps, from a run of their own as in 2016.

  That run draws a further batch and sees the weights after the update.  A
  histogram of values that are not finite raises DivergedError.
  """

  def __init__(
      self,
      writer,
      summary_op,
      *,
      directory,
      steps,
      every_n_steps=SUMMARY_STEPS,
      make_feed_dict=lambda: None,
  ):
    """Writes merged summaries.

    Args:
      writer: event_writer.EventWriter.
      summary_op: string tensor of shape [], a serialized Summary.
      directory: train_dirs.TrainDir that it writes into.
      steps: StepHook.
      every_n_steps: int.
      make_feed_dict: function that returns the feed_dict for that run.
    """
    self._writer = writer
    self._summary_op = summary_op
    self._directory = directory
    self._steps = steps
    self._every_n_steps = every_n_steps
    self._make_feed_dict = make_feed_dict

  def after_create_session(self, session, coord):
    if self._steps.after:
      # TensorBoard then drops what a killed run wrote beyond its checkpoint.
      self._writer.add_session_log(
          tf.SessionLog(status=tf.SessionLog.START), self._steps.after
      )

  def after_run(self, run_context, run_values):
    if self._steps.reached_multiple_of(self._every_n_steps):
      self._directory.check_in_place()
      self._writer.add_summary(
          self._summary(run_context.session), self._steps.before
      )

  def _summary(self, session):
    try:
      return session.run(self._summary_op, self._make_feed_dict())
    except tf.errors.InvalidArgumentError as e:
      # A loss can be finite though a weight is not: max(0, NaN) may be 0.
      if e.op is None or e.op.type != 'HistogramSummary':
        raise
      tag = tf.get_static_value(e.op.inputs[0]).item().decode()
      raise _diverged('%s is not finite' % tag, self._steps.before) from e


class CheckpointHook(tf.train.SessionRunHook):
  """Saves at step 0, at every multiple of 1,000 and at the last step."""

  def __init__(self, saver, directory, *, steps, every_n_steps=1000):
    """Saves into model.ckpt-STEP.

    Args:
      saver: tf.train.Saver.
      directory: train_dirs.TrainDir, whose newest checkpoint the session will
        restore.  It is not written a second time.
      steps: StepHook.
      every_n_steps: int.

    Raises:
      CheckpointError: the default graph cannot restore the newest checkpoint.
    """
    newest = directory.newest
    if newest:
      _check_restorable(newest)
    self._saver = saver
    self._directory = directory
    self._path = os.path.join(directory.path, checkpoints.BASENAME)
    self._steps = steps
    self._every_n_steps = every_n_steps
    self._saved = checkpoints.step_of(newest) if newest else None

  def begin(self):
    self._floats = {
        v.op.name: v
        for v in tf.global_variables()
        if v.dtype.base_dtype.is_floating
    }

  def after_create_session(self, session, coord):
    if self._saved is None:
      self._save(session)

  def after_run(self, run_context, run_values):
    # A multiple may be jumped over where several workers count.
    if self._steps.after // self._every_n_steps > (
        self._saved // self._every_n_steps
    ):
      self._save(run_context.session)

  def end(self, session):
    """Saves the last step unless that is done; needs an open session."""
    if self._steps.after != self._saved:
      self._save(session)

  def _save(self, session):
    # A loss can be finite while the update it led to is not.
    for name, value in session.run(self._floats).items():
      if not np.all(np.isfinite(value)):
        raise _diverged('%s is not finite' % name, self._steps.after)
    self._directory.check_in_place()
    try:
      self._saver.save(session, self._path, global_step=self._steps.after)
    # A session recovers from these two.
    except (tf.errors.AbortedError, tf.errors.UnavailableError):
      raise
    except (tf.errors.OpError, OSError) as e:
      raise errors.WriteError(
          'cannot save step %d as %s-%d (%s): the checkpoints before it are '
          'whole; make room, or let it be written there, and start again to go '
          'on from the newest'
          % (
              self._steps.after,
              self._path,
              self._steps.after,
              input_errors.cause(e)
              if isinstance(e, tf.errors.OpError)
              else e.strerror or e,
          )
      ) from e
    self._saved = self._steps.after


class InputHook(tf.train.SessionRunHook):
  """Fills the shuffling queues before the first step, and watches the files.

  While the queues fill it polls their sizes and shows the progress: a step that
  waits for a queue would not notice a signal.  It comes last, so that the other
  hooks have seen a step after which it finds the files damaged.
  """

  def __init__(self, check_input, stop):
    """Takes care of every RandomShuffleQueue in the default graph.

    Args:
      check_input: function that raises an error if the input is damaged; it is
        called while the queues fill and after every step.
      stop: signals.StopRequest; once requested, no step is made.
    """
    self._check_input = check_input
    self._stop = stop

  def begin(self):
    # The ops that tell the sizes are there already, for the summaries.
    sizes = [
        op
        for op in tf.get_default_graph().get_operations()
        if op.type == 'QueueSizeV2'
        and op.inputs[0].op.type == 'RandomShuffleQueueV2'
    ]
    self._sizes = [op.outputs[0] for op in sizes]
    self._targets = [
        op.inputs[0].op.get_attr('min_after_dequeue') for op in sizes
    ]

  def after_create_session(self, session, coord):
    total = sum(self._targets)
    print(
        'Filling queue with %d CIFAR images before starting to train.' % total,
        flush=True,
    )
    with progress.bar(
        rich.progress.MofNCompleteColumn(), transient=True
    ) as bar:
      task = bar.add_task('Filling queue', total=total)
      while not coord.wait_for_stop(0.1):
        try:
          self._check_input()
        except errors.Cifar10Error as e:
          coord.request_stop(e)  # The threads end, then the session raises it.
          break
        sizes = session.run(self._sizes)
        bar.update(task, completed=sum(map(min, sizes, self._targets)))
        if all(s >= t for s, t in zip(sizes, self._targets)):
          return
        if self._stop.requested:
          coord.request_stop()

  def after_run(self, run_context, run_values):
    self._check_input()


class ProfileHook(tf.train.SessionRunHook):
  """Writes what each op of given steps took, for Chrome's trace viewer.

  A traced step takes longer than others.
  """

  def __init__(self, train_dir, steps, profile_steps):
    """Writes train_dir/timeline-STEP.json.

    Args:
      train_dir: str, exists.
      steps: StepHook.
      profile_steps: ints, the global steps before the runs to trace.
    """
    self._path = os.path.join(train_dir, 'timeline-%d.json')
    self._steps = steps
    self._profile_steps = frozenset(profile_steps)

  def before_run(self, run_context):
    if self._steps.after in self._profile_steps:
      return tf.train.SessionRunArgs(
          None, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
      )

  def after_run(self, run_context, run_values):
    if self._steps.before in self._profile_steps:
      trace = timeline.Timeline(run_values.run_metadata.step_stats)
      path = self._path % self._steps.before
      try:
        with open(path, 'w') as f:
          f.write(trace.generate_chrome_trace_format())
      except OSError as e:
        raise errors.WriteError(
            'cannot write %s (%s): make room there, or leave --profile_steps out'
            % (path, e.strerror)
        ) from e


class StopHook(tf.train.SessionRunHook):
  """Ends training after the last step, or when a signal asked for it."""

  def __init__(self, steps, max_steps, stop):
    """Ends training.

    Args:
      steps: StepHook.
      max_steps: int, the global step at which to end.
      stop: signals.StopRequest.
    """
    self._steps = steps
    self._max_steps = max_steps
    self._stop = stop

  def after_run(self, run_context, run_values):
    if self._stop.requested or self._steps.after >= self._max_steps:
      run_context.request_stop()


def _check_restorable(path):
  """Raises CheckpointError if the default graph cannot restore a checkpoint."""
  remedy = (
      'it is of another model; choose another --model or --train_dir, or '
      'start from step 0 in this one with --fresh'
  )
  try:
    checkpoints.check(
        path, {v.op.name: v for v in tf.global_variables()}, remedy
    )
  except tf.errors.NotFoundError as e:
    raise errors.CheckpointError(
        '%s names %s, which is not there: let it name one that is, or start '
        'from step 0 with --fresh'
        % (os.path.join(os.path.dirname(path), 'checkpoint'), path)
    ) from e
