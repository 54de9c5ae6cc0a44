"""Restores checkpoints from another trainer or from 2016."""

from collections.abc import Iterable, Mapping, Sequence

import tensorflow.compat.v1 as tf

from cifar10_compat.base import output
from cifar10_compat.training import checkpoints

# The suffix of a loss average's key.
_LOSS_AVERAGE = '/avg'


class _PartialSaver(tf.train.Saver):
  """A saver that restores some variables and initializes the others."""

  def __init__(
      self,
      saver: tf.train.Saver,
      variables: Mapping[str, tf.Variable],
      others: Sequence[tf.Operation],
  ) -> None:
    """Creates the saver.

    Args:
      saver: a saver of all variables, which maintains the checkpoint list.
      variables: the variables to restore, by key.
      others: ops that initialize the other variables.
    """
    super().__init__(variables)
    self._saver, self._others = saver, others

  def restore(self, sess: tf.Session, save_path: str) -> None:
    super().restore(sess, save_path)
    sess.run(self._others)

  def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
    self._saver.recover_last_checkpoints(checkpoint_paths)


def saver_of(
    checkpoint: checkpoints.Checkpoint, saver: tf.train.Saver
) -> tf.train.Saver:
  """Returns a saver that restores a checkpoint into the default graph.

  Loss averages have different names in other trainers and in v0.7.0, and are
  reinitialized. The step counter has a different name or type in v0.7.0.

  Args:
    checkpoint: the checkpoint to restore.
    saver: a saver of all variables, returned if the checkpoint contains all of
      them.

  Raises:
    CheckpointError: the checkpoint belongs to another model.
    UnusableCheckpointError, CheckpointReadError: see Checkpoint.verify().
  """
  types = checkpoint.types()
  variables = {v.op.name: v for v in tf.global_variables()}
  begun = [
      key for key in variables.keys() - types if key.endswith(_LOSS_AVERAGE)
  ]
  others = [variables.pop(key).initializer for key in begun]
  step = tf.train.get_global_step()
  key = step.op.name
  if types.get(key, types.get(checkpoints.OLD_STEP)) not in (
      None,
      step.dtype.base_dtype,
  ):
    del variables[key]
    others.append(tf.assign(step, checkpoint.held_step(key)).op)
  checkpoint.check_fits(
      variables,
      'it belongs to another model; choose another --model or --train_dir',
  )
  if begun:
    output.say(
        f'{checkpoint.path} is missing {len(begun)} of the loss averages, such '
        f'as {min(begun)}: these averages start over; the weights are not '
        'affected.'
    )
  return _PartialSaver(saver, variables, others) if others else saver
