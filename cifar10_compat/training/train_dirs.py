"""The directory of a training run: who may write to it, and where it resumes."""

from collections.abc import Iterable, Iterator
import contextlib
import dataclasses
import fcntl
import glob
import os
import re
import socket

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.training import checkpoints
from cifar10_compat.training import evaluation
from cifar10_compat.training import notes

# The trainer's lock file.  It stays when that process ends: a lock is held on the
# open file, and the kernel drops it with the process, however that ends.
_LOCK = 'train.lock'

# What --fresh removes.
_WRITTEN = (
    checkpoints.LIST,
    checkpoints.BASENAME + '-*',
    'events.out.tfevents.*',
    notes.FILENAME,
    *evaluation.WRITTEN,
)
# What a process leaves that is killed while it writes: TensorFlow writes a file
# under such a name first, and then renames it.
_UNFINISHED = (
    checkpoints.BASENAME + '-*.tempstate*',
    checkpoints.BASENAME + '-*.tmp*',
    checkpoints.LIST + '.tmp*',
    notes.FILENAME + '.*',
)


@dataclasses.dataclass
class TrainDir:
  """A directory that this process trains in, and no other.

  Attributes:
    path: its path.
    newest: the checkpoint to resume from, or None.
  """

  path: str
  newest: checkpoints.Checkpoint | None

  def __post_init__(self) -> None:
    self._identity = files.identity(self.path)

  def check_in_place(self) -> None:
    """Checks that the path still leads to the directory that was opened.

    Raises:
      WriteError: the directory has been removed or renamed.
    """
    if files.identity(self.path) != self._identity:
      raise errors.WriteError(
          f'{self.path} is no longer the directory in which training began: it '
          'was removed or renamed, and the steps since its last checkpoint are '
          'not saved; start again with --train_dir naming where it is'
      )

  def check_restorable(self, variables: Iterable[tf.Variable]) -> None:
    """Checks that the newest checkpoint, if there is one, fits a graph.

    Args:
      variables: all that the session will restore.

    Raises:
      CheckpointError: it is of another model.
    """
    if self.newest:
      self.newest.check_fits(
          {v.op.name: v for v in variables},
          'it is of another model; choose another --model or --train_dir, or '
          'start from step 0 in this one with --fresh',
      )


@contextlib.contextmanager
def opened(config: config_lib.Training) -> Iterator[TrainDir]:
  """Context in which this process alone trains in config.train_dir.

  Made if need be.  What a killed process left half-written is removed, with
  config.fresh also the checkpoints and event files of an earlier run and of its
  evaluator; no other file is touched.  If the checkpoint that the directory names
  cannot be resumed from, it is made to name the newest one that can, and a line
  on stdout names both.  The learning rate is noted with the step at which it
  begins; a line on stdout says so if it was another before.

  Raises:
    UsageError: the directory cannot be written, is in use by another process,
      or belongs to a run on another data set or of another model.
    CheckpointError: there are checkpoints, but none can be resumed from.
  """
  path = config.train_dir
  with contextlib.ExitStack() as stack:
    try:
      os.makedirs(path, exist_ok=True)
      stack.enter_context(_locked(path))
      if config.fresh:
        _remove(path, _WRITTEN)
      notes.check(path, config, '--train_dir')
      if not config.fresh:
        _remove(path, _UNFINISHED)
      newest = _find_newest(path, config.keep_checkpoints)
      rates = _rates(path, newest, config.learning_rate)
      # Writing it again shows whether the directory can be written.
      notes.write(path, config, rates)
    except OSError as e:
      what = f'{e.filename}: ' if e.filename not in (None, path) else ''
      raise errors.UsageError(
          f'cannot write to train_dir {path} ({what}{e.strerror}): choose '
          'another with --train_dir'
      ) from e
    yield TrainDir(path, newest)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
  """Context that holds a directory's lock; raises UsageError, OSError."""
  # Not truncated: it says who holds the lock.
  with open(os.path.join(path, _LOCK), 'a+', encoding='utf-8') as f:
    try:
      fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
      f.seek(0)
      holder = f.read().strip() or 'another process'
      raise errors.UsageError(
          f'train_dir {path} is in use by {holder}: stop that trainer first, or '
          'choose another with --train_dir'
      ) from e
    f.truncate(0)
    f.write(f'process {os.getpid()} on {socket.gethostname()}\n')
    f.flush()
    yield


