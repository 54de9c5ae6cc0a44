"""The directory of a training run: locks and prepares it."""

from collections.abc import Iterator
import contextlib
import dataclasses
import errno
import fcntl
import os
import re
import socket

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints
from cifar10_compat.training import evaluation
from cifar10_compat.training import history
from cifar10_compat.training import notes
from cifar10_compat.training import resuming

# The trainer's lock file.  When the process ends, the file remains, but the
# kernel releases the lock.
_LOCK = 'train.lock'
# Maximum number of bytes to read from the lock file, which names the lock's
# holder.
_MAX_HOLDER = 200

# The files of a checkpoint.  In the format of 2016, the file that contains the
# values has no extension.
_OF_CHECKPOINT = (
    rf'{checkpoints.BASENAME}-\d+(\.index|\.meta|\.data-\d{{5}}-of-\d{{5}})?'
)
# Incomplete files of a killed process: TensorFlow and files.replace() write a
# file under such a temporary name, then rename it.
_UNFINISHED = (
    rf'{_OF_CHECKPOINT}\.tempstate\d+',
    rf'({_OF_CHECKPOINT}|{checkpoints.LIST}|{re.escape(notes.FILENAME)}|'
    r'timeline-\d+\.json)\.tmp[0-9a-f]{32}',
)
# Files that --fresh removes.
_WRITTEN = (
    checkpoints.LIST,
    _OF_CHECKPOINT,
    *evaluation.WRITTEN,
    *_UNFINISHED,
)


@dataclasses.dataclass
class TrainDir:
  """A directory in which only this process trains.

  Attributes:
    path: the path of the directory.
    newest: the checkpoint to resume from, or None.
  """

  path: str
  newest: checkpoints.Checkpoint | None
  _config: config_lib.Training
  _now: notes.Settings
  # Why `newest` is not the listed checkpoint; '' if it is.
  _trouble: str
  # On exit, removes the lock file unless begin() was called.
  _unbegun: contextlib.ExitStack

  def __post_init__(self) -> None:
    self._identity = files.identity(self.path)

  def check_in_place(self) -> None:
    """Checks that the path still refers to the opened directory.

    Raises:
      WriteError: the directory has been removed or renamed.
    """
    if files.identity(self.path) != self._identity:
      raise errors.WriteError(
          f'{self.path} is no longer the directory in which training began: it '
          'was removed or renamed, and the steps since the last checkpoint are '
          'not saved; start again with --train_dir set to the new path'
      )

  def resuming_saver(self, saver: tf.train.Saver) -> tf.train.Saver:
    """Returns a saver that restores the newest checkpoint, if there is one.

    Args:
      saver: a saver of all variables of the default graph.

    Raises:
      CheckpointError: the checkpoint belongs to another model.
    """
    if not self.newest:
      return saver
    return resuming.saver_of(self.newest, saver)

  def begin(self) -> None:
    """Prepares the directory for training, after all checks.

    Removes files that a killed process left incomplete; with config.fresh, also
    removes the checkpoints and event files of an earlier run and its evaluator.
    All other files are kept.  If the listed checkpoint is unusable, the
    newest usable checkpoint replaces it in the list, and a line with the names
    of both is printed.  Records the learning rate and other settings with their
    first step, and prints a line if a setting changed.

    Raises:
      UsageError: the directory cannot be written.
    """
    named = os.path.join(self.path, checkpoints.LIST)
    errors.UsageError.raise_if(
        os.path.isdir(named),
        f'cannot write to train_dir {self.path} ({named} is a directory): move '
        'it away, or choose another with --train_dir',
    )
    self._unbegun.pop_all()
    with _as_usage_errors(self.path):
      files.remove(self.path, _WRITTEN if self._config.fresh else _UNFINISHED)
      eval_dir = _eval_dir(self.path)
      # A link may lead to the directory of another run's evaluator.
      if self._config.fresh and not os.path.islink(eval_dir):
        files.remove(eval_dir, evaluation.WRITTEN)
      if self.newest:
        if self._trouble:
          output.say(f'{self._trouble}: resuming from {self.newest.path}.')
        checkpoint_list.write(
            self.path, self.newest, self._config.keep_checkpoints
        )
      step = self.newest.step if self.newest else None
      history.record(self.path, step, self._config, self._now)


