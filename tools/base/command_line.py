"""What the tools' command lines share: flags, errors, what is written."""

import argparse
from collections.abc import Iterator
import contextlib
import functools
import os
import signal
import sys

from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import paths


class Parser(argparse.ArgumentParser):
  """Raises UsageError where argparse would print its usage and exit with 2.

  The description keeps its lines, and an option's name may not be cut short.
  """

  def __init__(self, **kwargs):
    super().__init__(
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **kwargs,
    )

  def error(self, message):
    raise errors.UsageError(message + ' (--help explains)')


def path(text):
  """Returns what the user names, an absolute path; None for None."""
  return text and os.path.abspath(paths.user_path(text))


@contextlib.contextmanager
def writing(path: str, flag: str) -> Iterator[None]:
  """Context in which what a flag names is written.

  Raises:
    UsageError: it cannot be, for an OSError.
  """
  try:
    yield
  except OSError as e:
    raise errors.UsageError(
        f'cannot write {path} ({e.strerror}): choose another {flag}'
    ) from e


def program(name):
  """Makes a tool's main() of a function of its command line.

  Args:
    name: str, the tool's.

  Returns:
    Decorator for a function from a list of str to the exit code.  What it returns
    takes the list without the program's name, by default that of the process.
  """

  def decorator(body):
    @functools.wraps(body)
    def main(argv=None):
      return run(name, lambda: body(argv))

    return main

  return decorator


def run(name, body):
  """Runs a tool; what is foreseen as a user's mistake is one line on stderr.

  For output that does not arrive see output.arrives().  Ctrl-C ends it without a
  word, once it has cleared away what it was making.

  Args:
    name: str, the tool's.
    body: function without arguments that returns the exit code.

  Returns:
    int, the exit code.
  """
  try:
    # It was another while the tool was loaded: see tools/__init__.py.
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
      signal.signal(signal.SIGINT, signal.default_int_handler)
    with output.arrives(name):
      return body()
  except KeyboardInterrupt:
    return 128 + signal.SIGINT
  except errors.Cifar10Error as e:
    print('%s: error: %s' % (name, e), file=sys.stderr)
    return 1
