"""A program's output, and the report of its failure."""

import io
import os
import pathlib
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.base import processes


class ProcessesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    directory = self.create_tempdir().full_path
    self.module = os.path.join(directory, 'small_program.py')
    self.enter_context(mock.patch.object(sys, 'path', [directory] + sys.path))
    self.stderr = self.enter_context(
        mock.patch.object(sys, 'stderr', io.StringIO())
    )

  def run_program(self, text):
    pathlib.Path(self.module).write_text(text, encoding='utf-8')
    return processes.run('small_program', ['--a=1', 'b'], 'it failed')

  def test_stdout(self):
    self.assertEqual(
        "['--a=1', 'b']\n",
        self.run_program(
            'import sys; print(sys.argv[1:]); print("x", file=sys.stderr)'
        ),
    )

  def test_one_line_error(self):
    with self.assertRaisesRegex(errors.UsageError, '^it failed: a reason$'):
      self.run_program('import sys; sys.exit("chatter\\na reason")')
    self.assertEqual('', self.stderr.getvalue())

  def test_traceback_is_shown(self):
    with self.assertRaisesRegex(errors.UsageError, 'it failed: KeyError: 7'):
      self.run_program('{}[7]')
    self.assertIn('small_program.py", line 1', self.stderr.getvalue())

  def test_silent_failure(self):
    with self.assertRaisesRegex(errors.UsageError, 'it failed: exit code 3'):
      self.run_program('import sys; sys.exit(3)')
