"""Errors that are foreseen as a user's mistake or misfortune.

A program prints these as one line; every other exception keeps its traceback.
Their messages name the value that is wrong and what to do about it.
"""


class Cifar10Error(Exception):
  """Base class: what entry_points.run() turns into one line on stderr.

  It is one line whatever a value that it names has in it.
  """

  def __str__(self):
    return ' '.join(super().__str__().splitlines())


class UsageError(Cifar10Error, ValueError):
  """An argument, a flag or a directory that cannot be used."""


class DataError(Cifar10Error, ValueError):
  """Image files that are missing, damaged or of another format."""


class CheckpointError(Cifar10Error, ValueError):
  """A checkpoint that is missing, damaged or of another model."""


class UnusableCheckpointError(CheckpointError):
  """A checkpoint that cannot be used as it is now.

  It is incomplete, damaged, gone, not to be read, or not finite.  It may become
  whole later, and another one may be usable.
  """


class DivergedError(Cifar10Error, ArithmeticError):
  """A loss or a variable became NaN or infinite."""


class StalledError(Cifar10Error, RuntimeError):
  """A training that stands still."""


class WriteError(Cifar10Error, OSError):
  """A checkpoint or an event file that cannot be written."""


def check_at_least_one(**values):
  """Raises UsageError unless each value, a number, is at least 1."""
  for name, value in values.items():
    if value < 1:
      raise UsageError('%s is %s: it must be at least 1' % (name, value))
