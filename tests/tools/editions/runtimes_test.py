"""The old TensorFlows that are available, and their locks."""

import os
import pathlib
import re

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.editions import runtimes


class RuntimesTest(absltest.TestCase):

  def test_each_lock_has_its_tensorflow(self):
    for runtime in runtimes.RUNTIMES:
      self.assertRegex(
          pathlib.Path(runtime.lock).read_text(encoding='utf-8'),
          r'\ntensorflow(-cpu)?==%s ' % re.escape(runtime.version),
      )
      # pyenv installs the version that the lock is for.
      self.assertStartsWith(runtime.pyenv, runtime.python + '.')

  def test_each_line_of_the_locks_has_a_hash(self):
    directory = os.path.dirname(runtimes.VIRTUALENV_LOCK)
    names = os.listdir(directory)
    self.assertLen(names, 1 + len(runtimes.RUNTIMES))
    for name in names:
      text = (
          pathlib.Path(directory, name)
          .read_text(encoding='utf-8')
          .replace('\\\n', ' ')
      )
      lines = [l for l in text.splitlines() if not l.startswith('#')]
      self.assertNotEmpty(lines)
      for line in lines:
        self.assertRegex(
            line, r'\A[\w.-]+==\S+( +--hash=sha256:[0-9a-f]{64})+\Z', name
        )

  def test_unknown(self):
    self.assertEqual('2.7', runtimes.find('0.12.1').python)
    with self.assertRaisesRegex(
        errors.UsageError, r'0\.11\.0.*0\.12\.1.*1\.15'
    ):
      runtimes.find('0.11.0')
    self.assertEqual('2.0.4', runtimes.find('2.0.4').version)
    with self.assertRaisesRegex(
        errors.UsageError, r'2\.0\.4 is not.*1\.15\.5$'
    ):
      runtimes.find('2.0.4', runtimes.COMPARED)
