"""Turns Ctrl-C and SIGTERM into a request to stop at the next good moment."""

import contextlib
import signal
import time


class StopRequest(object):
  """Whether someone asked the program to stop, and by which signal.

  A plain attribute instead of a threading.Event: a handler runs in the main
  thread between any two bytecodes, also where that thread holds the event's
  lock, and would wait for itself.
  """

  def __init__(self):
    self.signum = None

  @property
  def requested(self):
    return self.signum is not None

  def wait(self, secs):
    """Waits for a request, at most `secs` seconds; returns whether one came."""
    end = time.monotonic() + secs
    while not self.requested and time.monotonic() < end:
      time.sleep(min(0.2, max(0.0, end - time.monotonic())))
    return self.requested


@contextlib.contextmanager
def stop_on_signals():
  """Context in which SIGINT and SIGTERM only fill in the StopRequest it gives.

  A second signal acts as it did before, so that one can still insist.  To be
  entered in the main thread, as Python's signal.signal demands.
  """
  stop = StopRequest()
  previous = {}

  def handle(signum, unused_frame):
    stop.signum = signum
    restore()

  def restore():
    for s, handler in previous.items():
      signal.signal(s, handler)

  for s in (signal.SIGINT, signal.SIGTERM):
    previous[s] = signal.signal(s, handle)
  try:
    yield stop
  finally:
    restore()
