"""Finds a directory's newest checkpoint and checks that it fits a graph."""

import glob
import os
import re
import stat

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import input_errors
from cifar10_compat.training import notes

# What checkpoints are called: model.ckpt-STEP.
BASENAME = 'model.ckpt'

# The file in which TensorFlow lists a directory's checkpoints.  It keeps five of
# them, whose paths are of 4,096 bytes at most each.
_LIST = 'checkpoint'
_MAX_LIST_BYTES = 1 << 16


def latest(directory):
  """Returns the path of the newest checkpoint, or None where there is none.

  Args:
    directory: str, need not exist.

  Raises:
    CheckpointError: the directory's list of checkpoints cannot be read, or
      names one of another directory.
  """
  try:
    return named(directory)
  except UnreadableListError as e:
    raise errors.CheckpointError(
        '%s: write model_checkpoint_path: "%s-STEP" into it, or remove it if '
        'the directory holds none' % (e, BASENAME)
    ) from e


class UnreadableListError(Exception):
  """A file `checkpoint` that leads nowhere; the message is half a sentence."""


def named(directory):
  """Returns the path that a directory's `checkpoint` names, or None without it.

  TensorFlow notes absolute paths.  In a directory that was moved or copied they
  stand for the files of these names beside the list.

  Args:
    directory: str, need not exist.

  Raises:
    UnreadableListError: there is such a file, but no path can be read from it,
      or the path is of another directory.
  """
  index = os.path.join(directory, _LIST)
  try:
    status = os.stat(index)
  except FileNotFoundError:
    return None
  except OSError as e:
    raise UnreadableListError(
        '%s cannot be read (%s)' % (index, e.strerror)
    ) from e
  if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_LIST_BYTES:
    raise UnreadableListError('%s is no list of checkpoints' % index)
  try:
    state = tf.train.get_checkpoint_state(directory)
  except ValueError:  # It has been read, but has no path in it.
    state = None
  except tf.errors.OpError as e:
    raise UnreadableListError(
        '%s cannot be read (%s)' % (index, e.message.splitlines()[0])
    ) from e
  if state is None:
    if not os.path.exists(index):
      return None  # It has been removed since it was looked at.
    raise UnreadableListError('%s names no checkpoint' % index)
  path = state.model_checkpoint_path
  here = os.path.join(directory, os.path.basename(path))
  if os.path.dirname(os.path.abspath(path)) != os.path.abspath(directory) and (
      not os.path.exists(here + '.index')
  ):
    raise UnreadableListError(
        '%s names %s, which is of another directory' % (index, path)
    )
  return here


def complete(directory):
  """Returns the paths of a directory's whole checkpoints, the newest last.

  Args:
    directory: str, exists.

  Returns:
    list of str, whether `checkpoint` names them or not.
  """
  pattern = re.compile(re.escape(BASENAME) + r'-\d+\.index')
  found = [
      os.path.join(directory, os.path.splitext(name)[0])
      for name in os.listdir(directory)
      if pattern.fullmatch(name)
  ]
  return sorted(found, key=step_of)


def step_of(path):
  """Returns N, an int, of a path that ends with -N.

  Raises:
    CheckpointError: it does not.
  """
  step = path.rpartition('-')[2]
  if not step.isdecimal():
    raise errors.CheckpointError(
        'checkpoint %s does not say its step: its name must end with -STEP'
        % path
    )
  return int(step)


def has_any(directory):
  """Returns whether a directory has a checkpoint, named by its list or not.

  Raises:
    CheckpointError: see latest().
  """
  return latest(directory) is not None or (
      os.path.isdir(directory) and bool(complete(directory))
  )


def identity(path):
  """Returns what tells a checkpoint from another one of its name.

  Args:
    path: str.

  Returns:
    A tuple; None if there are no such files.
  """
  # The old format has one file and no index.
  for name in (path + '.index', path):
    found = files.identity(name)
    if found:
      return found + (os.stat(name).st_mtime_ns,)
  return None


def newest(directory):
  """Returns the path of the newest checkpoint.

  Raises:
    CheckpointError: there is none, or the directory's list cannot be read.
  """
  path = latest(directory)
  if path is None and has_any(directory):
    there = os.path.basename(complete(directory)[-1])
    raise errors.CheckpointError(
        '%s has %s, but no list that names it: write model_checkpoint_path: '
        '"%s" into %s'
        % (directory, there, there, os.path.join(directory, _LIST))
    )
  if path is None:
    raise errors.CheckpointError(
        'No checkpoint file found in %s: train first, or choose another '
        '--checkpoint_dir' % directory
    )
  return path


def trouble(path):
  """Returns why a training cannot resume from a checkpoint, or None if it can.

  Reads all of it: its checksums are compared.

  Args:
    path: str.

  Returns:
    str, the rest of a sentence that begins with the path, or None.
  """
  try:
    _check_files(path)
    reader = tf.train.NewCheckpointReader(path)
    for key in reader.get_variable_to_shape_map():
      if not np.all(np.isfinite(reader.get_tensor(key))):
        return 'holds values of %s that are not finite' % key
  except tf.errors.NotFoundError:
    return 'is not there'
  except errors.UnusableCheckpointError:
    return 'cannot be read'
  except Exception as e:  # What the reader raises has no common class.
    return 'is damaged (%s)' % str(e).splitlines()[0]
  return None


