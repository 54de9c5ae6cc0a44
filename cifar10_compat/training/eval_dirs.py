"""The directory of an evaluator's event files.

As in 2016 it is /tmp/cifar10_eval for the checkpoints in /tmp/cifar10_train.  Of
checkpoints in another directory it is `eval` in there, where TensorBoard shows it
beside the training.
"""

import contextlib
import glob
import os

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes

_NAME = 'eval'
_EVENT_FILES = 'events.out.tfevents.*'


class NoWriter:
  """Writes no events."""

  def add_summary(self, summary: tf.Summary, step: int) -> None:
    pass


def path(config: config_lib.Eval) -> str:
  """Returns the directory that an evaluator writes to, unless it writes nothing."""
  if config.eval_dir is not None:
    return config.eval_dir
  if config.checkpoint_dir == config_lib.TRAIN_DIR:
    return config_lib.EVAL_DIR
  return os.path.join(config.checkpoint_dir, _NAME)


def event_writer_of(
    config: config_lib.Eval, graph: tf.Graph
) -> contextlib.AbstractContextManager[event_writer.EventWriter | NoWriter]:
  """Returns a context that gives the writer of an evaluator's events.

  The published network, and checkpoints in a directory that cannot be written,
  have no event files unless --eval_dir is given.

  Raises:
    UsageError: the directory cannot be written, or has the results of another
      data set or model.
    NoCheckpointError, CheckpointListError: there is nothing to evaluate, once.
    WriteError: no event file can be written.
  """
  directory = path(config)
  if config.eval_dir is None and config.checkpoint_dir == published.DIRECTORY:
    return contextlib.nullcontext(NoWriter())
  notes.check(directory, config, '--eval_dir')
  if config.run_once:
    checkpoints.newest(config.checkpoint_dir)  # Without one nothing is made.
  try:
    os.makedirs(directory, exist_ok=True)
    notes.write(directory, config)
  except OSError as e:
    if config.eval_dir is None and directory != config_lib.EVAL_DIR:
      print(
          f'{directory} cannot be written ({e.strerror}): no event files are written; '
          '--eval_dir names another place for them.',
          flush=True,
      )
      return contextlib.nullcontext(NoWriter())
    raise errors.UsageError(
        f'cannot write to eval_dir {directory} ({e.strerror}): choose another '
        'with --eval_dir'
    ) from e
  return event_writer.EventWriter(directory, graph)


def remove_results(train_dir: str) -> None:
  """Removes what an evaluator wrote into a trainer's directory by default.

  Raises:
    OSError: a file cannot be removed.
  """
  directory = glob.escape(os.path.join(train_dir, _NAME))
  for pattern in (_EVENT_FILES, notes.FILENAME):
    for file in glob.glob(os.path.join(directory, pattern)):
      os.remove(file)
