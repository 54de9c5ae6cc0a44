"""Requests to stop, by real signals to real processes."""

import os
import signal
import subprocess
import sys
import threading
import time

from absl.testing import absltest

from cifar10_compat.base import signals

# Prints a line when it listens; then waits for requests as an evaluator does.
_PROGRAM = """
from cifar10_compat.base import signals
with signals.stop_on_signals() as stop:
  print('ready', flush=True)
  while not stop.wait(600):
    pass
  print('asked by', stop.signum, flush=True)
  while True:  # What takes no notice, until someone insists.
    pass
"""

# The main thread waits in C, for a lock that it holds itself: no signal gets it
# out of there.
_BLOCKED = """
import ctypes, threading, time
from cifar10_compat.base import signals
lock = ctypes.create_string_buffer(64)  # Zeros, as a lock begins.
libc = ctypes.CDLL(None)
with signals.stop_on_signals() as stop:
  counts = iter(range(1, 9))
  stop.report = lambda: print('reported', next(counts), flush=True)
  def watch():
    print('ready', flush=True)
    while not stop.requested:
      time.sleep(0.01)
    print('asked by', stop.signum, flush=True)
  threading.Thread(target=watch).start()
  libc.pthread_mutex_lock(lock)
  libc.pthread_mutex_lock(lock)
"""


class SignalsTest(absltest.TestCase):

  def _start(self, source, **kwargs):
    process = subprocess.Popen(
        [sys.executable, '-c', source],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )
    self.assertEqual('ready\n', process.stdout.readline())
    return process

  def test_first_signal_asks_second_ends(self):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
      process = self._start(_PROGRAM)
      process.send_signal(signum)
      self.assertEqual('asked by %d\n' % signum, process.stdout.readline())
      self.assertIsNone(process.poll())
      process.send_signal(signum)
      _, err = process.communicate()
      if signum == signal.SIGINT:
        self.assertIn('KeyboardInterrupt', err)
      else:
        self.assertEqual(-signum, process.returncode)

  def test_ignored_hangup_stays_ignored(self):
    process = self._start(
        _PROGRAM,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    self.assertEqual('asked by 15\n', process.stdout.readline())
    process.kill()
    process.communicate()

  def test_while_the_main_thread_runs_no_python(self):
    process = self._start(_BLOCKED)
    for line in ('reported 1\n', 'reported 2\n'):
      process.send_signal(signal.SIGUSR1)
      self.assertEqual(line, process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    self.assertEqual('asked by 15\n', process.stdout.readline())
    process.kill()
    process.communicate()

  def test_handlers_are_restored(self):
    signums = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(s) for s in signums]
    threads = threading.active_count()
    with signals.stop_on_signals() as stop:
      self.assertFalse(stop.requested)
      os.kill(os.getpid(), signal.SIGUSR1)
      self.assertFalse(stop.requested)
      os.kill(os.getpid(), signal.SIGTERM)
      self.assertTrue(stop.wait(600))
      self.assertEqual(signal.SIGTERM, stop.signum)
    self.assertEqual(before, [signal.getsignal(s) for s in signums])
    self.assertEqual(-1, signal.set_wakeup_fd(-1))
    self.assertEqual(threads, threading.active_count())

  def test_wait_without_a_request(self):
    begin = time.monotonic()
    self.assertFalse(signals.StopRequest().wait(0.05))
    self.assertGreaterEqual(time.monotonic() - begin, 0.05)


if __name__ == '__main__':
  absltest.main()