@contextlib.contextmanager
def opened(
    config: config_lib.Training, images: str | None = None
) -> Iterator[TrainDir]:
  """Context in which only this process trains in config.train_dir.

  Until begin(), the directory is unchanged.  If begin() is never called, the
  context removes a directory and lock file that it created.

  Args:
    config: the trainer's settings.
    images: CheckedFiles.fingerprint of the training images, if known.

  Raises:
    UsageError: the directory cannot be written, is in use by another process,
      or belongs to a run with another data set or model; or a deterministic run
      would not be reproducible.
    CheckpointError: the directory contains only unusable checkpoints.
  """
  path = config.train_dir
  now = notes.settings_of(config, images)
  with contextlib.ExitStack() as stack:
    with _as_usage_errors(path):
      stack.enter_context(files.made_directory(path))
      files.check_owner(path)
      lock = stack.enter_context(_locked(path))
      unbegun = stack.enter_context(contextlib.ExitStack())
      if lock:
        unbegun.callback(_remove_if_possible, lock)
      newest, trouble = None, ''
      if config.fresh:
        # Both calls raise an error if dataset.json is a user's file.
        notes.read(path)
        notes.read(_eval_dir(path))
      else:
        notes.check(path, config, '--train_dir')
        newest, trouble = checkpoint_list.usable(path)
        if config.deterministic and newest:
          history.check_repeats(path, newest.step, now)
    yield TrainDir(path, newest, config, now, trouble, unbegun)


@contextlib.contextmanager
def _as_usage_errors(path: str) -> Iterator[None]:
  """Context that turns an OSError into a UsageError about train_dir."""
  try:
    yield
  except OSError as e:
    if output.is_lost(e):
      raise
    what = f'{e.filename}: ' if e.filename not in (None, path) else ''
    raise errors.UsageError(
        f'cannot write to train_dir {path} ({what}{e.strerror}): choose '
        'another with --train_dir'
    ) from e


def _eval_dir(path: str) -> str:
  """Returns the default directory of a run's evaluator."""
  return evaluation.path(config_lib.Eval(checkpoint_dir=path))


def _remove_if_possible(lock: str) -> None:
  with contextlib.suppress(OSError):
    os.remove(lock)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[str | None]:
  """Context that locks a directory; yields the lock file's path if it is new.

  Raises:
    UsageError: another process has locked the directory, or the lock file has
      another hard link.
    OSError: the lock file cannot be created.
  """
  name = os.path.join(path, _LOCK)
  while True:
    made = not os.path.lexists(name)
    # Do not truncate the file, which names the lock's holder.
    try:
      opened_lock = files.open_own(name)
    except OSError as e:
      if e.errno != errno.EMLINK:
        raise
      raise errors.UsageError(
          f'{name} has another hard link, for example from cp -l: remove this '
          'link if no trainer uses the directory'
      ) from e
    with opened_lock as f:
      try:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError as e:
        holder = f.read(_MAX_HOLDER).decode(errors='replace').strip()
        holder = ''.join(c for c in holder if c.isprintable())
        raise errors.UsageError(
            f'train_dir {path} is in use by {holder or "another process"}: '
            'stop that trainer first, or choose another with --train_dir'
        ) from e
      except OSError as e:
        raise errors.UsageError(
            f'{name} cannot be locked ({e.strerror}): choose a train_dir on a '
            'file system that supports locks'
        ) from e
      if not os.path.exists(name) or not os.path.samestat(
          os.fstat(f.fileno()), os.stat(name)
      ):
        continue  # A process that never called begin() removed it.
      f.truncate(0)
      f.write(f'process {os.getpid()} on {socket.gethostname()}\n'.encode())
      f.flush()
      yield name if made else None
      return
