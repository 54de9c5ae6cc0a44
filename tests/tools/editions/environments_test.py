"""Environments are complete or rebuilt; one process makes them."""

import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tests.tools.editions import fake_runtime
from tools.base import processes
from tools.editions import environments

_RUNTIME = fake_runtime.RUNTIME


class EnvironmentsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.python = fake_runtime.write_interpreter(
        os.path.join(self.root, 'bin', 'python2.7')
    )
    self.directory = os.path.join(self.root, 'tensorflow-0.12.1')

  def is_complete(self):
    return environments.made(_RUNTIME, self.root) is not None

  def make(self, **kwargs):
    """Returns the Environment, and the Steps that made it."""
    steps = fake_runtime.Steps(self.is_complete, **kwargs)
    with mock.patch.object(environments, '_run', steps):
      found = environments.make(_RUNTIME, python=self.python, root=self.root)
    return found, steps

  def test_made_once(self):
    found, steps = self.make()
    self.assertEqual(self.directory, found.directory)
    self.assertEqual(
        os.path.join(self.directory, 'bin', 'python'), found.python
    )
    # virtualenv, the environment, its packages, a check of them.
    self.assertEqual([False] * 4, steps.complete)
    tool, env, packages, _ = steps.commands
    for command, lock in (
        (tool, 'virtualenv.txt'),
        (packages, 'tensorflow-0.12.1.txt'),
    ):
      self.assertIn('--require-hashes', command)
      self.assertTrue(any(part.endswith(lock) for part in command))
    self.assertIn(self.python, env)
    self.assertEqual(found.python, packages[0])
    self.assertTrue(self.is_complete())
    again, steps = self.make()
    self.assertEqual(found, again)
    self.assertEmpty(steps.commands)
    self.assertCountEqual(
        ['bin', 'tensorflow-0.12.1', 'tensorflow-0.12.1.lock'],
        os.listdir(self.root),
    )

  def test_interrupted_at_any_step(self):
    for step in range(4):
      with self.assertRaises(KeyboardInterrupt):
        self.make(fail_at=step)
      self.assertFalse(self.is_complete())
      os.makedirs(self.directory, exist_ok=True)
      stray = os.path.join(self.directory, 'stray')
      with open(stray, 'w', encoding='utf-8'):
        pass
      _, steps = self.make()
      self.assertLen(steps.commands, 4)
      self.assertFalse(os.path.exists(stray))
      os.remove(os.path.join(self.directory, 'cifar10_compat.json'))

  def test_stale(self):
    stamp_path = os.path.join(self.directory, 'cifar10_compat.json')
    for change in (
        {'lock': 'of another lock'},
        {'python': os.path.join(self.root, 'uninstalled')},
        None,
    ):
      self.make()
      stamp = json.loads(pathlib.Path(stamp_path).read_text(encoding='utf-8'))
      with open(stamp_path, 'w', encoding='utf-8') as f:
        # None writes a truncated file.
        f.write('{"lo' if change is None else json.dumps({**stamp, **change}))
      self.assertFalse(self.is_complete())
      _, steps = self.make()
      self.assertLen(steps.commands, 4)
      self.assertTrue(self.is_complete())

  def test_another_tensorflow(self):
    with self.assertRaisesRegex(
        errors.UsageError, '0.12.1.*: the lock file installed 1.0 instead'
    ):
      self.make(version='1.0')
    self.assertFalse(self.is_complete())

  def test_root_that_cannot_be_written(self):
    path = os.path.join(self.root, 'a_file')
    with open(path, 'w', encoding='utf-8'):
      pass
    with self.assertRaisesRegex(errors.UsageError, 'XDG_CACHE_HOME'):
      environments.make(_RUNTIME, python=self.python, root=path + '/below')

  def test_failing_step_is_one_line(self):
    with self.assertRaisesRegex(errors.UsageError, '^what: ERROR: no such'):
      environments._run(
          ['sh', '-c', 'echo "ERROR: no such thing" >&2; echo x >&2; exit 1'],
          what='what',
          held=0,
      )

  def test_killed_during_a_step(self):
    # The step outlives its maker: until it ends no process may start over.
    pipe = os.path.join(self.root, 'pipe')
    os.mkfifo(pipe)
    maker = """
        import sys
        from tests.tools.editions import fake_runtime
        from tools.editions import environments
        root, python, pipe = sys.argv[1:]
        run = environments._run
        def step(command, **kwargs):
          run(['sh', '-c', 'read line < "$0"', pipe], **kwargs)
        environments._run = step
        environments.make(fake_runtime.RUNTIME, python=python, root=root)
        """
    command = [sys.executable, '-c', textwrap.dedent(maker)]
    first = subprocess.Popen(
        command + [self.root, self.python, pipe], env=processes.environment()
    )
    with open(pipe, 'w', encoding='utf-8') as f:  # Waits until it reads.
      first.send_signal(signal.SIGKILL)
      first.wait()
      self.assertFalse(self.is_complete())
      self.assertTrue(self._is_held())
      f.write('\n')
    self.make()  # Waits until the step has ended.
    self.assertTrue(self.is_complete())

  def _is_held(self):
    path = os.path.join(self.root, 'tensorflow-0.12.1.lock')
    with open(path, 'w', encoding='utf-8') as f:
      try:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        return True
    return False
