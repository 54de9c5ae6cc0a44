"""Bars are drawn on a (pseudo-)terminal, and nowhere else."""

import os
import pty
import subprocess
import sys

from absl.testing import absltest
import rich.progress

from cifar10_compat.base import progress

_PROGRAM = """
import rich.progress
from cifar10_compat.base import progress
with progress.bar(rich.progress.MofNCompleteColumn()) as bar:
  bar.update(bar.add_task('Filling queue', total=20), completed=7)
"""


class ProgressTest(absltest.TestCase):

  def test_terminal(self):
    terminal, program_end = pty.openpty()
    subprocess.run(
        [sys.executable, '-c', _PROGRAM],
        stderr=program_end,
        env=dict(os.environ, TERM='xterm'),
        check=True,
    )
    os.close(program_end)
    self.assertRegex(os.read(terminal, 65536).decode(), 'Filling queue.*7/20')
    os.close(terminal)

  def test_elsewhere(self):
    result = subprocess.run(
        [sys.executable, '-c', _PROGRAM],
        check=True,
        capture_output=True,
        text=True,
    )
    self.assertEqual(('', ''), (result.stdout.strip(), result.stderr.strip()))

  def test_columns(self):
    column = rich.progress.DownloadColumn()
    self.assertIn(column, progress.bar(column).columns)
