"""Requests to stop, by real signals to real processes."""

import os
import signal
import subprocess
import sys
import time

from absl.testing import absltest

from cifar10_compat import signals

# Prints a line when it listens; then waits for requests as an evaluator does.
_PROGRAM = """
from cifar10_compat import signals
with signals.stop_on_signals() as stop:
  print('ready', flush=True)
  while not stop.wait(600):
    pass
  print('asked by', stop.signum, flush=True)
  while True:  # What takes no notice, until someone insists.
    pass
"""


class SignalsTest(absltest.TestCase):

  def test_first_signal_asks_second_ends(self):
    for signum in (signal.SIGINT, signal.SIGTERM):
      process = subprocess.Popen([sys.executable, '-c', _PROGRAM], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
      self.assertEqual('ready\n', process.stdout.readline())
      process.send_signal(signum)
      self.assertEqual('asked by %d\n' % signum, process.stdout.readline())
      self.assertIsNone(process.poll())
      process.send_signal(signum)
      _, err = process.communicate()
      if signum == signal.SIGINT:
        self.assertIn('KeyboardInterrupt', err)
      else:
        self.assertEqual(-signum, process.returncode)

  def test_handlers_are_restored(self):
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with signals.stop_on_signals() as stop:
      self.assertFalse(stop.requested)
      os.kill(os.getpid(), signal.SIGTERM)
      self.assertTrue(stop.wait(600))
      self.assertEqual(signal.SIGTERM, stop.signum)
    self.assertEqual(before, [signal.getsignal(s)
                              for s in (signal.SIGINT, signal.SIGTERM)])

  def test_wait_without_a_request(self):
    begin = time.monotonic()
    self.assertFalse(signals.StopRequest().wait(0.05))
    self.assertGreaterEqual(time.monotonic() - begin, 0.05)


if __name__ == '__main__':
  absltest.main()
