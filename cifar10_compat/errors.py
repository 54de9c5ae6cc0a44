"""Errors that are foreseen as a user's mistake or misfortune.

A program prints these as one line; every other exception keeps its traceback.
Their messages name the value that is wrong and what to do about it.
"""


class Cifar10Error(Exception):
  """Base class: what flags.run() turns into one line on stderr."""


class UsageError(Cifar10Error, ValueError):
  """An argument, a flag or a directory that cannot be used."""


class DataError(Cifar10Error, ValueError):
  """Image files that are missing, damaged or of another format."""


class CheckpointError(Cifar10Error, ValueError):
  """A checkpoint that is missing, damaged or of another model."""


class DivergedError(Cifar10Error, ArithmeticError):
  """A loss or a variable became NaN or infinite."""


def check_at_least_one(**values):
  """Raises UsageError unless each value, a number, is at least 1."""
  for name, value in values.items():
    if value < 1:
      raise UsageError('%s is %s: it must be at least 1' % (name, value))
