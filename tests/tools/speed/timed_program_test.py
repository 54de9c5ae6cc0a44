"""The timer with a small package, and with a real program."""

import os
import pathlib
import sys
from unittest import mock

from absl.testing import absltest

from tools.speed import children
from tools.speed import timed_program


class TimedProgramTest(absltest.TestCase):

  def test_import_including_its_imports(self):
    directory = self.create_tempdir().full_path
    package = os.path.join(directory, 'a_slow_package')
    os.mkdir(package)
    for name, text in (
        ('__init__', 'from a_slow_package import below\nvalue = below.value'),
        ('below', 'import time\ntime.sleep(0.05)\nvalue = 42'),
    ):
      pathlib.Path(package, name + '.py').write_text(text)
    timer = timed_program.ImportTimer('a_slow_package')
    with (
        mock.patch.object(sys, 'path', [directory] + sys.path),
        mock.patch.object(sys, 'meta_path', [timer] + sys.meta_path),
    ):
      import json  # noqa: F401  # Other imports are not timed.

      self.assertEqual(0, timer.seconds)
      module = __import__('a_slow_package')
      self.assertNotIn(timer, sys.meta_path)
    self.assertEqual(42, module.value)
    self.assertGreaterEqual(timer.seconds, 0.05)

  def test_missing_package(self):
    timer = timed_program.ImportTimer('no_such_package')
    with mock.patch.object(sys, 'meta_path', [timer] + sys.meta_path):
      with self.assertRaises(ModuleNotFoundError):
        __import__('no_such_package')

  def test_a_program_sees_its_command_line(self):
    # It reads --fast there before it imports TensorFlow.
    directory = self.create_tempdir().full_path
    pathlib.Path(directory, 'cifar10_train.py').write_text("""
import os
from cifar10_compat import entry_points
from cifar10_compat import startup
startup.prepare(__name__, 'Train')
print(__name__, entry_points.prepared.fast, os.environ[startup.ONEDNN])
""")
    with mock.patch.object(sys, 'path', sys.path + [directory]):
      result = children.run(
          'tools.speed.timed_program', ['cifar10_train', '--fast'], what='it'
      )
    self.assertEqual('__main__ True 1\n', result.log)
    self.assertEqual(0, result.values['import_seconds'])

  def test_a_program(self):
    out = os.path.join(self.create_tempdir().full_path, 'out')
    result = children.run(
        'tools.speed.timed_program',
        [
            'cifar10_compat.cifar10_export',
            '--checkpoint_dir=published',
            '--export_dir=' + out,
        ],
        what='it',
    )
    self.assertIn(f' to {out}.', result.log)
    self.assertGreater(result.values['import_seconds'], 0.1)
    self.assertLess(result.values['import_seconds'], result.seconds)
