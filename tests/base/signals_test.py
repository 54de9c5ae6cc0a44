"""Requests to stop, with real signals to real processes."""

import os
import signal
import subprocess
import sys
import threading
import time

from absl.testing import absltest

from cifar10_compat.base import signals

# Prints a line when it is ready; then waits for requests as an evaluator does.
_PROGRAM = """
from cifar10_compat.base import signals
with signals.stop_on_signals() as stop:
  stop.report = lambda: print('still here', flush=True) or no_such_name
  print('ready', flush=True)
  while not stop.sleep(600):
    pass
  print('asked by', stop.signum, flush=True)
  while True:  # What takes no notice, until someone insists.
    pass
"""

# The main thread waits in C for a lock that it holds itself: no signal can
# interrupt it.
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


# The main thread is in one call of C code until a line comes on stdin.
_LATE = """
import ctypes, sys, threading, time
from cifar10_compat.base import signals
lock = ctypes.create_string_buffer(64)
libc = ctypes.CDLL(None)
with signals.stop_on_signals() as stop:
  def watch():
    print('ready', flush=True)
    while not stop.requested:
      time.sleep(0.01)
    print('asked by', stop.signum, flush=True)
    sys.stdin.readline()
    libc.pthread_mutex_unlock(lock)
  threading.Thread(target=watch).start()
  libc.pthread_mutex_lock(lock)
  libc.pthread_mutex_lock(lock)
  print('still asked by', stop.signum, stop.insisted, flush=True)
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
    self.addCleanup(process.communicate)
    self.addCleanup(process.kill)
    self.assertEqual('ready\n', process.stdout.readline())
    return process

  def _assert_says(self, process, line, *signums):
    """Sends signals to a process; checks the next line of its output."""
    for signum in signums:
      process.send_signal(signum)
    self.assertEqual(line + '\n', process.stdout.readline())

  def test_first_signal_asks_second_ends(self):
    for signum in (signal.SIGINT, signal.SIGTERM):
      process = self._start(_PROGRAM)
      self._assert_says(process, 'asked by %d' % signum, signum)
      self.assertIsNone(process.poll())
      process.send_signal(signum)
      err = process.stderr.read()
      if signum == signal.SIGINT:
        self.assertIn('KeyboardInterrupt', err)
      else:
        self.assertEqual(-signum, process.wait())

  def test_a_hangup_insists_on_nothing(self):
    # When a terminal closes, both the shell and the kernel send SIGHUP.
    process = self._start(_PROGRAM)
    self._assert_says(process, 'asked by 1', signal.SIGHUP)
    for signum in (signal.SIGHUP, signal.SIGTERM):
      self._assert_says(process, 'still here', signum, signal.SIGUSR1)
    process.send_signal(signal.SIGINT)
    self.assertNotEqual(0, process.wait())

  def test_signals_that_come_within_one_call(self):
    # As systemd stops a service.  Python then first calls the handler of signal
    # 1.
    process = self._start(_LATE, stdin=subprocess.PIPE)
    self._assert_says(process, 'asked by 15', signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    process.stdin.write('\n')
    process.stdin.flush()
    self._assert_says(process, 'still asked by 15 False')
    self.assertEqual('', process.stderr.read())

  def test_ignored_hangup_stays_ignored(self):
    process = self._start(
        _PROGRAM,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    self._assert_says(process, 'asked by 15', signal.SIGHUP, signal.SIGTERM)

  def test_while_the_main_thread_runs_no_python(self):
    process = self._start(_BLOCKED)
    for line, signum in (
        ('reported 1', signal.SIGUSR1),
        ('reported 2', signal.SIGUSR1),
        ('asked by 15', signal.SIGTERM),
    ):
      self._assert_says(process, line, signum)

  def test_handlers_are_restored(self):
    signums = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(s) for s in signums]
    threads = threading.active_count()
    with signals.stop_on_signals() as stop:
      self.assertFalse(stop.requested)
      os.kill(os.getpid(), signal.SIGUSR1)
      self.assertFalse(stop.requested)
      os.kill(os.getpid(), signal.SIGTERM)
      self.assertTrue(stop.sleep(600))
      self.assertEqual(signal.SIGTERM, stop.signum)
    self.assertEqual(before, [signal.getsignal(s) for s in signums])
    self.assertEqual(-1, signal.set_wakeup_fd(-1))
    self.assertEqual(threads, threading.active_count())

  def test_the_shared_request_does_not_change(self):
    signals.NEVER.unsaved = True
    signals.NEVER.report = print
    self.assertEqual(
        (False, None), (signals.NEVER.unsaved, signals.NEVER.report)
    )

  def test_sleep_without_a_request(self):
    begin = time.monotonic()
    self.assertFalse(signals.StopRequest().sleep(0.05))
    self.assertGreaterEqual(time.monotonic() - begin, 0.05)
