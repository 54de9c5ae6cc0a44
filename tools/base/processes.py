"""Runs the project's programs in processes of their own."""

import contextlib
import os
import socket
import subprocess
import sys

from cifar10_compat.base import errors


def tool(name):
  """Returns the full name of a module of ours.

  Args:
    name: str, such as 'editions.scripts'.
  """
  # The package is called tools here, and cifar10_compat_tools once installed.
  return __package__.rpartition('.')[0] + '.' + name


def command(module, args):
  """Returns the argument list that runs `python -m MODULE ARGS`."""
  return [sys.executable, '-m', module] + list(args)


def environment():
  """Returns our environment, in which a child finds what we can import."""
  # What starts us may find `tools` by the current directory alone.
  path = os.pathsep.join(p or os.getcwd() for p in sys.path)
  return dict(os.environ, PYTHONPATH=path)


def finish(module, args, env=()):
  """Runs `python -m MODULE ARGS` to its end, whatever that is.

  Args:
    module: str, such as 'cifar10_compat.cifar10_train'.
    args: list of str.
    env: dict from str to str, beside our own environment.

  Returns:
    subprocess.CompletedProcess, with stdout and stderr as str.
  """
  return subprocess.run(
      command(module, args),
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      env=dict(environment(), **dict(env)),
      check=False,
  )


def run(module, args, what, env=()):
  """Runs `python -m MODULE ARGS` to its end.

  Args:
    module: str, such as 'cifar10_compat.cifar10_train'.
    args: list of str.
    what: str, what cannot be done if it fails, for the message.
    env: dict from str to str, beside our own environment.

  Returns:
    str, what it printed on stdout.

  Raises:
    UsageError: it failed; its last line is in the message.  If it ended in a
      traceback, that has gone to stderr as it was.
  """
  result = finish(module, args, env)
  if result.returncode:
    if 'Traceback (most recent call last)' in result.stderr:
      sys.stderr.write(result.stderr)
    lines = result.stderr.strip().splitlines() or ['no message']
    raise errors.UsageError('%s: %s' % (what, lines[-1]))
  return result.stdout


def free_addresses(number):
  """Returns addresses of this machine at which nobody listens."""
  with contextlib.ExitStack() as stack:
    sockets = [
        stack.enter_context(socket.create_server(('127.0.0.1', 0)))
        for _ in range(number)
    ]
    return ['127.0.0.1:%d' % s.getsockname()[1] for s in sockets]
