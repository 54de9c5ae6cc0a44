"""The old TensorFlow versions that are available, and their requirements."""

import os
from typing import NamedTuple

from cifar10_compat.base import errors

_LOCKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'locks')

# The lock file for virtualenv, which creates the environments.
VIRTUALENV_LOCK = os.path.join(_LOCKS, 'virtualenv.txt')


class Runtime(NamedTuple):
  """One old TensorFlow version and its requirements."""

  version: str  # of TensorFlow
  python: str  # the Python version 'X.Y' of the lock file
  pyenv: str  # the name of the Python version in pyenv
  bundled: str = ''  # the tutorial's directory in site-packages, if bundled

  @property
  def lock(self):
    """The path of the lock file."""
    return os.path.join(_LOCKS, 'tensorflow-%s.txt' % self.version)

  @property
  def interpreter(self):
    """The name of the interpreter on PATH."""
    return 'python' + self.python

  @property
  def image(self):
    """The published container image of this TensorFlow."""
    return 'tensorflow/tensorflow:' + self.version


RUNTIMES = (
    Runtime(
        '0.12.1',
        '2.7',
        '2.7.18',
        os.path.join('tensorflow', 'models', 'image', 'cifar10'),
    ),
    Runtime('1.0.1', '2.7', '2.7.18'),
    Runtime('1.4.1', '2.7', '2.7.18'),
    Runtime('1.8.0', '2.7', '2.7.18'),
    Runtime('1.13.2', '2.7', '2.7.18'),
    Runtime('1.15.5', '3.7', '3.7.16'),
    Runtime('2.0.4', '3.7', '3.7.16'),
    Runtime('2.4.4', '3.8', '3.8.18'),
    Runtime('2.8.4', '3.10', '3.10.13'),
    Runtime('2.12.1', '3.11', '3.11.7'),
    Runtime('2.16.2', '3.11', '3.11.7'),
)
# The versions with which the port is compared: versions that use graph mode,
# with sessions and queues, by default.
COMPARED = tuple(r for r in RUNTIMES if int(r.version.partition('.')[0]) < 2)


def find(version, among=RUNTIMES):
  """Returns the Runtime of a TensorFlow version.

  Args:
    version: str, such as '0.12.1'.
    among: sequence of the allowed Runtimes.

  Raises:
    UsageError: the version is not in `among`.
  """
  for runtime in among:
    if runtime.version == version:
      return runtime
  raise errors.UsageError(
      'TensorFlow %s is not supported here: choose one of %s'
      % (version, ', '.join(r.version for r in among))
  )
