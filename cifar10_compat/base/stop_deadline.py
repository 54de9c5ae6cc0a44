"""Ends a process in time after a signal, also while C code holds its main thread."""

import threading
import time

# How often it looks whether a signal came.
_TICK_SECS = 0.1
# From a second signal to the end, for a main thread that is about to end.
_INSIST_SECS = 1.0


class StopDeadline(object):
  """Context in which a stop request is met in time.

  To be entered within signals.stop_on_signals(), which fills in the request at
  once, also during a session.run() that does not return.
  """

  def __init__(self, stop, secs, leave):
    """Makes the context.

    Args:
      stop: signals.StopRequest.
      secs: number, from the first signal to the call of `leave`.  A second
        signal cuts this to one second.
      leave: function of a signal's number that ends the process whatever its
        main thread does.  It is not called once the context has ended.
    """
    self._stop = stop
    self._secs = secs
    self._leave = leave
    self._over = threading.Event()

  def __enter__(self):
    self._thread = threading.Thread(
        target=self._watch, name='stop deadline', daemon=True
    )
    self._thread.start()
    return self

  def __exit__(self, *unused_exc_info):
    self._over.set()
    self._thread.join()

  def _watch(self):
    first = insisted = None
    while not self._over.wait(_TICK_SECS):
      now = time.monotonic()
      if first is None and self._stop.requested:
        first = now
      if insisted is None and self._stop.insisted:
        insisted = now
      if (first is not None and now >= first + self._secs) or (
          insisted is not None and now >= insisted + _INSIST_SECS
      ):
        self._leave(self._stop.signum)
        return
