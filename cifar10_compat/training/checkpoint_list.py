"""Finds the checkpoints in a directory, by its checkpoint list or its files."""

import contextlib
import dataclasses
import os
import re
import stat
import sys
from typing import TypeVar

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.training import checkpoints

C = TypeVar('C', bound=config_lib.Checkpoint)

# The list contains paths of up to 4,096 bytes, and can escape each byte as four
# characters.
_MAX_LIST_BYTES = config_lib.MAX_CHECKPOINTS * 4 * 4096


def newest(directory: str) -> checkpoints.Checkpoint:
  """Returns the newest checkpoint in a directory's checkpoint list.

  Args:
    directory: need not exist.

  Raises:
    NoCheckpointError: the directory contains no checkpoint.
    CheckpointListError: the list is missing, lists no checkpoint, or points to
      another directory.
    CheckpointReadError: see listed().
  """
  checkpoint = listed(directory)
  if checkpoint:
    return checkpoint
  unlisted = complete(directory)
  if unlisted:
    name = os.path.basename(unlisted[-1].path)
    raise errors.MissingListError(
        f'{directory} contains {name}, but no list of checkpoints: write '
        f'model_checkpoint_path: "{name}" into '
        f'{os.path.join(directory, checkpoints.LIST)}'
    )
  raise errors.NoCheckpointError(
      f'No checkpoint file found in {directory}: train first, or choose '
      'another --checkpoint_dir'
  )


def or_published(config: C) -> C:
  """Selects the published network if nothing has been trained.

  A line on stderr reports the change.  If the user set a directory or another
  network, the settings are returned unchanged.

  Raises:
    CheckpointListError, CheckpointReadError: see newest().
  """
  if config.may_be_published:
    try:
      newest(config.checkpoint_dir)
    except errors.NoCheckpointError:
      output.say(
          f'{config.checkpoint_dir} has no checkpoint: using the published '
          'network.',
          sys.stderr,
      )
      return dataclasses.replace(config, checkpoint_dir=published.DIRECTORY)
  return config


def listed(directory: str) -> checkpoints.Checkpoint | None:
  """Returns the newest checkpoint in a directory's list, or None without one.

  TensorFlow writes absolute paths.  If the directory was moved or copied, the
  files with the same names in this directory are used.

  Args:
    directory: need not exist.

  Raises:
    CheckpointListError: the list exists, but contains no path, or points to
      another directory.
    CheckpointReadError: the list cannot be read, but may be intact.
  """
  index = os.path.join(directory, checkpoints.LIST)
  try:
    status = os.stat(index)
    if stat.S_ISREG(status.st_mode):
      # TensorFlow hides why it cannot read the list.
      with files.open_regular(index) as f:
        f.read(1)
  except FileNotFoundError:
    return None
  except OSError as e:
    if files.is_passing(e):
      remedy = (
          files.remedy(e) if isinstance(e, PermissionError) else 'try again'
      )
      raise errors.CheckpointReadError(
          f'cannot read {index} ({e.strerror}), which may be intact: {remedy}',
          path=index,
      ) from e
    raise _list_error(f'{index} cannot be read ({e.strerror})') from e
  if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_LIST_BYTES:
    raise _list_error(f'{index} is not a list of checkpoints')
  try:
    state = tf.train.get_checkpoint_state(directory)
  except ValueError:  # The list was read, but contains no path.
    state = None
  except tf.errors.OpError as e:
    raise _list_error(
        f'{index} cannot be read ({e.message.splitlines()[0]})'
    ) from e
  if state is None:
    if not os.path.exists(index):
      return None  # Another process removed the list after os.stat().
    raise _list_error(f'{index} lists no checkpoint')
  path = state.model_checkpoint_path
  here = os.path.join(directory, os.path.basename(path))
  try:
    checkpoint = checkpoints.Checkpoint.at(here)
  except errors.CheckpointError as e:
    raise _list_error(f'{index} lists {path}, whose name has no step') from e
  elsewhere = os.path.dirname(os.path.abspath(path)) != os.path.abspath(
      directory
  )
  if elsewhere and not checkpoint.identity:
    raise _list_error(f'{index} lists {path}, which is in another directory')
  return checkpoint


def _list_error(reason: str) -> errors.CheckpointListError:
  return errors.CheckpointListError(
      f'{reason}: write model_checkpoint_path: "{checkpoints.BASENAME}-STEP" '
      'into it, or move it away if the directory contains no checkpoint',
      reason,
  )


def complete(directory: str) -> list[checkpoints.Checkpoint]:
  """Returns all complete checkpoints in a directory, newest last.

  Args:
    directory: need not exist.
  """
  pattern = re.compile(
      rf'({re.escape(checkpoints.BASENAME)}-{checkpoints.STEP})(\.index)?'
  )
  names = os.listdir(directory) if os.path.isdir(directory) else []
  found = {
      os.path.join(directory, match[1])
      for match in map(pattern.fullmatch, names)
      if match and not os.path.isdir(os.path.join(directory, match[0]))
  }
  return sorted(map(checkpoints.Checkpoint.at, found), key=lambda c: c.step)


def usable(directory: str) -> tuple[checkpoints.Checkpoint | None, str]:
  """Returns the checkpoint to resume from.

  Returns:
    newest: the checkpoint; None if the directory contains none.
    trouble: why `newest` is not the listed checkpoint; '' if it is.

  Raises:
    CheckpointError: the directory contains only unusable checkpoints.
    CheckpointReadError: the list or the newest checkpoint cannot be read, but
      may be intact.
  """
  whole = complete(directory)
  newest = None
  try:
    newest = listed(directory)
    if newest:
      newest.verify()
      return newest, ''
    if not whole:
      return None, ''
    trouble = f'{os.path.join(directory, checkpoints.LIST)} is missing'
  except errors.CheckpointListError as e:
    trouble = e.reason
  except errors.UnusableCheckpointError as e:
    trouble = f'{e.path} {e.reason}'
  for other in reversed(whole):
    if other != newest:
      with contextlib.suppress(errors.UnusableCheckpointError):
        other.verify()
        return other, trouble
  raise errors.CheckpointError(
      f'{trouble}, and {directory} contains no other usable checkpoint: restore an '
      'intact copy, or choose another --train_dir'
  )


def write(directory: str, newest: checkpoints.Checkpoint, keep: int) -> None:
  """Lists the newest checkpoint and earlier ones, up to `keep` in total.

  Also removes surplus checkpoints left by a killed process.  A Saver would
  never remove the surplus: it removes one checkpoint for each that it saves.

  Raises:
    UsageError: the list cannot be written.
  """
  whole = complete(directory)
  kept = [c.path for c in whole if c.step < newest.step] + [newest.path]
  kept, surplus = kept[-keep:], kept[:-keep]
  try:
    tf.train.update_checkpoint_state(directory, newest.path, kept)
  except tf.errors.OpError as e:
    full = isinstance(e, tf.errors.ResourceExhaustedError)
    raise errors.UsageError(
        f'cannot write to {os.path.join(directory, checkpoints.LIST)} '
        f'({e.message.splitlines()[0]}): '
        + 'free disk space, or ' * full
        + 'choose another --train_dir'
    ) from e
  for checkpoint in surplus:
    # Remove the main file first: without it, the other files no longer count as
    # a checkpoint.
    os.remove(checkpoints.main_file(checkpoint))
    name = re.escape(os.path.basename(checkpoint))
    files.remove(directory, [name + r'\.(meta|data-.*)'])
