"""Runs files in another interpreter: arguments, exit codes and imports."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tests.tools.editions import fake_runtime
from tools.base import processes
from tools.editions import calls
from tools.editions import environments


class CallsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.scratch = self.create_tempdir().full_path
    self.enter_context(mock.patch.object(calls, 'OLD', self.scratch))
    directory = os.path.join(self.scratch, 'env')
    self.environment = environments.Environment(fake_runtime.RUNTIME, directory)
    fake_runtime.write_program(
        self.environment.python, 'exec %s "$@"' % sys.executable
    )

  def write(self, text):
    path = os.path.join(self.scratch, 'old_file.py')
    pathlib.Path(path).write_text(textwrap.dedent(text), encoding='utf-8')

  def call(self, **arguments):
    return calls.call(
        self.environment,
        'old_file',
        arguments,
        scratch=self.scratch,
        what='it failed',
    )

  def test_arguments_and_answer(self):
    self.write("""
        import json, sys
        print(json.load(open(sys.argv[1]))['a'] + 1)
        """)
    self.assertEqual('42\n', self.call(a=41))

  def test_imports_nothing_from_here(self):
    self.write("""
        import os, sys
        print(os.environ.get('PYTHONPATH'), sys.path[0])
        """)
    with mock.patch.dict(os.environ, PYTHONPATH='/ours'):
      self.assertEqual('None %s\n' % self.scratch, self.call())

  def test_failure_is_one_line(self):
    self.write('raise ValueError("why")')
    with self.assertRaisesRegex(
        errors.UsageError, '^it failed: ValueError: why$'
    ):
      self.call()

  def run_file(self):
    return calls.run(self.environment, 'old_file', {}, scratch=self.scratch)

  def test_exit_code(self):
    self.write('import sys; sys.exit(3)')
    self.assertEqual(3, self.run_file())
    self.write('import os; os.kill(os.getpid(), 9)')
    self.assertEqual(128 + 9, self.run_file())

  @contextlib.contextmanager
  def runner(self):
    """Runs a process that runs an endless file; yields both process ids."""
    self.write("""
        import os, time
        with open(os.path.join(os.path.dirname(__file__), 'id'), 'w') as f:
          f.write('%d\\n' % os.getpid())
        while True:
          time.sleep(1)
        """)
    code = (
        'import sys; from tools.editions import calls, environments; '
        'calls.OLD = sys.argv[1]; '
        'e = environments.Environment(None, sys.argv[1] + "/env"); '
        'sys.exit(calls.run(e, "old_file", {}, scratch=sys.argv[1]))'
    )
    path = os.path.join(self.scratch, 'id')
    with subprocess.Popen(
        [sys.executable, '-c', code, self.scratch], env=processes.environment()
    ) as process:
      try:
        text = ''
        while not text.endswith('\n'):
          self.assertIsNone(process.poll())
          time.sleep(0.05)
          if os.path.exists(path):
            text = pathlib.Path(path).read_text(encoding='utf-8')
        yield process, int(text)
      finally:
        process.kill()

  def wait_for_end(self, pid):
    """Waits until a process has ended, even if nobody has reaped it."""
    with contextlib.suppress(OSError):
      while True:
        stat = pathlib.Path('/proc/%d/stat' % pid).read_text()
        if stat.rpartition(')')[2].split()[0] == 'Z':
          return
        time.sleep(0.05)

  def test_signals_are_forwarded(self):
    for signum in (signal.SIGINT, signal.SIGTERM):
      with self.runner() as (process, child):
        process.send_signal(signum)
        self.assertEqual(128 + signum, process.wait())
        self.assertFalse(os.path.exists('/proc/%d' % child))
      os.remove(os.path.join(self.scratch, 'id'))

  def test_ends_with_its_parent(self):
    with self.runner() as (process, child):
      process.kill()
      process.wait()
      self.wait_for_end(child)

  def finish(self, limit_secs=60):
    return calls.finish(
        self.environment,
        'old_file',
        {},
        scratch=self.scratch,
        limit_secs=limit_secs,
    )

  def test_any_end(self):
    self.write('import sys; print("out"); sys.exit("why")')
    ended = self.finish()
    self.assertEqual(
        (1, 'out\n', 'why\n'), (ended.returncode, ended.stdout, ended.stderr)
    )
    self.assertBetween(ended.seconds, 0, 60)
    self.write('import os; os.kill(os.getpid(), 6)')
    self.assertEqual(-6, self.finish().returncode)

  def test_killed_with_its_children(self):
    self.write("""
        import os, subprocess, sys, time
        if len(sys.argv) == 2:
          child = subprocess.Popen([sys.executable, __file__])
          print(child.pid)
          sys.stdout.flush()
        while True:
          time.sleep(1)
        """)
    ended = self.finish(limit_secs=3)
    self.assertIsNone(ended.returncode)
    self.wait_for_end(int(ended.stdout))
