"""Reads and checks checkpoints."""

from collections.abc import Iterable, Mapping
import contextlib
import dataclasses
import glob
import os
import re

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import input_errors
from cifar10_compat.training import notes

# File names of checkpoints: model.ckpt-STEP.
BASENAME = 'model.ckpt'

# The step in a checkpoint's name.  18 digits fit into the 64-bit step counter.
STEP = r'[0-9]{1,18}'

# Key of cifar10_train's step counter in v0.7.0.
OLD_STEP = 'Variable'

# The file in which TensorFlow lists a directory's checkpoints.
LIST = 'checkpoint'


@dataclasses.dataclass(frozen=True)
class Checkpoint:
  """A checkpoint, which may have been removed since it was found.

  Attributes:
    path: the path of the checkpoint's files, without their extensions.
    step: the number at the end of the path.
    identity: distinguishes checkpoints with the same name; None if the
      checkpoint is missing.
  """

  path: str
  step: int
  identity: tuple[int, ...] | None

  @classmethod
  def at(cls, path: str) -> 'Checkpoint':
    """Returns the checkpoint at a path.

    Raises:
      CheckpointError: the path does not end with -STEP, a step of at most 18
        digits.
    """
    step = path.rpartition('-')[2]
    if not re.fullmatch(STEP, step):
      raise errors.CheckpointError(
          f'the name of checkpoint {path} has no step: it must end with '
          '-STEP, such as -1000'
      )
    found = None
    with contextlib.suppress(OSError):  # The checkpoint is missing.
      status = os.stat(main_file(path))
      found = status.st_dev, status.st_ino, status.st_mtime_ns
    return cls(path, int(step), found)

  def check_fits(
      self, variables: Mapping[str, tf.Variable], remedy: str
  ) -> None:
    """Checks that the checkpoint contains all variables to restore.

    Args:
      variables: dict from key to the variable to restore.
      remedy: what the user can do if the checkpoint does not fit.

    Raises:
      CheckpointError: a key is missing or has another shape; the message names
        the key.
      UnusableCheckpointError: see verify().
    """
    shapes = self._open().get_variable_to_shape_map()
    missing = sorted(set(variables) - set(shapes))
    if missing:
      more = f' and {len(missing) - 1} more keys' if missing[1:] else ''
      raise errors.CheckpointError(
          f'checkpoint {self.path} is missing {missing[0]}{more}: {remedy}'
      )
    for key, variable in sorted(variables.items()):
      shape = variable.shape.as_list()
      if shapes[key] != shape:
        raise errors.CheckpointError(
            f'checkpoint {self.path}: {key} has shape {shapes[key]}, but shape '
            f'{shape} in this model: {remedy}'
        )

  def types(self) -> dict[str, tf.DType]:
    """Returns the type of each value by key; raises the errors of verify()."""
    return self._open().get_variable_to_dtype_map()

  def held_step(self, key: str) -> int:
    """Returns the step counter's value.

    The value can differ from the step in the name: asynchronous workers
    continue while the chief saves, and a user can rename a file.

    Args:
      key: the step counter's key.  If the checkpoint contains neither this key
        nor the key of 2016, the step in the name is returned.

    Raises:
      UnusableCheckpointError, CheckpointReadError: see verify().
    """
    reader = self._open()
    try:
      for name in (key, OLD_STEP):
        if reader.has_tensor(name):
          return int(reader.get_tensor(name))
      return self.step
    except Exception as e:  # The reader's exceptions share no base class.
      raise self._damaged(e) from e

  def verify(self, keys: Iterable[str] | None = None) -> None:
    """Reads tensors, which verifies their checksums, and checks their values.

    Args:
      keys: the keys to read, or None for all.

    Raises:
      UnusableCheckpointError: a file is missing, damaged or incomplete, or a
        value is non-finite.
      CheckpointReadError: a file cannot be read, but may be intact.
    """
    reader = self._open()
    for key in sorted(
        reader.get_variable_to_shape_map() if keys is None else keys
    ):
      try:
        tensor = reader.get_tensor(key)
      except Exception as e:  # The reader's exceptions share no base class.
        raise self._damaged(e) from e
      if tensor.dtype.kind == 'f' and not np.isfinite(tensor).all():
        raise self._unusable(
            f'has values of {key} that are NaN or infinite, since training '
            'diverged'
        )

  def check(self, config: config_lib.Checkpoint) -> None:
    """Checks that the default graph's network can be restored.

    Args:
      config: the data set and model that the checkpoint must belong to.

    Raises:
      UsageError: the checkpoint's directory belongs to another data set or
        model.
      CheckpointError: the checkpoint does not fit the graph.
      UnusableCheckpointError, CheckpointReadError: see verify().
    """
    variables = trained_variables(config.averaged)
    notes.check(os.path.dirname(self.path), config, '--checkpoint_dir')
    self.check_fits(
        variables,
        'choose another --checkpoint_dir or --model'
        + (
            ', or --averaged=false if it has no averages'
            if config.averaged
            else ''
        ),
    )
    self.verify(variables)

  def restore(
      self,
      saver: tf.train.Saver,
      session: tf.Session,
      config: config_lib.Checkpoint,
  ) -> None:
    """Checks the checkpoint, and restores the default graph's network from it.

    Args:
      saver: a saver of trained_variables().
      session: a session of the default graph.
      config: see check().

    Raises:
      UsageError, CheckpointError: see check().
      UnusableCheckpointError: see verify(); or the checkpoint has changed
        during the call.
    """
    self.check(config)
    try:
      saver.restore(session, self.path)
    except ValueError as e:  # A file is missing.
      raise self._missing() from e
    except tf.errors.OpError as e:
      raise self._unusable(
          f'changed while it was read ({input_errors.cause(e)})'
      ) from e

  def _open(self) -> tf.train.NewCheckpointReader:
    """Opens the checkpoint; raises UnusableCheckpointError.

    The method checks the files first: TensorFlow would wait forever for data
    from a pipe, and reports a file without read permission as damaged.
    """
    for name in [main_file(self.path)] + sorted(
        glob.glob(glob.escape(self.path) + '.data-?????-of-?????')
    ):
      try:
        files.check_regular(name)
      except FileNotFoundError as e:
        if os.path.islink(name):  # The disk of the target may be unmounted.
          raise self._not_read(f'{name} (a link to a missing file)') from e
        # Let TensorFlow report the missing file.
      except OSError as e:
        if files.is_passing(e):
          raise self._not_read(
              f'{name} ({e.strerror})',
              files.remedy(e) if isinstance(e, PermissionError) else None,
          ) from e
        raise errors.UnusableCheckpointError(
            f'cannot read {name} ({e.strerror}): {files.remedy(e)}',
            path=self.path,
            reason='cannot be read',
        ) from e
    try:
      return tf.train.NewCheckpointReader(self.path)
    except tf.errors.NotFoundError as e:
      raise self._missing() from e
    except Exception as e:  # The reader's exceptions share no base class.
      raise self._damaged(e) from e

  def _damaged(self, error: Exception) -> errors.CheckpointError:
    message = getattr(error, 'message', None) or str(error) or repr(error)
    line = message.splitlines()[0]
    # The error may be temporary.
    if isinstance(error, MemoryError) or line.endswith(files.PASSING_MESSAGES):
      return self._not_read(f'{self.path} ({line})')
    return self._unusable(f'is damaged or incomplete ({line})')

  def _not_read(
      self, what: str, remedy: str | None = None
  ) -> errors.CheckpointReadError:
    remedy = remedy or f'try again, or point {self._list} at an earlier one'
    return errors.CheckpointReadError(
        f'cannot read {what}; the checkpoint may be intact: {remedy}',
        path=self.path,
    )

  def _missing(self) -> errors.UnusableCheckpointError:
    reason = 'is missing'
    return errors.UnusableCheckpointError(
        f'{self._list} lists {self.path}, which {reason}: point it at an '
        'existing one',
        path=self.path,
        reason=reason,
    )

  def _unusable(self, reason: str) -> errors.UnusableCheckpointError:
    return errors.UnusableCheckpointError(
        f'checkpoint {self.path} {reason}: point {self._list} at an earlier '
        'one',
        path=self.path,
        reason=reason,
    )

  @property
  def _list(self) -> str:
    return os.path.join(os.path.dirname(self.path), LIST)


def main_file(path: str) -> str:
  """Returns the path of the file without which a checkpoint does not exist.

  In the format of 2016, a checkpoint is one file; today's format has an index
  and data files.

  Args:
    path: the path of the checkpoint's files, without their extensions.
  """
  return path + '.index' if os.path.exists(path + '.index') else path


def trained_variables(averaged: bool = True) -> dict[str, tf.Variable]:
  """Returns the variables of the default graph's network, by checkpoint key.

  Args:
    averaged: whether the keys are those of the moving averages.

  Returns:
    dict from key to variable.
  """
  if averaged:
    # The names of averages do not depend on the decay.
    return tf.train.ExponentialMovingAverage(0.0).variables_to_restore()
  return {v.op.name: v for v in tf.trainable_variables()}
