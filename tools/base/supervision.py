"""Runs several processes until they end, and stops all if one fails.

Each line of output starts with the process's name.
"""

from collections.abc import Mapping
import contextlib
import os
import selectors
import subprocess
import sys
import time
from typing import NamedTuple

from . import processes

# Seconds to wait for a process to save its state.
_GRACE_SECS = 60

# Separator between the name of a process and its output.
SEPARATOR = ' | '


class Task(NamedTuple):
  """A program to run as a supervised process."""

  name: str  # the prefix of each line of output
  module: str
  args: list[str]
  env: Mapping[str, str] = {}  # variables to add to the environment


class _Child:
  """A running Task.

  Attributes:
    name: str.
    streams: dict from each output pipe of the process to the file to which the
      lines are copied.
  """

  def __init__(self, task):
    self.name = task.name
    self._process = processes.start(
        task.module,
        task.args,
        task.env,
        # Only the parent gets Ctrl-C, and stops the children in order.
        group=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    self.streams = {
        self._process.stdout: sys.stdout,
        self._process.stderr: sys.stderr,
    }

  @property
  def exit_code(self):
    """None while running; 128 plus the signal number if a signal ended it."""
    code = self._process.poll()
    return 128 - code if code is not None and code < 0 else code

  def terminate(self):
    self._process.terminate()

  def kill(self):
    self._process.kill()
    self._process.wait()


class _Relay:
  """Copies the children's output lines, prefixed with the child's name."""

  def __init__(self):
    self._selector = selectors.DefaultSelector()
    # Dict from a pipe to the start of an incomplete line.
    self._unfinished = {}

  def add(self, child, width):
    for pipe, out in child.streams.items():
      self._unfinished[pipe] = b''
      self._selector.register(
          pipe,
          selectors.EVENT_READ,
          (('%-*s%s' % (width, child.name, SEPARATOR)).encode(), out),
      )

  def copy(self, secs):
    """Copies output for up to `secs` seconds; returns whether there was any."""
    ready = self._selector.select(secs)
    for key, _ in ready:
      pipe, (prefix, out) = key.fileobj, key.data
      data = os.read(pipe.fileno(), 1 << 16)
      *lines, rest = (self._unfinished[pipe] + data).split(b'\n')
      if not data:
        lines = [rest] if rest else []
        self._selector.unregister(pipe)
        pipe.close()
      self._unfinished[pipe] = rest
      for line in lines:
        out.write((prefix + line).decode(errors='replace') + '\n')
      out.flush()
    return bool(ready)

  def close(self):
    for pipe in self._selector.get_map().values():
      pipe.fileobj.close()
    self._selector.close()


def supervise(groups, stop, *, watchers=(), grace_secs=_GRACE_SECS):
  """Runs processes until they end; stops all if one fails.

  No process outlives this function or the calling process: see
  processes.start_command().

  Args:
    groups: list of lists of Task, in starting order.  The groups are stopped in
      reverse order, each after the next group has ended, so that a later group
      can save its work.
    stop: signals.StopRequest that stops all processes.
    watchers: list of Task, stopped as soon as all other processes have ended.
    grace_secs: number, the time after which a process that does not stop is
      killed.

  Returns:
    int, 0, or the exit code of the first failure, or 128 plus the number of the
    signal that requested the stop.
  """
  groups = list(groups) + [list(watchers)]
  width = max(len(task.name) for group in groups for task in group)
  running = []
  with contextlib.closing(_Relay()) as relay:
    try:
      for group in groups:
        running.append([])
        for task in group:
          child = _Child(task)
          running[-1].append(child)
          relay.add(child, width)
      return _wait(running, relay, stop)
    finally:
      for group in reversed(running):
        _stop(group, relay, grace_secs)


def _wait(running, relay, stop):
  """Waits for the processes of supervise(); returns the exit code."""
  children = [child for group in running for child in group]
  watchers = running[-1]
  while True:
    relay.copy(0.2)
    codes = {child: child.exit_code for child in children}
    for child, code in codes.items():
      if code:
        print(
            'launch: %s ended with exit code %d: stopping the others.'
            % (child.name, code),
            file=sys.stderr,
            flush=True,
        )
        return code
    if stop.requested:
      return 128 + stop.signum
    if all(codes[c] == 0 for c in children if c not in watchers):
      return 0


def _stop(children, relay, grace_secs):
  """Stops processes, kills any that are late, and copies the last output."""
  for child in children:
    if child.exit_code is None:
      child.terminate()
  end = time.monotonic() + grace_secs
  while any(child.exit_code is None for child in children):
    relay.copy(0.2)
    if time.monotonic() > end:
      for child in children:
        if child.exit_code is None:
          child.kill()
          print(
              'launch: %s did not end within %g seconds: killed.'
              % (child.name, grace_secs),
              file=sys.stderr,
              flush=True,
          )
  while relay.copy(0):
    pass
