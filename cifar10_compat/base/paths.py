"""Paths as the user means them."""

import os
import re

from cifar10_compat.base import errors

# TensorFlow has file systems of its own for such names.
_URL = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*://')

# In the path of a checkpoint TensorFlow takes them for a pattern: it does not find
# what it saved there, and removes what fits the pattern elsewhere.
_PATTERN = re.compile(r'[*?[\\]')


def user_path(path: str) -> str:
  """Returns a path as seen from the user's working directory.

  `bazel run` starts a program in its own tree, and passes the user's directory
  in BUILD_WORKING_DIRECTORY.

  Raises:
    UsageError: it means one thing to Python and another to TensorFlow.
  """
  errors.UsageError.raise_if(
      _URL.match(path),
      f'{path} is no directory or file of this machine: name one, such as '
      '/tmp/NAME',
  )
  try:
    path.encode()
  except UnicodeEncodeError as e:
    raise errors.UsageError(
        f'{ascii(path)} is not in UTF-8, as TensorFlow needs names: choose '
        'another'
    ) from e
  return os.path.join(
      os.environ.get('BUILD_WORKING_DIRECTORY', ''), os.path.expanduser(path)
  )


def checkpoint_directory(path: str) -> str:
  """Returns user_path() of a directory for checkpoints.

  Raises:
    UsageError: see user_path(); or TensorFlow takes it for a pattern; or it is a
      checkpoint itself.
  """
  errors.UsageError.raise_if(
      _PATTERN.search(path),
      f'{path} has one of *?[\\, which TensorFlow takes for a pattern in the '
      'name of a checkpoint: choose a directory without them',
  )
  found = user_path(path)
  errors.UsageError.raise_if(
      os.path.exists(found + '.index'),
      f'{path} is a checkpoint: name its directory, '
      f'{os.path.dirname(path) or "."}',
  )
  return found


def enter_user_directory() -> None:
  """Changes to the user's working directory.

  For programs that print paths as they were given, or pass them on.
  """
  os.chdir(user_path('.'))
