"""Finds a directory's newest checkpoint and checks that it fits a graph."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import errors

# What checkpoints are called: model.ckpt-STEP.
BASENAME = 'model.ckpt'


def latest(directory):
  """Returns the path of the newest checkpoint, or None where there is none.

  Args:
    directory: str, need not exist.

  Raises:
    CheckpointError: the directory's list of checkpoints cannot be read.
  """
  index = os.path.join(directory, 'checkpoint')
  exists = os.path.exists(index)  # Asked first: a trainer may be about to save.
  try:
    state = tf.train.get_checkpoint_state(directory)
  except ValueError:  # It has been read, but has no path in it.
    state = None
  if state:
    return state.model_checkpoint_path
  if exists:
    raise errors.CheckpointError(
        '%s names no checkpoint: write model_checkpoint_path: "%s-STEP" into '
        'it, or remove it if the directory holds none' % (index, BASENAME))
  return None


def step_of(path):
  """Returns N, an int, of a path that ends with -N.

  Raises:
    CheckpointError: it does not.
  """
  step = path.rpartition('-')[2]
  if not step.isdigit():
    raise errors.CheckpointError(
        'checkpoint %s does not say its step: its name must end with -STEP' %
        path)
  return int(step)


def check(path, variables, remedy):
  """Checks that a checkpoint has what is about to be restored from it.

  Args:
    path: str, the checkpoint.
    variables: dict from key, str, to the variable that it will fill.
    remedy: str, what the user can do if it does not fit.

  Raises:
    CheckpointError: a key is missing or has another shape, and is named; or
      the file is damaged.
    tf.errors.NotFoundError: there is no such checkpoint (any more).
  """
  try:
    reader = tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    for key in set(variables) & set(shapes):
      reader.get_tensor(key)  # Its checksum is compared.
  except tf.errors.NotFoundError:
    raise
  except tf.errors.OpError as e:  # A bad checksum has no class of its own.
    raise errors.CheckpointError(
        'checkpoint %s is damaged (%s): remove its files and let %s name an '
        'earlier one' %
        (path, e.message.splitlines()[0],
         os.path.join(os.path.dirname(path), 'checkpoint'))) from e
  missing = sorted(set(variables) - set(shapes))
  if missing:
    raise errors.CheckpointError(
        'checkpoint %s lacks %s%s: %s' %
        (path, missing[0],
         ' and %d more keys' % (len(missing) - 1) if missing[1:] else '',
         remedy))
  for key, variable in sorted(variables.items()):
    shape = variable.shape.as_list()
    if shapes[key] != shape:
      raise errors.CheckpointError(
          'checkpoint %s: %s has shape %s where this model has %s: %s' %
          (path, key, shapes[key], shape, remedy))

