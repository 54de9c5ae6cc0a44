"""Restores one training graph's checkpoint into another.

Both must have the same keys.  Only the step counter may have
another name and another integer type: its value is carried over by hand, which
the report says.
"""

import os
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf


class Key(NamedTuple):
  """What became of one key of a checkpoint."""

  key: str
  restored_as: str  # the other graph's key; '' if it has none
  equal: bool  # whether every bit of the value arrived


class Exchange(NamedTuple):
  """A checkpoint of one graph, restored into the other."""

  keys: tuple  # of Keys
  lacking: tuple  # keys of the other graph that got no value
  step_mapped: str  # how the step counter was carried over; '' if as it is

  @property
  def unexplained(self):
    """How many keys did not arrive."""
    return sum(not k.equal for k in self.keys) + len(self.lacking)


def marked_values(training, seed):
  """Returns values that tell every variable, and every element, from others.

  Args:
    training: training_graph.Training, for its keys and shapes.
    seed: int.

  Returns:
    dict from key to array.
  """
  random = np.random.RandomState(seed)
  values = {}
  for key, variable in sorted(training.variables.items()):
    drawn = random.standard_normal(variable.shape.as_list())
    values[key] = np.asarray(drawn, variable.dtype.base_dtype.as_numpy_dtype)
  values[training.step_key] = np.asarray(seed, values[training.step_key].dtype)
  return values


def exchange(source, target, *, directory, seed=1234):
  """Saves a checkpoint with one graph's saver and restores it into another.

  Args:
    source, target: training_graph.Training; the values they have are lost, and
      ops are added to the target's graph.
    directory: str, for the checkpoint; it must exist.
    seed: int, of the values; the step counter gets it as its value.

  Returns:
    Exchange.
  """
  values = marked_values(source, seed)
  source.load(values)
  path = source.saver.save(
      source.session,
      os.path.join(directory, 'exchange'),
      write_meta_graph=False,
  )
  # Nothing from before may pass for restored.
  target.load(
      {
          key: np.full(v.shape.as_list(), 77, v.dtype.base_dtype.as_numpy_dtype)
          for key, v in target.variables.items()
      }
  )
  fitting = _restore(path, source, target)
  restored = target.read()
  to_target = {source.step_key: target.step_key}
  keys = []
  for key in sorted(values):
    other = to_target.get(key, key)
    arrived = (
        other in restored
        and (key == source.step_key or key in fitting)
        and np.array_equal(restored[other], values[key])
    )
    keys.append(Key(key, other if other in restored else '', bool(arrived)))
  got = {to_target.get(key, key) for key in values}
  return Exchange(
      tuple(keys),
      tuple(sorted(set(restored) - got)),
      '' if _same_step(source, target) else _step_mapped(source, target),
  )


def _step(training):
  """Returns the step counter's key and type."""
  variable = training.variables[training.step_key]
  return training.step_key, variable.dtype.base_dtype


def _same_step(source, target):
  return _step(source) == _step(target)


def _step_mapped(source, target):
  """Returns the text that tells how the step counter is carried over."""
  return '%s (%s) as %s (%s)' % tuple(
      text
      for key, dtype in (_step(source), _step(target))
      for text in (key, dtype.name)
  )


def _restore(path, source, target):
  """Restores a checkpoint of source into target, by target's saver if it fits.

  Returns:
    dict from key to those variables of target that have a fitting value in the
    checkpoint, the step counter apart.
  """
  reader = tf.train.NewCheckpointReader(path)
  shapes = reader.get_variable_to_shape_map()
  dtypes = reader.get_variable_to_dtype_map()
  fitting = {
      key: variable
      for key, variable in target.variables.items()
      if key in shapes
      and key not in (source.step_key, target.step_key)
      and shapes[key] == variable.shape.as_list()
      and dtypes[key] == variable.dtype.base_dtype
  }
  if (
      _same_step(source, target)
      and set(shapes) == set(target.variables)
      and len(fitting) == len(shapes) - 1
  ):
    target.saver.restore(target.session, path)
    return fitting
  with target.session.graph.as_default():
    tf.train.Saver(fitting).restore(target.session, path)
  step = target.variables[target.step_key].initializer
  target.session.run(step, {step.inputs[1]: reader.get_tensor(source.step_key)})
  return fitting
