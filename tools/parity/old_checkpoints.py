"""Carries checkpoints from a TensorFlow of the time to ours, and back."""

import numpy as np
import tensorflow.compat.v1 as tf

from . import old_keys
from . import report
from . import value_diff

FORMATS = ('V1', 'V2')


def save(training, form, path):
  """Saves a checkpoint of ours in a format.

  Args:
    training: training_graph.Training.
    form: str, one of FORMATS.
    path: str.

  Returns:
    str, path.
  """
  with training.session.graph.as_default():
    saver = tf.train.Saver(
        training.variables, write_version=getattr(tf.train.SaverDef, form)
    )
  return saver.save(training.session, path, write_meta_graph=False)


def restore(path, training, keys, *, averages=()):
  """Restores a checkpoint of theirs into ours.

  Args:
    path: str.
    training: training_graph.Training; what it has is lost.
    keys: old_keys.Keys of the checkpoint.
    averages: keys of ours that take what theirs keeps uncorrected.
  """
  reader = tf.train.NewCheckpointReader(path)
  # Nothing from before may pass for restored.
  training.load(
      {
          key: np.full(v.shape.as_list(), 77, v.dtype.base_dtype.as_numpy_dtype)
          for key, v in training.variables.items()
      }
  )
  fitting = {}
  for their_key, key in keys.ours.items():
    variable = training.variables[key]
    if key == training.step_key:
      # It may have another type of integer.
      assign = variable.initializer
      value = reader.get_tensor(their_key)
      training.session.run(assign, {assign.inputs[1]: value})
    else:
      fitting[their_key + old_keys.BIASED * (key in averages)] = variable
  with training.session.graph.as_default():
    saver = tf.train.Saver(fitting)
  saver.restore(training.session, path)


def _same_bits(a, b):
  """Whether two arrays are the same; integers of another size may be."""
  if a.dtype.kind == 'i' or b.dtype.kind == 'i':
    return np.array_equal(a, b)
  return (
      a.shape == b.shape
      and a.dtype == b.dtype
      and not value_diff.differing(a, b)
  )


def section(version, answer, values, training, keys):
  """Compares what arrived of checkpoints, in both formats, both ways.

  Args:
    version: str, of the TensorFlow of the time.
    answer: old_answers.Answer.
    values: dict, what the checkpoints of ours hold.
    training: training_graph.Training of ours; it loses its values.
    keys: old_keys.Keys.

  Returns:
    A section of the report.
  """
  text, rows, unexplained = [], [], 0
  marked = answer.arrays('marked')
  for form in FORMATS:
    restore(answer.checkpoint('marked-' + form), training, keys)
    ours = training.read()
    theirs = answer.arrays('restored-' + form)
    arrived = {
        'theirs, restored by ours': {
            key: _same_bits(marked[key], ours[keys.ours[key]])
            for key in keys.ours
        },
        'ours, restored by theirs': {
            key: _same_bits(values[keys.ours[key]], theirs[key])
            for key in keys.ours
        },
    }
    for title, equal in arrived.items():
      unexplained += list(equal.values()).count(False)
      text.append(
          'Format %s, %s: %d of %d keys arrive in every bit.'
          % (form, title, sum(equal.values()), len(equal))
      )
      rows += [
          (form, title, key, keys.ours[key], 'yes' if equal[key] else 'no')
          for key in sorted(equal)
      ]
  unexplained += len(keys.lacking) + len(keys.unknown)
  return report.section(
      'Checkpoints of TensorFlow %s' % version,
      unexplained,
      text=[
          'Each side saved values that tell every element from others, and the '
          'other restored them.'
      ]
      + text,
      tables=[
          report.table(
              'Keys', ('format', '', 'their key', 'our key', 'equal'), rows
          ),
          report.table(
              'Keys that one side alone has, without a reason',
              ('key',),
              [(key,) for key in keys.lacking + keys.unknown],
          ),
          report.table(
              'Keys that theirs alone has',
              ('key', 'reason'),
              keys.alone.items(),
          ),
      ],
  )
