"""The directory of a training run: who may write to it, and where it resumes."""

import contextlib
import fcntl
import glob
import os
import re
import socket

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes

# Who trains here.  It stays when that process ends: a lock is held on the open
# file, and the kernel drops it with the process, however that ends.
_LOCK = 'train.lock'

# What --fresh removes.
_WRITTEN = (
    'checkpoint',
    checkpoints.BASENAME + '-*',
    'events.out.tfevents.*',
    notes.FILENAME,
)
# How many checkpoints a tf.train.Saver keeps, unless it is told otherwise.
_KEPT = 5
# What a process leaves that is killed while it writes: TensorFlow writes a file
# under such a name first, and then renames it.
_UNFINISHED = (
    checkpoints.BASENAME + '-*.tempstate*',
    checkpoints.BASENAME + '-*.tmp*',
    'checkpoint.tmp*',
    notes.FILENAME + '.*',
)


class TrainDir(object):
  """A directory that this process trains in, and no other.

  Attributes:
    path: str.
    newest: str, the path of the checkpoint to resume from, or None.
    fresh: bool, whether it was opened to begin anew.
  """

  def __init__(self, path, newest, fresh=False):
    self.path = path
    self.newest = newest
    self.fresh = fresh
    self._identity = files.identity(path)

  def check_in_place(self):
    """Checks that the path still leads to the directory that was opened.

    Raises:
      WriteError: the directory has been removed or renamed.
    """
    if files.identity(self.path) != self._identity:
      raise errors.WriteError(
          '%s is no longer the directory in which training began: it was '
          'removed or renamed, and the steps since its last checkpoint are not '
          'saved; start again with --train_dir naming where it is' % self.path
      )


@contextlib.contextmanager
def opened(path, *, dataset, model, fresh=False, learning_rate=None):
  """Context in which this process alone trains in a directory.

  Made if need be.  What a killed process left half-written is removed.  If the
  checkpoint that the directory names cannot be resumed from, it is made to name
  the newest one that can, and a line on stdout names both.

  Args:
    path: str, need not exist.
    dataset: description.Dataset.
    model: models.Model.
    fresh: bool, remove the checkpoints and event files of an earlier run.  No
      other file is touched.
    learning_rate: float or None, noted in the directory with the step at which
      it begins; a line on stdout says so if it was another before.

  Yields:
    TrainDir.

  Raises:
    UsageError: the directory cannot be written, is in use by another process,
      or belongs to a run on another data set or of another model.
    CheckpointError: there are checkpoints, but none can be resumed from.
  """
  with contextlib.ExitStack() as stack:
    try:
      os.makedirs(path, exist_ok=True)
      stack.enter_context(_locked(path))
      if fresh:
        _remove(path, _WRITTEN)
      notes.check(path, dataset, model)
      if not fresh:
        _remove(path, _UNFINISHED)
      newest = _find_newest(path)
      rates = _rates(path, newest, learning_rate)
      # Writing it again shows whether the directory can be written.
      notes.write(path, dataset, model, rates)
    except OSError as e:
      what = '%s: ' % e.filename if e.filename not in (None, path) else ''
      raise errors.UsageError(
          'cannot write to train_dir %s (%s%s): choose another with --train_dir'
          % (path, what, e.strerror)
      ) from e
    yield TrainDir(path, newest, fresh)


@contextlib.contextmanager
def _locked(path):
  """Context that holds a directory's lock; raises UsageError, OSError."""
  # Not truncated: it says who holds the lock.
  with open(os.path.join(path, _LOCK), 'a+', encoding='utf-8') as f:
    try:
      fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
      f.seek(0)
      raise errors.UsageError(
          'train_dir %s is in use by %s: stop that trainer first, or choose '
          'another with --train_dir'
          % (path, f.read().strip() or 'another process')
      ) from e
    f.truncate(0)
    f.write('process %d on %s\n' % (os.getpid(), socket.gethostname()))
    f.flush()
    yield


def _rates(path, newest, learning_rate):
  """Returns a directory's learning rates with the one from now on.

  Args:
    path: str, the directory.
    newest: str, the path of the checkpoint to resume from, or None.
    learning_rate: float or None.
  """
  step = checkpoints.step_of(newest) if newest else 0
  # What was planned for steps that are trained again does not count.
  rates = [r for r in notes.learning_rates(path) if r[0] <= step]
  if learning_rate is None or (rates and rates[-1][1] == learning_rate):
    return rates
  if newest and rates:
    print(
        'From step %d on the learning rate is %g; it was %g.'
        % (step, learning_rate, rates[-1][1]),
        flush=True,
    )
  return [r for r in rates if r[0] < step] + [[step, learning_rate]]


def _remove(path, patterns):
  """Removes the files of a directory whose names match one of the patterns."""
  for pattern in patterns:
    for file in glob.glob(os.path.join(glob.escape(path), pattern)):
      os.remove(file)
  # A checkpoint's index appears after its data, and goes before it.
  pattern = re.compile(r'(%s-\d+)\.(data-.*|meta)' % checkpoints.BASENAME)
  for name in os.listdir(path):
    match = pattern.fullmatch(name)
    index = match and os.path.join(path, match[1] + '.index')
    # In the format of 2016 a checkpoint is the file of that name.
    if index and not any(
        os.path.lexists(p) for p in (index, os.path.join(path, match[1]))
    ):
      os.remove(os.path.join(path, name))


def _find_newest(path):
  """Returns the checkpoint to resume from, which `checkpoint` then names.

  Args:
    path: str, the directory.

  Returns:
    str, its path, or None if the directory has none.

  Raises:
    CheckpointError: it has some, but none can be resumed from.
  """
  whole = checkpoints.complete(path)
  newest = trouble = None
  try:
    newest = checkpoints.named(path)
    if newest:
      reason = checkpoints.trouble(newest)
      trouble = reason and '%s %s' % (newest, reason)
    elif whole:
      trouble = '%s is missing' % os.path.join(path, 'checkpoint')
  except checkpoints.UnreadableListError as e:
    trouble = str(e)
  if trouble:
    others = [p for p in reversed(whole) if p != newest]
    newest = next((p for p in others if not checkpoints.trouble(p)), None)
    if newest is None:
      raise errors.CheckpointError(
          '%s, and %s holds no other checkpoint to resume from: start from '
          'step 0 with --fresh' % (trouble, path)
      )
    print('%s: resuming from %s.' % (trouble, newest), flush=True)
  if newest:
    _name(path, newest, whole)
  return newest


def _name(path, newest, whole):
  """Lets `checkpoint` name the newest checkpoint and those before it.

  Those that a process which was killed could not remove any more, once it had
  saved a newer one, are removed here: a Saver removes one for each that it
  saves, and so would never get rid of them.
  """
  step = checkpoints.step_of(newest)
  kept = [p for p in whole if checkpoints.step_of(p) < step] + [newest]
  kept, surplus = kept[-_KEPT:], kept[:-_KEPT]
  try:
    tf.train.update_checkpoint_state(path, newest, kept)
  except tf.errors.OpError as e:
    raise errors.UsageError(
        'cannot write to %s (%s): remove what is in its place'
        % (os.path.join(path, 'checkpoint'), e.message.splitlines()[0])
    ) from e
  for checkpoint in surplus:
    # The index first: without it nobody takes it for a checkpoint.
    os.remove(checkpoint + '.index')
    for file in glob.glob(glob.escape(checkpoint) + '.*'):
      os.remove(file)
