"""Runs the project's programs in processes of their own."""

import os
import subprocess
import sys

from cifar10_compat import errors


def command(module, args):
  """Returns the argument list that runs `python -m MODULE ARGS`."""
  return [sys.executable, '-m', module] + list(args)


def environment():
  """Returns our environment, in which a child finds what we can import."""
  # What starts us may find `tools` by the current directory alone.
  path = os.pathsep.join(p or os.getcwd() for p in sys.path)
  return dict(os.environ, PYTHONPATH=path)


def finish(module, args):
  """Runs `python -m MODULE ARGS` to its end, whatever that is.

  Returns:
    subprocess.CompletedProcess, with stdout and stderr as str.
  """
  return subprocess.run(
      command(module, args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
      text=True, env=environment(), check=False)


def run(module, args, what):
  """Runs `python -m MODULE ARGS` to its end.

  Args:
    module: str, such as 'tools.historical'.
    args: list of str.
    what: str, what cannot be done if it fails, for the message.

  Returns:
    str, what it printed on stdout.

  Raises:
    UsageError: it failed; its last line is in the message.  If it ended in a
      traceback, that has gone to stderr as it was.
  """
  result = finish(module, args)
  if result.returncode:
    if 'Traceback (most recent call last)' in result.stderr:
      sys.stderr.write(result.stderr)
    lines = result.stderr.strip().splitlines() or ['no message']
    raise errors.UsageError('%s: %s' % (what, lines[-1]))
  return result.stdout
