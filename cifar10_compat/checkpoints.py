"""Finds a directory's newest checkpoint and checks that it fits a graph."""

import json
import os

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import errors
from cifar10_compat import models

# What checkpoints are called: model.ckpt-STEP.
BASENAME = 'model.ckpt'

# Beside the checkpoints: their data set and their network.
DESCRIPTION = 'dataset.json'


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


def newest(directory):
  """Returns the path of the newest checkpoint.

  Raises:
    CheckpointError: there is none, or the directory's list cannot be read.
  """
  path = latest(directory)
  if path is None:
    raise errors.CheckpointError(
        'No checkpoint file found in %s: train first, or choose another '
        '--checkpoint_dir' % directory)
  return path


def describe(directory, dataset, model):
  """Notes in a directory what its checkpoints are of.

  Args:
    directory: str, exists.
    dataset: datasets.Dataset.
    model: models.Model.
  """
  temporary = os.path.join(directory, '%s.%d' % (DESCRIPTION, os.getpid()))
  with open(temporary, 'w') as f:
    json.dump({'dataset': dataset.name, 'class_names': dataset.class_names,
               'model': model.name}, f)
  os.replace(temporary, os.path.join(directory, DESCRIPTION))


def check_description(directory, dataset, model=models.CIFAR10):
  """Checks that a directory's checkpoints are of a data set and a model.

  A directory that does not say, as that of a historical run, passes.

  Args:
    directory: str, need not exist.
    dataset: datasets.Dataset.
    model: models.Model.

  Raises:
    UsageError: they are of another set or model, or of a set of that name that
      has other classes.
  """
  path = os.path.join(directory, DESCRIPTION)
  if not os.path.exists(path):
    return
  try:
    with open(path, 'rb') as f:
      note = dict(json.load(f))
      trained_on = str(note['dataset'])
  except (ValueError, KeyError, TypeError, RecursionError) as e:
    raise errors.UsageError('%s does not name a data set: remove it' %
                            path) from e
  if trained_on != dataset.name:
    raise errors.UsageError(
        '%s holds checkpoints of data set %r, not of %r: choose another '
        'directory, or the --dataset of that name' %
        (directory, trained_on, dataset.name))
  # Older notes have no classes, when no set was one's own, and no model.
  names = note.get('class_names', list(dataset.class_names))
  if names != list(dataset.class_names):
    raise errors.UsageError(
        '%s holds checkpoints of a data set %r with other classes: choose '
        'another directory, or that set' % (directory, dataset.name))
  trained = note.get('model', models.CIFAR10.name)
  if trained != model.name:
    raise errors.UsageError(
        '%s holds checkpoints of model %r, not of %r: choose another '
        'directory, or --model=%s' % (directory, trained, model.name, trained))


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


def trained_variables(averaged=True):
  """Returns what of a checkpoint fills the default graph's network.

  Args:
    averaged: bool, its moving averages instead of the variables themselves.

  Returns:
    dict from key, str, to variable.
  """
  if averaged:
    return tf.train.ExponentialMovingAverage(
        cifar10.MOVING_AVERAGE_DECAY).variables_to_restore()
  return {v.op.name: v for v in tf.trainable_variables()}


def evaluation_remedy(averaged):
  """Returns what a user can do whose checkpoint does not fit, a str."""
  return 'choose another --checkpoint_dir or --model' + (
      ', or --averaged=false if it has no averages' if averaged else '')


def restore_newest(session, directory, dataset, model, averaged=True):
  """Restores the default graph's network from a directory.

  Args:
    session: tf.Session.
    directory: str.
    dataset: datasets.Dataset.
    model: models.Model, the network that is in the graph.
    averaged: bool, the moving averages instead of the variables themselves.

  Returns:
    str, the path of the checkpoint.

  Raises:
    CheckpointError: there is none, or it is damaged or does not fit.
    UsageError: it is of another data set or model.
  """
  path = newest(directory)
  check_description(directory, dataset, model)
  variables = trained_variables(averaged)
  try:
    check(path, variables, evaluation_remedy(averaged))
  except tf.errors.NotFoundError as e:
    raise not_there(path) from e
  tf.train.Saver(variables).restore(session, path)
  return path


def not_there(path):
  """Returns the CheckpointError for a checkpoint that is named but gone."""
  return errors.CheckpointError(
      '%s names %s, which is not there: let it name one that is' %
      (os.path.join(os.path.dirname(path), 'checkpoint'), path))
