"""Signals to programs that are still loading TensorFlow."""

import os
import signal
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat.base import early_signals


class EarlySignalsTest(absltest.TestCase):

  def _start(self, *args, **kwargs):
    """Starts Python, and waits until it has begun to load TensorFlow."""
    process = subprocess.Popen(
        # Prints a line on stderr for each module that has been loaded.
        [sys.executable, '-X', 'importtime', *args],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )
    for line in process.stderr:
      if 'tensorflow.' in line:
        return process
    raise AssertionError('it ended without TensorFlow')

  def test_end_without_a_traceback(self):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
      for program in ('train', 'eval', 'export'):
        process = self._start('-m', 'cifar10_compat.cifar10_' + program)
        process.send_signal(signum)
        out, err = process.communicate()
        self.assertEqual((128 + signum, ''), (process.returncode, out), err)
        self.assertNotIn('Traceback', err)

  def test_ignored_hangup_stays_ignored(self):
    process = self._start(
        '-m',
        'cifar10_compat.cifar10_train',
        '--help',
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate()
    self.assertEqual(0, process.returncode)
    self.assertIn('--train_dir', out)

  def test_another_program_keeps_its_handlers(self):
    process = self._start('-c', 'from cifar10_compat import cifar10_train')
    process.send_signal(signal.SIGTERM)
    process.communicate()
    self.assertEqual(-signal.SIGTERM, process.returncode)

  def test_programs(self):
    for path, expected in (
        ('/usr/bin/cifar10_train', True),
        ('/x/cifar10_compat/cifar10_export.py', True),
        ('/x/tests/cifar10_export_test.py', False),
        ('', False),
    ):
      self.assertEqual(expected, early_signals.is_program(path), path)


if __name__ == '__main__':
  absltest.main()