def check(path, variables, remedy):
  """Checks that a checkpoint has what is about to be restored from it.

  Args:
    path: str, the checkpoint.
    variables: dict from key, str, to the variable that it will fill.
    remedy: str, what the user can do if it does not fit.

  Raises:
    CheckpointError: a key is missing or has another shape, and is named.
    UnusableCheckpointError: a file is damaged, incomplete or not to be read, or
      a value is not finite, and is named.
    tf.errors.NotFoundError: there is no such checkpoint (any more).
  """
  _check_files(path)
  shapes = _read(path, variables)
  missing = sorted(set(variables) - set(shapes))
  if missing:
    raise errors.CheckpointError(
        'checkpoint %s lacks %s%s: %s'
        % (
            path,
            missing[0],
            ' and %d more keys' % (len(missing) - 1) if missing[1:] else '',
            remedy,
        )
    )
  for key, variable in sorted(variables.items()):
    shape = variable.shape.as_list()
    if shapes[key] != shape:
      raise errors.CheckpointError(
          'checkpoint %s: %s has shape %s where this model has %s: %s'
          % (path, key, shapes[key], shape, remedy)
      )


def _check_files(path):
  """Raises UnusableCheckpointError unless a checkpoint's files can be opened.

  TensorFlow would wait for ever for what comes out of a pipe, and calls a file
  that may not be read damaged.  Missing files are left to it.
  """
  for name in [path + '.index'] + sorted(
      glob.glob(glob.escape(path) + '.data-?????-of-?????')
  ):
    try:
      files.check_regular(name)
    except FileNotFoundError:
      pass
    except OSError as e:
      raise errors.UnusableCheckpointError(
          'cannot read %s (%s): %s' % (name, e.strerror, files.remedy(e))
      ) from e


def _read(path, variables):
  """Reads what is about to be restored, and checks that it is finite.

  Args:
    path: str, the checkpoint.
    variables: dict whose keys are read, as far as they are there.

  Returns:
    dict from each key of the checkpoint to its shape, a list of int.

  Raises:
    UnusableCheckpointError, tf.errors.NotFoundError: see check().
  """
  try:
    reader = tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    # As it is read, a tensor's checksum is compared.
    tensors = {k: reader.get_tensor(k) for k in set(variables) & set(shapes)}
  except tf.errors.NotFoundError:
    raise
  except Exception as e:  # What the reader raises has no common class.
    raise _damaged(path, e) from e
  for key, tensor in sorted(tensors.items()):
    if tensor.dtype.kind == 'f' and not np.isfinite(tensor).all():
      raise errors.UnusableCheckpointError(
          'checkpoint %s: %s has values that are NaN or infinite, the training '
          'diverged: %s' % (path, key, _go_back(path))
      )
  return shapes


def _damaged(path, error):
  """Returns the UnusableCheckpointError for what could not be read."""
  message = getattr(error, 'message', None) or str(error) or repr(error)
  return errors.UnusableCheckpointError(
      'checkpoint %s is damaged or incomplete (%s): %s'
      % (path, message.splitlines()[0], _go_back(path))
  )


def _go_back(path):
  return 'remove its files and let %s name an earlier one' % os.path.join(
      os.path.dirname(path), 'checkpoint'
  )


def restore(saver, session, path):
  """Restores a checkpoint that has passed check().

  Args:
    saver: tf.train.Saver.
    session: tf.Session.
    path: str, the checkpoint.

  Raises:
    UnusableCheckpointError: it has gone or changed since it was checked.
  """
  try:
    saver.restore(session, path)
  except ValueError as e:  # What it raises where no file is.
    raise not_there(path) from e
  except tf.errors.OpError as e:
    raise errors.UnusableCheckpointError(
        'checkpoint %s changed while it was read (%s): %s'
        % (path, input_errors.cause(e), _go_back(path))
    ) from e


def evaluation_remedy(averaged):
  """Returns what a user can do whose checkpoint does not fit, a str."""
  return 'choose another --checkpoint_dir or --model' + (
      ', or --averaged=false if it has no averages' if averaged else ''
  )


def restore_newest(session, directory, *, dataset, model, variables, averaged):
  """Restores the default graph's network from a directory.

  Args:
    session: tf.Session.
    directory: str.
    dataset: description.Dataset.
    model: models.Model, the network that is in the graph.
    variables: dict from key, str, to the variable that it will fill: see
      models.trained_variables().
    averaged: bool, whether these keys are of moving averages.

  Returns:
    str, the path of the checkpoint.

  Raises:
    CheckpointError: there is none, or it is damaged or does not fit.
    UsageError: it is of another data set or model.
  """
  path = newest(directory)
  notes.check(directory, dataset, model)
  try:
    check(path, variables, evaluation_remedy(averaged))
  except tf.errors.NotFoundError as e:
    raise not_there(path) from e
  restore(tf.train.Saver(variables), session, path)
  return path


def not_there(path):
  """Returns the error for a checkpoint that is named but gone."""
  return errors.UnusableCheckpointError(
      '%s names %s, which is not there: let it name one that is'
      % (os.path.join(os.path.dirname(path), 'checkpoint'), path)
  )
