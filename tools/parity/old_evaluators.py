"""Scores checkpoints of both sides with both sides' evaluators.

The unmodified evaluator runs on the TensorFlow of the time, and reads what
today's wrote; ours, the other way round.
"""

import glob
import os
import shutil

import tensorflow.compat.v1 as tf

from cifar10_compat.training import checkpoints

from . import evaluators
from . import old_checkpoints

# A trainer's name of a checkpoint, from which evaluators take the step.
_NAME = checkpoints.BASENAME + '-%d'


def save_theirs(answer, directory):
  """Lays down theirs after its training, as a trainer leaves a checkpoint.

  Args:
    answer: old_answers.Answer.
    directory: str, is made.

  Returns:
    str, directory.
  """
  os.mkdir(directory)
  path = os.path.join(directory, _NAME % answer.steps)
  theirs = answer.checkpoint('start-1')
  for name in glob.glob(glob.escape(theirs) + '.*'):
    shutil.copy(name, path + name[len(theirs) :])
  tf.train.update_checkpoint_state(directory, path)
  return directory


def save_ours(training, steps, directory):
  """Saves ours after its training, as a trainer does.

  Args:
    training: training_graph.Training, which has its values.
    steps: int, how long it was trained.
    directory: str, is made.

  Returns:
    str, directory.
  """
  os.mkdir(directory)
  old_checkpoints.save(training, 'V2', os.path.join(directory, _NAME % steps))
  return directory


def sections(version, source, data_dir, *, their_dir, our_dir):
  """Scores both checkpoints four ways.

  Args:
    version: str, of the TensorFlow of the time.
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    their_dir, our_dir: str, from save_theirs() and save_ours().

  Returns:
    list of sections of the report.

  Raises:
    UsageError: an evaluator failed, or printed no precision.
  """
  return [
      evaluators.section(
          evaluators.evaluate(source, data_dir, directory, runtime=version),
          'A checkpoint of %s; theirs is scored on TensorFlow %s'
          % (whose, version),
          title='Eval of %s, on TensorFlow %s' % (whose, version),
      )
      for whose, directory in (('theirs', their_dir), ('ours', our_dir))
  ]
