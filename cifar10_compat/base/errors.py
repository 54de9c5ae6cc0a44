"""Expected errors: user mistakes and machine faults.

Programs print these errors as one line; all other exceptions keep their
traceback.  Each message names the bad value and the remedy.
"""

from cifar10_compat.base import output


class Cifar10Error(Exception):
  """Base class of errors that entry_points.run() prints as one line on stderr.

  The message is always one line: unprintable characters are escaped.
  """

  def __str__(self) -> str:
    return output.printable(' '.join(super().__str__().splitlines()))

  @classmethod
  def raise_if(cls, wrong: object, message: str) -> None:
    """Raises an error of this class if a condition is true.

    Args:
      wrong: the condition; any Python value, tested for truth.
      message: the bad value and the remedy.  Callers build the message even if
        `wrong` is false, so building it must not fail.
    """
    if wrong:
      raise cls(message)


class UsageError(Cifar10Error, ValueError):
  """An unusable argument, flag or directory."""


class DataError(Cifar10Error, ValueError):
  """Image files that are missing, damaged or in the wrong format."""


class CheckpointError(Cifar10Error, ValueError):
  """A checkpoint that is missing, damaged or from another model."""


class NoCheckpointError(CheckpointError):
  """A directory that contains no checkpoint."""


class CheckpointListError(CheckpointError):
  """A directory whose checkpoint list is missing or unusable.

  Attributes:
    reason: what is wrong, without the remedy.
  """

  def __init__(self, message: str, reason: str = '') -> None:
    super().__init__(message)
    self.reason = reason


class MissingListError(CheckpointListError):
  """A directory that contains checkpoints, but no checkpoint list.

  The list is briefly missing while the first checkpoint is being saved.
  """


class UnusableCheckpointError(CheckpointError):
  """A checkpoint that cannot be used at present.

  The checkpoint is missing, incomplete or damaged, or contains non-finite
  values.  It may be complete later, and another checkpoint may be usable.

  Attributes:
    path: the path of the checkpoint.
    reason: what is wrong, worded to follow the path in a message.
  """

  def __init__(self, message: str, *, path: str, reason: str) -> None:
    super().__init__(message)
    self.path = path
    self.reason = reason


class CheckpointReadError(CheckpointError):
  """A checkpoint or checkpoint list that may be intact, but cannot be read now.

  Attributes:
    path: the path of the checkpoint or checkpoint list.
  """

  def __init__(self, message: str, *, path: str) -> None:
    super().__init__(message)
    self.path = path


class DivergedError(Cifar10Error, ArithmeticError):
  """A loss or a variable became NaN or infinite."""


class StalledError(Cifar10Error, RuntimeError):
  """A training run that has stalled."""


class WriteError(Cifar10Error, OSError):
  """A checkpoint or an event file that cannot be written."""
