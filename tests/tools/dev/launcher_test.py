"""The shell script that Bazel runs programs and tests by."""

import os
import pathlib
import subprocess

from absl.testing import absltest

from tools.base import manifest

_LAUNCHER = os.path.join(manifest.ROOT, 'tools', 'launcher.sh')
# Stands in for the environment's Python.
_PYTHON = """#!/bin/sh
echo "$0"
echo "$PYTHONPATH"
echo "$@"
"""


def _write(path, text):
  os.makedirs(os.path.dirname(path), exist_ok=True)
  pathlib.Path(path).write_text(text, encoding='utf-8')
  os.chmod(path, 0o755)


class LauncherTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = os.path.realpath(self.create_tempdir().full_path)
    self.launcher = pathlib.Path(_LAUNCHER).read_text(encoding='utf-8')
    for name, value in (
        ('{workspace}', 'ours'),
        ('{venv}', 'pip/venv'),
        ('{module}', 'tools.prog'),
        ('{arguments} ', ''),
    ):
      self.assertIn(name, self.launcher)
      self.launcher = self.launcher.replace(name, value)

  def _make(self, path):
    """Makes the launcher at a path."""
    _write(os.path.join(self.root, path), self.launcher)

  def _make_runfiles(self, directory):
    _write(os.path.join(self.root, directory, 'pip/venv/bin/python'), _PYTHON)

  def _run(self, command, **env):
    """Runs a command from the root; returns its exit code and its lines."""
    result = subprocess.run(
        [command, '--flag', 'two words'],
        cwd=self.root,
        env=dict({'PATH': os.environ['PATH']}, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return result.returncode, result.stdout.splitlines()

  def _ran_from(self, directory):
    return 0, [
        directory + '/pip/venv/bin/python',
        directory + '/ours',
        '-m tools.prog --flag two words',
    ]

  def test_program(self):
    self._make('bin/prog.sh')
    self._make_runfiles('bin/prog.sh.runfiles')
    expected = self._ran_from(self.root + '/bin/prog.sh.runfiles')
    self.assertEqual(expected, self._run(self.root + '/bin/prog.sh'))
    self.assertEqual(expected, self._run('bin/prog.sh'))

  def test_program_that_a_program_runs(self):
    self._make('bin/prog.sh')
    self._make_runfiles('bin/prog.sh.runfiles')
    self._make_runfiles('bin/other.sh.runfiles')
    self.assertEqual(
        self._ran_from(self.root + '/bin/prog.sh.runfiles'),
        self._run(
            self.root + '/bin/prog.sh',
            RUNFILES_DIR=self.root + '/bin/other.sh.runfiles',
        ),
    )

  def test_in_runfiles(self):
    self._make('a.sh.runfiles/ours/a.sh')
    self._make_runfiles('a.sh.runfiles')
    expected = self._ran_from(self.root + '/a.sh.runfiles')
    for directory in (self.root + '/a.sh.runfiles', 'a.sh.runfiles'):
      self.assertEqual(
          expected,
          self._run('a.sh.runfiles/ours/a.sh', RUNFILES_DIR=directory),
      )

  def test_without_runfiles(self):
    self._make('prog.sh')
    code, lines = self._run('./prog.sh')
    self.assertNotEqual(0, code)
    self.assertRegex(
        lines[-1], r'RUNFILES_DIR: is not set, and there is no \./prog\.sh\.run'
    )
