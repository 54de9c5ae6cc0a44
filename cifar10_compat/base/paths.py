"""Resolves paths specified by the user."""

import os
import re

from cifar10_compat.base import errors

# TensorFlow treats names that start like a URL as paths in other file systems.
_URL = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*://')

# In a checkpoint's path, TensorFlow treats these characters as a pattern: it
# would not find the checkpoint it saved, and would remove matching files
# elsewhere.
_PATTERN = re.compile(r'[*?[\\]')


def user_path(path: str) -> str:
  """Resolves a path against the user's working directory.

  `bazel run` starts a program in Bazel's own tree, and passes the user's
  directory in BUILD_WORKING_DIRECTORY.

  Raises:
    UsageError: Python and TensorFlow interpret the path differently, or the
      path is a link to a missing file or directory.
  """
  errors.UsageError.raise_if(
      _URL.match(path),
      f'{path} is not a local file or directory: choose one, such as '
      '/tmp/NAME',
  )
  try:
    path.encode()
  except UnicodeEncodeError as e:
    raise errors.UsageError(
        f'{ascii(path)} is not valid UTF-8, which TensorFlow requires: choose '
        'another path'
    ) from e
  path = os.path.join(
      os.environ.get('BUILD_WORKING_DIRECTORY', ''), os.path.expanduser(path)
  )
  check_link(path)
  return path


def check_link(path: str) -> None:
  """Raises UsageError if a path is a link to a missing file or directory."""
  errors.UsageError.raise_if(
      os.path.islink(path) and not os.path.exists(path),
      f'{path} is a link to a missing file or directory: create the target, '
      'mount its disk, or choose another path',
  )


def checkpoint_directory(path: str) -> str:
  """Resolves the path of a checkpoint directory: see user_path().

  Raises:
    UsageError: see user_path(); or the path contains a pattern character, or
      names a checkpoint or a file instead of a directory.
  """
  found = user_path(path)
  errors.UsageError.raise_if(
      _PATTERN.search(found),
      f'{found} contains one of *?[\\, which TensorFlow treats as a pattern in '
      'the path of a checkpoint: choose a directory without these characters',
  )
  named = path.rstrip('/')
  above = os.path.dirname(named) or '.'
  errors.UsageError.raise_if(
      os.path.exists(found.rstrip('/') + '.index'),
      f'{named} is a checkpoint: choose its directory, {above}',
  )
  errors.UsageError.raise_if(
      os.path.exists(found) and not os.path.isdir(found),
      f'{named} is not a directory: choose one, such as {above}',
  )
  return found


def enter_user_directory() -> None:
  """Changes to the user's working directory.

  Programs that print or pass on paths exactly as the user wrote them call this
  function.
  """
  try:
    os.chdir(user_path('.'))
  except OSError as e:
    raise errors.UsageError(
        f'cannot enter the working directory ({e.strerror}): change to another '
        'directory'
    ) from e
