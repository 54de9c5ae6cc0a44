"""Paths as the user means them."""

import os


def user_path(path: str) -> str:
  """Returns a path as seen from the user's working directory.

  `bazel run` starts a program in its own tree, and passes the user's directory
  in BUILD_WORKING_DIRECTORY.
  """
  return os.path.join(
      os.environ.get('BUILD_WORKING_DIRECTORY', ''), os.path.expanduser(path)
  )


def enter_user_directory() -> None:
  """Changes to the user's working directory.

  For programs that print paths as they were given, or pass them on.
  """
  os.chdir(user_path('.'))
