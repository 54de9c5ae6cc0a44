"""What every fault needs: an outcome, waiting with an end, and a busy machine."""

import contextlib
import os
import re
import socket
import sys
import tempfile
import time
from typing import NamedTuple

from tools.base import processes

# Under load each core has so many processes beside the one that it runs.
_BUSY_PER_CORE = 2


class Failed(Exception):
  """A fault was not survived; the message says what was seen instead."""


class Recovery(NamedTuple):
  """How a fault was survived."""

  steps_lost: int = None  # trained, and trained again after it; None: no matter
  seconds: float = None  # until training went on, or the program had ended
  message: str = ''  # what the program said of it, or where the fault fell


def wait_until(condition, secs, what, *, interval_secs=0.02):
  """Waits until a function returns something true, which it returns.

  Args:
    condition: function without arguments.
    secs: number, how long to wait.
    what: str, what is waited for, for the message.
    interval_secs: number, between two calls.

  Raises:
    Failed: it does not in time.
  """
  end = time.monotonic() + secs
  while not (found := condition()):
    if time.monotonic() > end:
      raise Failed('%s did not come within %g seconds' % (what, secs))
    time.sleep(interval_secs)
  return found


def check(condition, message):
  """Raises Failed with a message unless a condition is true."""
  if not condition:
    raise Failed(message)


@contextlib.contextmanager
def load(loaded):
  """Context in which each core has two processes more than it can run."""
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


def without_paths(message):
  """Returns a message without the scratch directories and the host of a try."""
  message = re.sub(re.escape(tempfile.gettempdir()) + r'/\w+/', '', message)
  return re.sub(
      r'(process \d+ on )%s\b' % re.escape(socket.gethostname()),
      r'\1HOST',
      message,
  )


def last_line(text):
  """Returns the last line of a text, '' of none."""
  return without_paths((text.strip().splitlines() or [''])[-1])


def check_one_line(
    ended: tuple[int, str, str], pattern: str, what: str, *, expected: int = 1
) -> str:
  """Checks that a program ended with an exit code and one line on stderr.

  Args:
    ended: the program's exit code, and what it printed on stdout and stderr.
    pattern: a regular expression that the line contains.
    what: the program and its fault.
    expected: the exit code.

  Returns:
    What the line says after 'error: '.

  Raises:
    Failed: it did not.
  """
  code, _, err = ended
  check(
      code == expected and err.count('\n') == 1 and re.search(pattern, err),
      f'{what}: exit code {code} and {without_paths(err)[-500:]!r}',
  )
  return last_line(err).partition('error: ')[2]
