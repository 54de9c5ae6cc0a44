"""Code shared by all faults: outcomes, waits with a time limit, and load."""

import contextlib
import os
import re
import socket
import sys
import tempfile
import time
from typing import NamedTuple

from tools.base import processes

# Number of additional processes per core under load.
_BUSY_PER_CORE = 2


class Failed(Exception):
  """A program did not recover from a fault; the message says why."""


class Recovery(NamedTuple):
  """A program's recovery from a fault."""

  # Number of steps to repeat after the fault; None if not applicable.
  steps_lost: int = None
  seconds: float = None  # seconds until training continued or the program ended
  message: str = ''  # the program's message, or when the fault occurred


def wait_until(condition, secs, what, *, interval_secs=0.02):
  """Waits until a function returns a true value, and returns the value.

  Args:
    condition: function without arguments.
    secs: number, the time limit.
    what: str, the awaited event, for the error message.
    interval_secs: number, the time between two calls.

  Raises:
    Failed: the time limit is exceeded.
  """
  end = time.monotonic() + secs
  while not (found := condition()):
    if time.monotonic() > end:
      raise Failed('%s did not occur within %g seconds' % (what, secs))
    time.sleep(interval_secs)
  return found


def check(condition, message):
  """Raises Failed with a message unless a condition is true."""
  if not condition:
    raise Failed(message)


@contextlib.contextmanager
def load(loaded):
  """Context in which two busy processes run per core, if `loaded` is true."""
  busy = [
      processes.start_command([sys.executable, '-c', 'while True: pass'])
      for _ in range(loaded * _BUSY_PER_CORE * (os.cpu_count() or 1))
  ]
  try:
    yield
  finally:
    for process in busy:
      process.kill()
      process.wait()


def replace(path, way):
  """Replaces a file.

  Args:
    path: str, the path of the file.
    way: str, 'directory', 'pipe', 'device', or 'link' for a link to itself; for
      any other value, the file is only removed.
  """
  os.remove(path)
  if way == 'directory':
    os.mkdir(path)
  elif way == 'pipe':
    os.mkfifo(path)
  elif way in ('device', 'link'):
    os.symlink('/dev/zero' if way == 'device' else os.path.basename(path), path)


def without_paths(message):
  """Returns a message without the scratch directories and the host name."""
  message = re.sub(re.escape(tempfile.gettempdir()) + r'/\w+/', '', message)
  return re.sub(
      r'(process \d+ on )%s\b' % re.escape(socket.gethostname()),
      r'\1HOST',
      message,
  )


def last_line(text):
  """Returns the last line of a text, or ''."""
  return without_paths((text.strip().splitlines() or [''])[-1])


def check_one_line(
    ended: tuple[int, str, str], pattern: str, what: str, *, expected: int = 1
) -> str:
  """Checks that a program ended with an exit code and one line on stderr.

  Args:
    ended: (exit code, stdout, stderr) of the program.
    pattern: a regular expression that the line must contain.
    what: the program and its fault, for the error message.
    expected: the expected exit code.

  Returns:
    The text of the line after 'error: '.

  Raises:
    Failed: the exit code or the output is different.
  """
  code, _, err = ended
  check(
      code == expected and err.count('\n') == 1 and re.search(pattern, err),
      f'{what}: exit code {code} and {without_paths(err)[-500:]!r}',
  )
  return last_line(err).partition('error: ')[2]
