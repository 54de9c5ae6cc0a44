"""What keeps an evaluator going: where its event files are, and for what it waits.

As in 2016 their directory is /tmp/cifar10_eval for the checkpoints in
/tmp/cifar10_train.  Of checkpoints in another directory it is `eval` in there,
where TensorBoard shows it beside the training.
"""

from collections.abc import Iterator
import contextlib
import glob
import os
import re
import sys

from google.protobuf import message
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import files
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes

NAME = 'eval'
_PRECISION = 'Precision @ 1'

# Patterns of the names of the files that it writes there.
WRITTEN = (r'events\.out\.tfevents\..*', re.escape(notes.FILENAME))


class NoWriter:
  """Writes no events."""

  def add_summary(self, summary: tf.Summary, step: int) -> None:
    pass


def path(config: config_lib.Eval) -> str:
  """Returns the directory that an evaluator writes to, unless it writes nothing."""
  default = (
      config_lib.EVAL_DIR
      if config.checkpoint_dir == config_lib.TRAIN_DIR
      else os.path.join(config.checkpoint_dir, NAME)
  )
  return default if config.eval_dir is None else config.eval_dir


class _NewPoints(event_writer.EventWriter):
  """Leaves out a precision that a file in its directory has already.

  So it is where a program that evaluates once comes after another evaluator.
  """

  def __init__(self, directory: str, graph: tf.Graph) -> None:
    """Makes it: see EventWriter."""
    self._points = _points_in(directory)
    super().__init__(directory, graph)

  def add_summary(
      self, summary: tf.Summary, global_step: int | None = None
  ) -> None:
    points = _points_of(summary, global_step)
    if not points or points - self._points:
      self._points |= points
      super().add_summary(summary, global_step)


def _points_of(
    summary: tf.Summary, step: int | None
) -> set[tuple[int | None, float]]:
  return {
      (step, value.simple_value)
      for value in summary.value
      if value.tag == _PRECISION
  }


def _points_in(directory: str) -> set[tuple[int | None, float]]:
  """Returns the steps and precisions of the event files in a directory."""
  points = set()
  for path in glob.glob(
      os.path.join(glob.escape(directory), 'events.out.tfevents.*')
  ):
    # What cannot be read, or ends in half a record, has no further points.
    with contextlib.suppress(OSError, tf.errors.OpError, message.DecodeError):
      files.check_regular(path)
      for event in tf.train.summary_iterator(path):
        points |= _points_of(event.summary, event.step)
  return points


class Poll:
  """Tells which errors of an evaluation pass, and how long to wait then.

  Attributes:
    secs: number, how long to wait until the next attempt.
  """

  def __init__(
      self, config: config_lib.Eval, input_files: checks.CheckedFiles
  ) -> None:
    """Polls config.checkpoint_dir, which need not exist yet.

    Args:
      config: the evaluator's settings.
      input_files: the images, which may change in the days between two attempts.
    """
    self._config = config
    self._input_files = input_files
    self._told: set[str] = set()
    self._failed: str | None = None

  @contextlib.contextmanager
  def attempt(self) -> Iterator[None]:
    """Context for an evaluation of the newest checkpoint.

    Where no checkpoint is there yet, or it is still being copied, is damaged, or is
    removed while it is read, that is told once, and the next attempt will see.  A
    single evaluation is tried again only if there is a newer checkpoint by then.

    Raises:
      NoCheckpointError, CheckpointListError, CheckpointReadError,
        UnusableCheckpointError: of a single evaluation.
      DataError: the images changed.
    """
    self.secs = self._config.eval_interval_secs
    self._input_files.check()
    try:
      yield
      self._input_files.check()
      self._told.discard('list')  # Should it happen again, it is said again.
    except (errors.NoCheckpointError, errors.MissingListError):
      if self._config.run_once:
        raise
      self._tell_none()
    except errors.CheckpointListError as e:
      if self._config.run_once:
        raise
      self._tell('list', f'still waiting: {e}')
    except (
        errors.CheckpointReadError,
        errors.UnusableCheckpointError,
    ) as e:
      if self._config.run_once:
        # A trainer keeps its newest five, and removes an older one.
        if checkpoints.newest(self._config.checkpoint_dir).path == e.path:
          raise
      else:
        self._tell(e.path, f'not evaluated, still waiting: {e}')
      if self._config.run_once or e.path != self._failed:
        # It may have been removed for a newer one's sake.
        self._failed, self.secs = e.path, 0

  def _tell(self, what: str, message: str, *, to_stderr: bool = True) -> None:
    if what not in self._told:
      print(message, file=sys.stderr if to_stderr else sys.stdout, flush=True)
      self._told.add(what)

  @contextlib.contextmanager
  def event_writer(
      self, graph: tf.Graph, stop: signals.StopRequest
  ) -> Iterator[event_writer.EventWriter | NoWriter]:
    """Context that gives the writer of an evaluator's events.

    The published network, and checkpoints in a directory that cannot be written,
    have no event files unless --eval_dir is given.  Nor has an evaluator whose
    eval_dir another one writes to.  A checkpoint_dir in which it would be is waited
    for.

    Args:
      graph: is written too.
      stop: ends the waiting.

    Raises:
      UsageError: the directory cannot be written, or has the results of another
        data set or model.
      NoCheckpointError, CheckpointListError: there is nothing to evaluate, once.
      WriteError: no event file can be written.
    """
    config = self._config
    directory = path(config)
    if config.eval_dir is None and config.checkpoint_dir == published.DIRECTORY:
      yield NoWriter()
      return
    notes.check(directory, config, '--eval_dir')
    if config.run_once:
      checkpoints.newest(config.checkpoint_dir)  # Without one nothing is made.
    while directory == os.path.join(
        config.checkpoint_dir, NAME
    ) and not os.path.isdir(config.checkpoint_dir):
      self._tell_none()
      if stop.sleep(config.eval_interval_secs):
        yield NoWriter()
        return
    with contextlib.ExitStack() as stack:
      try:
        os.makedirs(directory, exist_ok=True)
        notes.write(directory, config)
      except OSError as e:
        if config.eval_dir is not None or directory == config_lib.EVAL_DIR:
          raise errors.UsageError(
              f'cannot write to eval_dir {directory} ({e.strerror}): choose '
              'another with --eval_dir'
          ) from e
        print(
            f'{directory} cannot be written ({e.strerror}): no event files are '
            'written; --eval_dir names another place for them.',
            flush=True,
        )
        yield NoWriter()
        return
      try:
        stack.enter_context(files.locked_directory(os.path.realpath(directory)))
      except BlockingIOError:
        print(
            f'Another evaluator writes to {directory}: this one writes no event '
            'files; --eval_dir names another place for them.',
            flush=True,
        )
        yield NoWriter()
        return
      except OSError:
        pass  # There are no locks: none can tell of another.
      yield stack.enter_context(_NewPoints(directory, graph))

  def _tell_none(self) -> None:
    self._tell(
        'none',
        f'Waiting for a first checkpoint in {self._config.checkpoint_dir}.',
        to_stderr=False,
    )
