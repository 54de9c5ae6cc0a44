"""Turns signals into requests to stop at the next safe moment or to report.

Threads handle signals that cannot wait until the main thread returns from C
code.
"""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

# Signals that ask a program to stop: Ctrl-C, `kill`, and a closed terminal.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Seconds between two checks for a signal in stop_deadline().
_TICK_SECS = 0.1
# Seconds allowed for the main thread to exit after a second signal.
_INSIST_SECS = 1.0


class StopRequest:
  """Records the signal that asked the program to stop, if any.

  The attributes are plain values, not a threading.Event: a signal handler runs
  in the main thread between any two bytecodes, even while that thread holds the
  event's lock, and would deadlock.

  Attributes:
    signum: int, the first stop signal received, or None.
    insisted: bool, whether a second signal arrived.  SIGHUP does not count:
      when a terminal closes, both the shell and the kernel send SIGHUP.
    report: function without arguments that prints what the program is waiting
      for, called in a separate thread on each SIGUSR1; or None.
    leave: function that prints the message passed to it and ends the process,
      even if threads are blocked; None if the process must not be ended.
    unsaved: whether ending the process now would lose steps.
  """

  signum: int | None = None
  insisted = False
  report: Callable[[], object] | None = None
  leave: Callable[[str], object] | None = None
  unsaved = False

  @property
  def requested(self) -> bool:
    return self.signum is not None

  def sleep(self, secs: float) -> bool:
    """Sleeps for up to `secs` seconds; returns whether a stop was requested."""
    end = time.monotonic() + secs
    while not self.requested and time.monotonic() < end:
      time.sleep(min(0.2, max(0.0, end - time.monotonic())))
    return self.requested


class _Never(StopRequest):
  """A StopRequest that never requests a stop; its attributes cannot be set."""

  def __setattr__(self, name: str, value: object) -> None:
    pass


# The default for functions that take a StopRequest.
NEVER: StopRequest = _Never()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
  """Context in which stop signals only set the StopRequest that it yields.

  The signals are SIGINT, SIGTERM and SIGHUP.  A second SIGINT or SIGTERM has
  its original effect, so that the user can force the program to end.  If SIGHUP
  was already ignored, as under nohup, it stays ignored.  SIGUSR1 calls
  StopRequest.report.

  Signals take effect at once, even while the main thread is blocked in
  TensorFlow, where Python runs no handler.  The context must be entered in the
  main thread, as Python's signal.signal requires.
  """
  stop = StopRequest()
  previous: dict[int, Any] = {}

  def insists(signum: int, earlier: list[int]) -> bool:
    """Records a stop signal; returns whether it is the second signal."""
    stop.signum = stop.signum or signum
    if signum != signal.SIGHUP:
      earlier.append(signum)
    return signum != signal.SIGHUP and len(earlier) > 1

  # Keep the handlers after the first signal.  If several signals arrive during
  # one call of C code, Python calls their handlers afterwards, in the order of
  # signal numbers, and would skip a handler that has been removed.
  handled: list[int] = []

  def handle(signum: int, frame: FrameType | None) -> None:
    if not insists(signum, handled):
      return
    if callable(previous[signum]):
      previous[signum](signum, frame)
    else:
      signal.signal(signum, previous[signum] or signal.SIG_DFL)
      os.kill(os.getpid(), signum)

  noted: list[int] = []

  def note(signum: int) -> None:
    if signum in STOPPING:
      stop.insisted = insists(signum, noted) or stop.insisted
    elif signum == signal.SIGUSR1 and (report := stop.report):
      # Whatever fails in a report, for example because the reader of its pipe
      # has exited: keep listening for signals.
      with contextlib.suppress(Exception):
        report()

  with _told_at_once(note):
    for s in map(int, STOPPING):
      if s != signal.SIGHUP or signal.getsignal(s) != signal.SIG_IGN:
        previous[s] = signal.signal(s, handle)
    # The handler does nothing, because the listening thread receives the signal
    # too.
    previous[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
      yield stop
    finally:
      for s, handler in previous.items():
        # None is a handler that was not installed by Python.
        signal.signal(s, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def _told_at_once(note: Callable[[int], None]) -> Iterator[None]:
  """Context in which a separate thread calls note(signum) for each signal.

  The thread receives only signals that have a Python handler.
  """
  read_end, write_end = os.pipe()
  os.set_blocking(write_end, False)

  def listen() -> None:
    for signum in iter(lambda: ord(os.read(read_end, 1)), 0):
      note(signum)

  thread = threading.Thread(target=listen, name='signals', daemon=True)
  before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
  thread.start()
  try:
    yield
  finally:
    signal.set_wakeup_fd(before)
    os.write(write_end, b'\0')
    thread.join()
    os.close(read_end)
    os.close(write_end)


@contextlib.contextmanager
def watching(
    name: str, watch: Callable[[threading.Event], object]
) -> Iterator[None]:
  """Context in which a thread runs a function.

  Args:
    name: the thread's name.
    watch: the function.  Its argument is an event that is set when the context
      ends; the function must then return soon, since the context waits for it.
  """
  over = threading.Event()
  thread = threading.Thread(target=watch, args=[over], name=name, daemon=True)
  thread.start()
  try:
    yield
  finally:
    over.set()
    thread.join()


def stop_deadline(
    stop: StopRequest,
    secs: float,
    leave: Callable[[int], object],
    *,
    but_save: bool = False,
) -> contextlib.AbstractContextManager[None]:
  """Returns a context that enforces a time limit on a stop request.

  Enter the context within stop_on_signals(), which records a signal at once,
  even if session.run() hangs.

  Args:
    stop: the StopRequest that stop_on_signals() yields.
    secs: seconds from the first signal to the call of `leave`.  After a second
      signal, at most one more second passes.
    leave: function that takes the first signal's number and ends the process,
      even if the main thread is blocked.  Not called after the context has
      ended.
    but_save: whether to delay the call of `leave` while stop.unsaved is set.
  """

  def watch(over: threading.Event) -> None:
    end = float('inf')
    while not over.wait(_TICK_SECS):
      now = time.monotonic()
      # Keep the time at which each signal was first seen: a later time would
      # extend the limit.
      if stop.requested:
        end = min(end, now + secs)
      if stop.insisted:
        end = min(end, now + _INSIST_SECS)
      if now >= end and not (but_save and stop.unsaved):
        leave(stop.signum or 0)
        return

  return watching('stop deadline', watch)
