"""Turns signals into a request to stop at the next good moment, or to report.

Threads do what cannot wait for a main thread that is inside C code.
"""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

# What asks a program to stop: Ctrl-C, `kill`, and a terminal that is closed.
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# How often a stop_deadline() looks whether a signal came.
_TICK_SECS = 0.1
# From a second signal to the end, for a main thread that is about to end.
_INSIST_SECS = 1.0


class StopRequest:
  """Whether someone asked the program to stop, and by which signal.

  A plain attribute instead of a threading.Event: a handler runs in the main
  thread between any two bytecodes, also where that thread holds the event's
  lock, and would wait for itself.

  Attributes:
    signum: int, the first such signal, or None.
    insisted: bool, whether a second one came, SIGHUP not counted: a shell whose
      terminal is closed sends one, and then the kernel.
    report: function without arguments that prints what the program is waiting
      for, called in a thread of its own at each SIGUSR1; or None.
    leave: function of a message that ends the process, whatever its threads wait
      for, with that message; or None where that is not for us to do.
    unsaved: whether the process has steps that would be lost if it ended at once.
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
    """Sleeps until there is a request; returns whether one came in `secs`."""
    end = time.monotonic() + secs
    while not self.requested and time.monotonic() < end:
      time.sleep(min(0.2, max(0.0, end - time.monotonic())))
    return self.requested


class _Never(StopRequest):
  """A request that nobody makes, and that all share: it does not change."""

  def __setattr__(self, name: str, value: object) -> None:
    pass


# Where nobody can ask for a stop.
NEVER: StopRequest = _Never()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
  """Context in which the stopping signals only fill in the StopRequest it gives.

  These are SIGINT, SIGTERM and SIGHUP.  A second one of the first two acts as it did
  before, so that one can still insist.  A SIGHUP that was ignored before, as under
  nohup, stays ignored.  SIGUSR1 calls the StopRequest's report.

  The request is filled in, and the report printed, at once, also while the main
  thread waits in TensorFlow, where Python runs no handler.  To be entered in the
  main thread, as Python's signal.signal demands.
  """
  stop = StopRequest()
  previous: dict[int, Any] = {}

  def insists(signum: int, earlier: list[int]) -> bool:
    """Fills in the request; returns whether the signal is a second one."""
    stop.signum = stop.signum or signum
    if signum != signal.SIGHUP:
      earlier.append(signum)
    return signum != signal.SIGHUP and len(earlier) > 1

  # The handlers stay: Python calls those of signals that come within one call of C
  # code later, in the order of their numbers, and misses one that has gone by then.
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
    if signum in _STOPPING:
      stop.insisted = insists(signum, noted) or stop.insisted
    elif signum == signal.SIGUSR1 and stop.report:
      # Whoever asked may be gone; the next one is to be heard.
      with contextlib.suppress(OSError, ValueError):
        stop.report()

  with _told_at_once(note):
    for s in map(int, _STOPPING):
      if s != signal.SIGHUP or signal.getsignal(s) != signal.SIG_IGN:
        previous[s] = signal.signal(s, handle)
    # That it comes is what matters: the thread above does what is asked.
    previous[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
      yield stop
    finally:
      for s, handler in previous.items():
        signal.signal(s, handler)


@contextlib.contextmanager
def _told_at_once(note: Callable[[int], None]) -> Iterator[None]:
  """Context in which a thread calls note(signum) for each signal that comes.

  Only for signals that have a handler in Python.
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
  """Context in which a thread watches something.

  Args:
    name: the thread's.
    watch: what it calls.  It gets an event, and returns soon after that is set,
      at the end of the context, which waits for it.
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
  """Returns a context in which a stop request is met in time.

  To be entered within stop_on_signals(), which fills in the request at once,
  also during a session.run() that does not return.

  Args:
    stop: what the signals fill in.
    secs: seconds from the first signal to the call of `leave`.  A second
      signal cuts this to one second.
    leave: ends the process whatever its main thread does; it gets the first
      signal's number.  It is not called once the context has ended.
    but_save: whether it is not called as long as stop.unsaved.
  """

  def watch(over: threading.Event) -> None:
    end = float('inf')
    while not over.wait(_TICK_SECS):
      now = time.monotonic()
      # Of each signal the first look counts: later ones give later ends.
      if stop.requested:
        end = min(end, now + secs)
      if stop.insisted:
        end = min(end, now + _INSIST_SECS)
      if now >= end and not (but_save and stop.unsaved):
        leave(stop.signum or 0)
        return

  return watching('stop deadline', watch)
