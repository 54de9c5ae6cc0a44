"""A process whose main thread is inside C code, and real signals."""

import signal
import subprocess
import sys
import threading

from absl.testing import parameterized

# The C code of a lock restarts its wait after a handler, as do TensorFlow's
# waits.  Python's handlers do not run meanwhile; sleep() would run them.
_PROGRAM = r"""
import ctypes, os, sys, threading, time
from cifar10_compat.base import signals

def leave(signum):
  os.write(1, b'left at %d\n' % signum)
  os._exit(128 + signum)

def tell(stop):
  waits.acquire()
  sys.setswitchinterval(0.005)
  print('ready', flush=True)
  while not stop.requested:
    pass
  os.write(1, b'known: %d\n' % stop.signum)
  if stop.unsaved:
    time.sleep(10 * signals._TICK_SECS)
    os.write(1, b'saved\n')
    stop.unsaved = False

libc = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)  # A pthread_mutex_t.
libc.pthread_mutex_init(mutex, None)
libc.pthread_mutex_lock(mutex)
waits = threading.Lock()
waits.acquire()
with signals.stop_on_signals() as stop:
  stop.unsaved = 'unsaved' in sys.argv
  with signals.stop_deadline(
      stop, float(sys.argv[1]), leave, but_save='but_save' in sys.argv
  ):
    teller = threading.Thread(target=tell, args=(stop,), daemon=True)
    teller.start()
    # The teller continues only when this thread releases the interpreter, inside
    # the call that waits: a second signal before it would end Python.
    sys.setswitchinterval(3600)
    waits.release()
    if sys.argv[2] == 'blocked':
      libc.pthread_mutex_lock(mutex)  # It waits for itself, in C.
    stop.sleep(3600)
    teller.join()
print('ended well', flush=True)
sys.exit(128 + stop.signum)
"""


class StopDeadlineTest(parameterized.TestCase):

  def _start(self, secs, *state):
    process = subprocess.Popen(
        [sys.executable, '-c', _PROGRAM, str(secs), *state],
        stdout=subprocess.PIPE,
        text=True,
    )
    self.addCleanup(process.stdout.close)
    self.addCleanup(process.kill)
    # A limit, so that the test fails, instead of Bazel's timeout, if it hangs.
    limit = threading.Timer(60, process.kill)
    limit.start()
    self.addCleanup(limit.cancel)
    self.assertEqual('ready\n', process.stdout.readline())
    return process

  @parameterized.named_parameters(
      (
          'a_main_thread_that_is_stuck',
          (0.5, 'blocked'),
          [signal.SIGTERM],
          'left at 15\n',
      ),
      (
          'what_is_unsaved_is_waited_for',
          (0, 'blocked', 'but_save', 'unsaved'),
          [signal.SIGTERM],
          'saved\nleft at 15\n',
      ),
      (
          'a_second_signal_insists',
          (3600, 'blocked'),
          [signal.SIGTERM, signal.SIGINT],
          'left at 15\n',
      ),
      (
          'a_main_thread_that_is_free_ends_by_itself',
          (3600, 'free'),
          [signal.SIGINT],
          'ended well\n',
      ),
  )
  def test_with(self, args, signums, last):
    process = self._start(*args)
    first, *more = signums
    process.send_signal(first)
    self.assertEqual('known: %d\n' % first, process.stdout.readline())
    for signum in more:
      process.send_signal(signum)
    self.assertEqual(last, process.stdout.read())
    self.assertEqual(128 + first, process.wait(60))
