"""Writes an evaluator's event files, and waits for checkpoints.

As in 2016, the event files for checkpoints in /tmp/cifar10_train go to
/tmp/cifar10_eval.  For checkpoints in another directory, the event files go to
that directory's subdirectory `eval`, where TensorBoard shows them beside the
training run.
"""

from collections.abc import Iterator
import contextlib
import glob
import os
import re
import sys
from typing import TextIO

from google.protobuf import message
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import notes

NAME = 'eval'
_PRECISION = 'Precision @ 1'

# Patterns that match the names of an evaluator's files in its directory.
WRITTEN = (r'events\.out\.tfevents\..*', re.escape(notes.FILENAME))


class NoWriter:
  """An event writer that discards all events."""

  def add_summary(
      self, summary: tf.Summary, global_step: int | None = None
  ) -> None:
    pass


def path(config: config_lib.Eval) -> str:
  """Returns the directory of an evaluator's event files, if it writes any."""
  default = (
      config_lib.EVAL_DIR
      if config.checkpoint_dir == config_lib.TRAIN_DIR
      else os.path.join(config.checkpoint_dir, NAME)
  )
  return default if config.eval_dir is None else config.eval_dir


class _NewPoints(event_writer.EventWriter):
  """An EventWriter that drops precisions already in the event files.

  Otherwise a --run_once evaluation after another evaluator would write a
  precision twice.
  """

  def __init__(self, directory: str, graph: tf.Graph) -> None:
    """Opens the event file: see EventWriter."""
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
    # Ignore unreadable files, and the rest of a file with an incomplete record.
    with contextlib.suppress(OSError, tf.errors.OpError, message.DecodeError):
      files.check_regular(path)
      for event in tf.train.summary_iterator(path):
        points |= _points_of(event.summary, event.step)
  return points


class Poll:
  """Reports failed evaluations, and sets the time until the next attempt.

  Attributes:
    secs: number of seconds to wait until the next attempt.
  """

  def __init__(
      self, config: config_lib.Eval, input_files: checks.CheckedFiles
  ) -> None:
    """Prepares to poll config.checkpoint_dir, which need not exist yet.

    Args:
      config: the evaluator's settings.
      input_files: the images, which may change between attempts.
    """
    self._config = config
    self._input_files = input_files
    self._told: set[str] = set()
    self._failed: str | None = None

  @contextlib.contextmanager
  def attempt(self) -> Iterator[None]:
    """Context for an evaluation of the newest checkpoint.

    If the newest checkpoint is missing, still being copied, damaged, or removed
    while it is read, the evaluator reports this once and waits for the next
    attempt.  With --run_once, the evaluator tries again only if there is a
    newer checkpoint.

    Raises:
      NoCheckpointError, CheckpointListError, CheckpointReadError,
        UnusableCheckpointError: with --run_once, the evaluation failed.
      DataError: the images changed.
    """
    self.secs = self._config.eval_interval_secs
    self._input_files.check()
    try:
      yield
      self._input_files.check()
      self._told.discard('list')  # Report the next failure again.
    except (errors.NoCheckpointError, errors.MissingListError):
      if self._config.run_once:
        raise
      self._tell(
          'none',
          'Waiting for the first checkpoint in '
          f'{self._config.checkpoint_dir}.',
      )
    except errors.CheckpointListError as e:
      if self._config.run_once:
        raise
      self._tell('list', f'still waiting: {e}', sys.stderr)
    except (
        errors.CheckpointReadError,
        errors.UnusableCheckpointError,
    ) as e:
      if self._config.run_once:
        # The checkpoint may be removed soon: a trainer keeps only its newest
        # five.
        if checkpoint_list.newest(self._config.checkpoint_dir).path == e.path:
          raise
      else:
        self._tell(e.path, f'not evaluated, still waiting: {e}', sys.stderr)
      if self._config.run_once or e.path != self._failed:
        # Try again: the trainer may have removed the checkpoint after saving a
        # newer one.
        self._failed, self.secs = e.path, 0

  def _tell(self, what: str, message: str, file: TextIO | None = None) -> None:
    if what not in self._told:
      output.say(message, file)
      self._told.add(what)

  @contextlib.contextmanager
  def event_writer(
      self, graph: tf.Graph, stop: signals.StopRequest
  ) -> Iterator[event_writer.EventWriter | NoWriter]:
    """Context that provides the writer of an evaluator's events.

    Writes nothing until a checkpoint fits the graph, so that eval_dir never
    contains results of a network that no evaluation accepts.  By default no
    event files are written for the published network, for checkpoints in a
    read-only directory, or while another evaluator writes to eval_dir.

    Args:
      graph: the graph of the network; it is also written to the event file.
      stop: request that ends the wait.

    Raises:
      UsageError: the directory cannot be written, or contains the results of
        another data set or model.
      CheckpointError: the checkpoint does not fit the graph; or, with
        --run_once, no checkpoint is usable.
      DataError: the images changed.
      WriteError: no event file can be written.
    """
    config = self._config
    directory = path(config)
    if config.eval_dir is None and config.checkpoint_dir == published.DIRECTORY:
      yield NoWriter()
      return
    notes.check(directory, config, '--eval_dir')
    while True:
      with self.attempt(), graph.as_default():
        checkpoint_list.newest(config.checkpoint_dir).check(config)
        break
      if stop.sleep(self.secs):
        yield NoWriter()
        return
    with contextlib.ExitStack() as stack:
      try:
        stack.enter_context(files.made_directory(directory))
        files.check_owner(directory)
        # In a train_dir, the trainer's metadata file also records the trainer's
        # settings.
        if not os.path.exists(os.path.join(directory, notes.FILENAME)):
          notes.write(directory, config)
      except OSError as e:
        if config.eval_dir is not None or directory == config_lib.EVAL_DIR:
          raise errors.UsageError(
              f'cannot write to eval_dir {directory} ({e.strerror}): choose '
              'another with --eval_dir'
          ) from e
        output.say(
            f'{directory} cannot be written ({e.strerror}): no event files are '
            'written; choose another directory with --eval_dir.'
        )
        yield NoWriter()
        return
      try:
        stack.enter_context(files.locked_directory(os.path.realpath(directory)))
      except BlockingIOError:
        output.say(
            f'Another evaluator writes to {directory}, so this evaluator '
            'writes no event files; choose another directory with --eval_dir.'
        )
        yield NoWriter()
        return
      except OSError:
        pass  # Without locks, another evaluator cannot be detected.
      yield stack.enter_context(_NewPoints(directory, graph))
