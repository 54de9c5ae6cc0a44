"""Code for the command lines of the tools: flags, errors, output files."""

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
from cifar10_compat.base import signals


class Parser(argparse.ArgumentParser):
  """An ArgumentParser that raises UsageError instead of exiting with code 2.

  The description keeps its line breaks, and options cannot be abbreviated.
  """

  def __init__(self, **kwargs):
    super().__init__(
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **kwargs,
    )

  def add_data_dir(self):
    """Adds the required flag --data_dir."""
    self.add_argument(
        '--data_dir',
        required=True,
        metavar='DIR',
        help='directory that contains cifar-10-batches-bin',
    )

  def error(self, message):
    raise errors.UsageError(message + ' (--help explains)')


def path(text):
  """Converts a user's path to an absolute path; returns None for None."""
  return text and os.path.abspath(paths.user_path(text))


@contextlib.contextmanager
def writing(path: str, flag: str) -> Iterator[None]:
  """Context for writing a flag's file or directory.

  Raises:
    UsageError: an OSError occurs in the context.
  """
  try:
    yield
  except OSError as e:
    raise errors.UsageError(
        f'cannot write {path} ({e.strerror}): choose another {flag}'
    ) from e


def program(name):
  """Returns a decorator that turns a function into a tool's main().

  Args:
    name: str, the tool's name.

  Returns:
    Decorator for a function that takes a list of str and returns the exit code.
    The list is a command line without the program's name; by default, the
    command line of the process.
  """

  def decorator(body):
    @functools.wraps(body)
    def main(argv=None):
      return run(name, lambda: body(argv))

    return main

  return decorator


class _Stopped(KeyboardInterrupt):
  """Raised when a stop signal arrives."""

  def __init__(self, signum):
    super().__init__()
    self.signum = signum


def _stop(signum, unused_frame):
  raise _Stopped(signum)


def run(name, body):
  """Runs a tool; an expected error becomes one line on stderr.

  For failed writes to stdout, see output.arrives().  After a stop signal, the
  tool removes incomplete files and ends silently.

  Args:
    name: str, the tool's name.
    body: function without arguments that returns the exit code.

  Returns:
    int, the exit code.
  """
  try:
    for signum in signals.STOPPING:
      # Replace Python's handlers and the handler of tools/__init__.py, but not
      # the SIGHUP handler that nohup sets.
      if signal.getsignal(signum) in (
          signal.SIG_DFL,
          signal.default_int_handler,
      ):
        signal.signal(signum, _stop)
    with output.arrives(name):
      return body()
  except _Stopped as e:
    return 128 + e.signum
  except KeyboardInterrupt:
    return 128 + signal.SIGINT
  except errors.Cifar10Error as e:
    print('%s: error: %s' % (name, e), file=sys.stderr)
    return 1
