"""tools/bazel, with a stand-in for Bazel."""

import os
import pathlib
import subprocess

from absl.testing import absltest

from tools.base import manifest

_BAZEL = os.path.join(manifest.ROOT, 'tools', 'bazel')
# Makes a script for `run --script_path=FILE TARGET -- ARGUMENT`; //:bad is
# broken.
_STAND_IN = """#!/bin/sh
echo "INFO: $*" >&2
case "$*" in
  *//:bad*) exit 7 ;;
  run*) echo "echo \\"ran $5\\"; exit 3" > "${2#--script_path=}" ;;
esac
"""


class BazelTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    stand_in = pathlib.Path(self.root, 'stand_in')
    stand_in.write_text(_STAND_IN, encoding='utf-8')
    stand_in.chmod(0o755)

  def _bazel(self, *args, built=True):
    """Returns the exit code, what was printed, and what was on stderr."""
    if built:
      os.makedirs(os.path.join(self.root, '.bazel', 'bin'))
    result = subprocess.run(
        ['sh', _BAZEL, *args],
        cwd=self.root,
        env={
            'PATH': os.environ['PATH'],
            'BAZEL': os.path.join(self.root, 'stand_in'),
            'TMPDIR': self.root,
        },
        capture_output=True,
        text=True,
    )
    # No log or script stays behind.
    self.assertSameElements(
        ['stand_in'] + ['.bazel'] * built, os.listdir(self.root)
    )
    return result.returncode, result.stdout, result.stderr

  def test_run_shows_the_program_alone(self):
    self.assertEqual(
        (3, 'ran a b\n', ''), self._bazel('run', '//:good', '--', 'a b')
    )

  def test_a_build_that_fails_is_shown(self):
    status, stdout, stderr = self._bazel('run', '//:bad')
    self.assertEqual((7, ''), (status, stdout))
    self.assertRegex(stderr, r'\AINFO: run --script_path=\S+ //:bad\n\Z')

  def test_other_commands_are_bazels(self):
    self.assertEqual(
        (0, '', 'INFO: test //...\n'), self._bazel('test', '//...')
    )

  def test_the_first_build_says_what_it_fetches(self):
    stderr = self._bazel('test', '//...', built=False)[2]
    self.assertRegex(
        stderr, r'\Atools/bazel: the first build .*690 MB, .*\)\nINFO'
    )
