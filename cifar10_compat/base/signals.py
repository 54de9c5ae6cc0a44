"""Turns signals into a request to stop at the next good moment, or to report."""

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
  """

  def __init__(self) -> None:
    self.signum: int | None = None
    self.insisted = False
    self.report: Callable[[], object] | None = None
    self.leave: Callable[[str], object] | None = None

  @property
  def requested(self) -> bool:
    return self.signum is not None

  def sleep(self, secs: float) -> bool:
    """Sleeps until there is a request; returns whether one came in `secs`."""
    end = time.monotonic() + secs
    while not self.requested and time.monotonic() < end:
      time.sleep(min(0.2, max(0.0, end - time.monotonic())))
    return self.requested


# Where nobody can ask for a stop.
NEVER = StopRequest()


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

  # The handlers stay: Python calls those of signals that come within one call of C
  # code later, in the order of their numbers, and misses one that has gone by then.
  handled: list[int] = []

  def handle(signum: int, frame: FrameType | None) -> None:
    stop.signum = stop.signum or signum
    if signum == signal.SIGHUP:
      return
    handled.append(signum)
    if len(handled) == 1:
      return
    if callable(previous[signum]):
      previous[signum](signum, frame)
    else:
      signal.signal(signum, previous[signum] or signal.SIG_DFL)
      os.kill(os.getpid(), signum)

  noted: list[int] = []

  def note(signum: int) -> None:
    if signum in _STOPPING:
      stop.signum = stop.signum or signum
      if signum != signal.SIGHUP:
        noted.append(signum)
        stop.insisted = len(noted) > 1
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
    while True:
      for signum in os.read(read_end, 1):
        if not signum:
          return
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