def _rates(
    path: str,
    newest: checkpoints.Checkpoint | None,
    learning_rate: float,
) -> list[tuple[int, float]]:
  """Returns a directory's learning rates with the one from now on."""
  step = newest.step if newest else 0
  # What was planned for steps that are trained again does not count.
  rates = [r for r in notes.learning_rates(path) if r[0] <= step]
  if rates and rates[-1][1] == learning_rate:
    return rates
  if newest and rates:
    print(
        f'From step {step} on the learning rate is {learning_rate:g}; it was '
        f'{rates[-1][1]:g}.',
        flush=True,
    )
  return [r for r in rates if r[0] < step] + [(step, learning_rate)]


def _remove(path: str, patterns: Iterable[str]) -> None:
  """Removes the files of a directory whose names match one of the patterns."""
  for pattern in patterns:
    for file in glob.glob(os.path.join(glob.escape(path), pattern)):
      os.remove(file)
  # A checkpoint's index appears after its data, and goes before it.
  part = re.compile(rf'({checkpoints.BASENAME}-\d+)\.(data-.*|meta)')
  for name in os.listdir(path):
    match = part.fullmatch(name)
    # In the format of 2016 a checkpoint is the file of that name.
    if match and not any(
        os.path.lexists(os.path.join(path, match[1] + ending))
        for ending in ('.index', '')
    ):
      os.remove(os.path.join(path, name))


def _find_newest(path: str, keep: int) -> checkpoints.Checkpoint | None:
  """Returns the checkpoint to resume from, which the list then names.

  Raises:
    CheckpointError: there are some, but none can be resumed from.
  """
  whole = checkpoints.complete(path)
  newest = None
  try:
    newest = checkpoints.listed(path)
    if newest:
      newest.verify()
    elif not whole:
      return None
    trouble = (
        '' if newest else f'{os.path.join(path, checkpoints.LIST)} is missing'
    )
  except errors.CheckpointListError as e:
    trouble = e.reason
  except errors.UnusableCheckpointError as e:
    trouble = f'{e.path} {e.reason}'
  if trouble or not newest:
    others = [c for c in reversed(whole) if c != newest]
    for newest in others:
      with contextlib.suppress(errors.UnusableCheckpointError):
        newest.verify()
        break
    else:
      raise errors.CheckpointError(
          f'{trouble}, and {path} holds no other checkpoint to resume from: '
          'start from step 0 with --fresh'
      )
    print(f'{trouble}: resuming from {newest.path}.', flush=True)
  _name(path, newest, whole, keep)
  return newest


def _name(
    path: str,
    newest: checkpoints.Checkpoint,
    whole: list[checkpoints.Checkpoint],
    keep: int,
) -> None:
  """Lets the list name the newest checkpoint and those before it, `keep` in all.

  Those that a process which was killed could not remove any more, once it had
  saved a newer one, are removed here: a Saver removes one for each that it
  saves, and so would never get rid of them.
  """
  kept = [c.path for c in whole if c.step < newest.step] + [newest.path]
  kept, surplus = kept[-keep:], kept[:-keep]
  try:
    tf.train.update_checkpoint_state(path, newest.path, kept)
  except tf.errors.OpError as e:
    raise errors.UsageError(
        f'cannot write to {os.path.join(path, checkpoints.LIST)} '
        f'({e.message.splitlines()[0]}): remove what is in its place'
    ) from e
  for checkpoint in surplus:
    # The index first: without it nobody takes it for a checkpoint.
    os.remove(checkpoint + '.index')
    for file in glob.glob(glob.escape(checkpoint) + '.*'):
      os.remove(file)
