"""Runs the project's programs in processes of their own."""

import os
import subprocess
import sys

from cifar10_compat import errors


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
  # What starts us may find `tools` by the current directory alone.
  path = os.pathsep.join(p or os.getcwd() for p in sys.path)
  result = subprocess.run(
      [sys.executable, '-m', module] + list(args), stdout=subprocess.PIPE,
      stderr=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=path))
  if result.returncode:
    if 'Traceback (most recent call last)' in result.stderr:
      sys.stderr.write(result.stderr)
    lines = result.stderr.strip().splitlines() or ['no message']
    raise errors.UsageError('%s: %s' % (what, lines[-1]))
  return result.stdout
