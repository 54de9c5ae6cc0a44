"""Ends a process in time after a signal, also while C code holds its main thread."""

from collections.abc import Callable
import math
import threading
import time

from cifar10_compat.base import signals

# How often it looks whether a signal came.
_TICK_SECS = 0.1
# From a second signal to the end, for a main thread that is about to end.
_INSIST_SECS = 1.0


class StopDeadline:
  """Context in which a stop request is met in time.

  To be entered within signals.stop_on_signals(), which fills in the request at
  once, also during a session.run() that does not return.
  """

  def __init__(
      self,
      stop: signals.StopRequest,
      secs: float,
      leave: Callable[[int], object],
  ) -> None:
    """Makes the context.

    Args:
      stop: what the signals fill in.
      secs: seconds from the first signal to the call of `leave`.  A second
        signal cuts this to one second.
      leave: ends the process whatever its main thread does; it gets the first
        signal's number.  It is not called once the context has ended.
    """
    self._stop = stop
    self._secs = secs
    self._leave = leave
    self._over = threading.Event()

  def __enter__(self) -> 'StopDeadline':
    self._thread = threading.Thread(
        target=self._watch, name='stop deadline', daemon=True
    )
    self._thread.start()
    return self

  def __exit__(self, *unused_exc_info: object) -> None:
    self._over.set()
    self._thread.join()

  def _watch(self) -> None:
    end = math.inf
    while not self._over.wait(_TICK_SECS):
      now = time.monotonic()
      # Of each signal the first look counts: later ones give later ends.
      if self._stop.requested:
        end = min(end, now + self._secs)
      if self._stop.insisted:
        end = min(end, now + _INSIST_SECS)
      if now >= end:
        self._leave(self._stop.signum or 0)
        return
