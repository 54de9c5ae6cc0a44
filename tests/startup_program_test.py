"""Programs that load TensorFlow: signals, garbage collection, environment."""

import signal
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat import startup
from tests.helpers import program as program_lib

# Variables that affect TensorFlow.
_UNSET = dict.fromkeys(
    (startup.ONEDNN, 'TF_CPP_MIN_LOG_LEVEL', 'TF_USE_LEGACY_KERAS')
)


def _run(*args, **variables):
  return program_lib.python(*args, env=_UNSET | variables)


class SignalsTest(absltest.TestCase):
  """Signals to programs that are still loading TensorFlow."""

  def _start(self, *args, **kwargs):
    """Starts Python, and waits until it has begun to load TensorFlow."""
    process = subprocess.Popen(
        # Prints a line on stderr for each loaded module.
        [sys.executable, '-X', 'importtime', *args],
        env=program_lib.environment(**_UNSET),
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

  def test_signals_that_do_not_end_it(self):
    for signum, kwargs in (
        # A question while TensorFlow loads.
        (signal.SIGUSR1, {}),
        # An ignored hangup stays ignored.
        (
            signal.SIGHUP,
            {
                'preexec_fn': lambda: signal.signal(
                    signal.SIGHUP, signal.SIG_IGN
                )
            },
        ),
    ):
      process = self._start('-m', 'cifar10_compat.cifar10_predict', **kwargs)
      process.send_signal(signum)
      _, err = process.communicate()
      self.assertEqual(1, process.returncode)
      self.assertIn('cifar10_predict.py: error: no image specified', err)

  def test_another_program_keeps_its_handlers(self):
    process = self._start('-c', 'from cifar10_compat import cifar10_train')
    process.send_signal(signal.SIGTERM)
    process.communicate()
    self.assertEqual(-signal.SIGTERM, process.returncode)


class GarbageTest(absltest.TestCase):
  """Checks when garbage collection is enabled, and which objects it skips."""

  # Prints the collection's state at the beginning of a program's main(), and at
  # its very end.
  CODE = """
import atexit, gc, sys, weakref
class Node:
  pass
def cycle():
  node = Node()
  node.itself = node
  return weakref.ref(node)
# Python 3.12 starts with some hundred objects set aside.
before = gc.get_freeze_count()
sys.argv = [%r]
from cifar10_compat import cifar10_predict
print('loaded', gc.isenabled(), gc.get_freeze_count() > before)
early = cycle()
def main(config, stop):
  late = cycle()
  gc.collect()
  print('main', gc.isenabled(), early() is not None, late() is None)
cifar10_predict.main = main
atexit.register(
    lambda: print('end', gc.isenabled(), len(gc.get_objects()) < 1000))
cifar10_predict.console_main()
"""

  def test_a_program_and_another_one_in_which_nothing_changes(self):
    for name, expected in (
        (
            'cifar10_predict.py',
            'loaded False False\nmain True True True\nend False True\n',
        ),
        (
            'somebody_s.py',
            'loaded True False\nmain True False True\nend True False\n',
        ),
    ):
      code, out, err = _run('-c', self.CODE % name)
      self.assertEqual((0, expected), (code, out), err)
    # A user's script that has the program's name.
    script = self.create_tempfile(
        'cifar10_predict.py', self.CODE % 'cifar10_predict.py'
    ).full_path
    code, out, err = _run(script)
    self.assertEqual((0, expected), (code, out), err)


class EnvironmentTest(absltest.TestCase):

  def test_a_real_program(self):
    for argv, expected in (
        (['cifar10_predict', '--fast'], '1'),
        (['/usr/bin/cifar10_predict'], 'None'),
        (['notebook', '--fast'], 'None'),
    ):
      _, out, err = _run(
          '-c',
          'import os, sys; sys.argv = %r; '
          'from cifar10_compat import cifar10_predict; '
          'print(os.environ.get(%r))' % (argv, startup.ONEDNN),
      )
      self.assertEqual(expected, out.strip(), err)
