"""Processes that end together: small programs replace trainers."""

import io
import os
import pathlib
import signal
import subprocess
import sys
import time
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import signals
from tools.base import processes
from tools.base import supervision

_TIMEOUT_SECS = 60

# Reports its start, writes its process id into a file, and runs until a stop
# signal; then it removes the file and ends with the given code.
_STAYS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print('here', flush=True)
with open(sys.argv[1] + '.new', 'w') as f:
  f.write(str(os.getpid()))
os.rename(sys.argv[1] + '.new', sys.argv[1])
signal.sigwait([signal.SIGTERM])
for path in sys.argv[3:]:
  print('found' if os.path.exists(path) else 'missing', os.path.basename(path))
os.remove(sys.argv[1])
sys.exit(int(sys.argv[2]))
"""

_DEAF = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
open(sys.argv[1], 'w').close()
signal.pause()
"""

_FAILS_ONCE_THERE_IS = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
  time.sleep(0.02)
sys.exit(4)
"""

_SAYS = """
import sys
for text in sys.argv[2:]:
  print(text)
print('to stderr', file=sys.stderr)
sys.stdout.write('no newline')
sys.exit(int(sys.argv[1]))
"""


def _wait_for(condition):
  end = time.monotonic() + _TIMEOUT_SECS
  while not condition():
    if time.monotonic() > end:
      raise AssertionError('it did not come')
    time.sleep(0.02)


class SupervisionTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    for name, text in (
        ('stays', _STAYS),
        ('deaf', _DEAF),
        ('says', _SAYS),
        ('fails_once_there_is', _FAILS_ONCE_THERE_IS),
    ):
      pathlib.Path(self.directory, name + '.py').write_text(
          text, encoding='utf-8'
      )
    self.enter_context(
        mock.patch.object(sys, 'path', [self.directory] + sys.path)
    )
    self.out = self.enter_context(
        mock.patch.object(sys, 'stdout', io.StringIO())
    )
    self.err = self.enter_context(
        mock.patch.object(sys, 'stderr', io.StringIO())
    )
    self.stop = signals.StopRequest()

  def path(self, name):
    return os.path.join(self.directory, name)

  def stays(self, name, code=0, looks_for=()):
    return supervision.Task(
        name,
        'stays',
        [self.path(name), str(code)] + [self.path(n) for n in looks_for],
    )

  def lines(self):
    return self.out.getvalue().splitlines()

  def test_lines_begin_with_names(self):
    code = supervision.supervise(
        [
            [supervision.Task('ps 0', 'says', ['0', 'a', '', 'b'])],
            [supervision.Task('worker 0', 'says', ['0'])],
        ],
        self.stop,
    )
    self.assertEqual(0, code)
    self.assertEqual(
        [
            'ps 0     | a',
            'ps 0     | ',
            'ps 0     | b',
            'ps 0     | no newline',
            'worker 0 | no newline',
        ],
        sorted(self.lines(), key=lambda l: l[:4]),
    )
    self.assertCountEqual(
        ['ps 0     | to stderr', 'worker 0 | to stderr'],
        self.err.getvalue().splitlines(),
    )

  def test_many_lines_stay_complete_and_in_order(self):
    texts = ['%d é ' % i * 20 for i in range(500)]
    self.assertEqual(
        0,
        supervision.supervise(
            [[supervision.Task('a', 'says', ['0'] + texts)]], self.stop
        ),
    )
    self.assertEqual(
        ['a | ' + t for t in texts] + ['a | no newline'], self.lines()
    )

  def test_one_fails_and_the_others_are_stopped(self):
    # The exit code of the first failure, not of the stopped process.
    code = supervision.supervise(
        [
            [self.stays('ps')],
            [self.stays('worker', 5), supervision.Task('bad', 'says', ['3'])],
        ],
        self.stop,
        watchers=[self.stays('eval')],
    )
    self.assertEqual(3, code)
    for name in ('ps', 'worker', 'eval'):
      self.assertFalse(os.path.exists(self.path(name)), name)
    self.assertIn(
        'launch: bad ended with exit code 3: stopping the others.',
        self.err.getvalue(),
    )

  def test_stop_request_ends_a_group_after_the_next_one(self):
    tasks = [
        [self.stays('ps', looks_for=['worker'])],
        [self.stays('worker', looks_for=['ps', 'eval'])],
    ]
    names = ('ps', 'worker', 'eval')

    class Stop(signals.StopRequest):
      """Requests a stop once all have started."""

      requested = property(
          lambda unused_self: all(os.path.exists(self.path(n)) for n in names)
      )
      signum = signal.SIGINT
      __init__ = object.__init__

    self.assertEqual(
        130,
        supervision.supervise(
            tasks, Stop(), watchers=[self.stays('eval', looks_for=['worker'])]
        ),
    )
    self.assertEqual(
        [
            'eval   | found worker',
            'worker | found ps',
            'worker | missing eval',
            'ps     | missing worker',
        ],
        [l for l in self.lines() if 'here' not in l],
    )

  def test_a_watcher_ends_with_the_others(self):
    self.assertEqual(
        0,
        supervision.supervise(
            [[supervision.Task('train', 'says', ['0'])]],
            self.stop,
            watchers=[self.stays('eval')],
        ),
    )
    self.assertFalse(os.path.exists(self.path('eval')))

  def test_a_watcher_that_fails_stops_the_others(self):
    self.assertEqual(
        2,
        supervision.supervise(
            [[self.stays('train')]],
            self.stop,
            watchers=[supervision.Task('eval', 'says', ['2'])],
        ),
    )
    self.assertFalse(os.path.exists(self.path('train')))

  def test_a_process_that_does_not_end_is_killed(self):
    code = supervision.supervise(
        [
            [supervision.Task('deaf', 'deaf', [self.path('x')])],
            [supervision.Task('a', 'fails_once_there_is', [self.path('x')])],
        ],
        self.stop,
        grace_secs=0.5,
    )
    self.assertEqual(4, code)
    self.assertIn(
        'launch: deaf did not end within 0.5 seconds: killed.',
        self.err.getvalue(),
    )

  def test_a_signal_gives_the_exit_code_of_a_shell(self):
    pathlib.Path(self.path('dies.py')).write_text(
        'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
        encoding='utf-8',
    )
    self.assertEqual(
        137,
        supervision.supervise([[supervision.Task('a', 'dies', [])]], self.stop),
    )

  def test_no_orphan_when_the_parent_is_killed(self):
    parent = subprocess.Popen(
        [
            sys.executable,
            '-c',
            (
                'from cifar10_compat.base import signals\n'
                'from tools.base import supervision\n'
                'supervision.supervise([[supervision.Task("a", "stays", [%r, "0"])]],'
                ' signals.StopRequest())' % self.path('a')
            ),
        ],
        env=processes.environment(),
        stdout=subprocess.PIPE,
    )
    try:
      _wait_for(lambda: os.path.exists(self.path('a')))
      child = int(pathlib.Path(self.path('a')).read_text(encoding='utf-8'))
      os.kill(child, 0)  # It has started.
    finally:
      parent.kill()
      parent.wait()
      parent.stdout.close()
    # It removes its file at its end.
    _wait_for(lambda: not os.path.exists(self.path('a')))
