"""Errors that are foreseen as a user's mistake or misfortune.

A program prints these as one line; every other exception keeps its traceback.
Their messages name the value that is wrong and what to do about it.
"""

from cifar10_compat.base import output


class Cifar10Error(Exception):
  """Base class: what entry_points.run() turns into one line on stderr.

  It is one line whatever a value that it names has in it.
  """

  def __str__(self) -> str:
    return output.printable(' '.join(super().__str__().splitlines()))

  @classmethod
  def raise_if(cls, wrong: object, message: str) -> None:
    """Raises an error of this class if something is wrong.

    Args:
      wrong: whether it is; what is true in Python counts as true.
      message: names the value that is wrong and what to do about it.  It is made
        in any case, and so must not fail where nothing is wrong.
    """
    if wrong:
      raise cls(message)


class UsageError(Cifar10Error, ValueError):
  """An argument, a flag or a directory that cannot be used."""


class DataError(Cifar10Error, ValueError):
  """Image files that are missing, damaged or of another format."""


class CheckpointError(Cifar10Error, ValueError):
  """A checkpoint that is missing, damaged or of another model."""


class NoCheckpointError(CheckpointError):
  """A directory without a checkpoint."""


class CheckpointListError(CheckpointError):
  """A directory whose list of checkpoints is missing or leads nowhere.

  Attributes:
    reason: what is wrong, half a sentence.
  """

  def __init__(self, message: str, reason: str = '') -> None:
    super().__init__(message)
    self.reason = reason


class MissingListError(CheckpointListError):
  """A directory with checkpoints and without a list of them.

  So it is for a moment whenever a first checkpoint is saved.
  """


class UnusableCheckpointError(CheckpointError):
  """A checkpoint that cannot be used as it is now.

  It is incomplete, damaged, gone or not finite.  It may become whole later, and
  another one may be usable.

  Attributes:
    path: of the checkpoint.
    reason: what is wrong, the rest of a sentence that begins with the path.
  """

  def __init__(self, message: str, *, path: str, reason: str) -> None:
    super().__init__(message)
    self.path = path
    self.reason = reason


class CheckpointReadError(CheckpointError):
  """A checkpoint that cannot be read now, and may be in order.

  Attributes:
    path: of the checkpoint.
  """

  def __init__(self, message: str, *, path: str) -> None:
    super().__init__(message)
    self.path = path


class DivergedError(Cifar10Error, ArithmeticError):
  """A loss or a variable became NaN or infinite."""


class StalledError(Cifar10Error, RuntimeError):
  """A training that stands still."""


class WriteError(Cifar10Error, OSError):
  """A checkpoint or an event file that cannot be written."""
