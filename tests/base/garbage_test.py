"""Where Python's search for garbage is on, and what it passes over."""

import gc
import os
import subprocess
import sys
from unittest import mock
import weakref

from absl.testing import absltest

from cifar10_compat.base import garbage

# Tells at the end of a program's main() what is searched then, and at its very
# end.
_PROGRAM = """
import atexit, gc, sys
sys.argv = [%r, '--bogus']
# Python 3.12 starts with some hundred objects set aside.
before = gc.get_freeze_count()
from cifar10_compat import cifar10_predict
print('loaded', gc.isenabled(), gc.get_freeze_count() > before)
atexit.register(lambda: print('end', gc.isenabled(), len(gc.get_objects()) < 1000))
try:
  cifar10_predict.console_main()
except SystemExit:
  pass
"""


class _Node(object):
  pass


def _run(name):
  return subprocess.run(
      [sys.executable, '-c', _PROGRAM % name],
      env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
      stdout=subprocess.PIPE,
      text=True,
      check=True,
  ).stdout


class GarbageTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.addCleanup(gc.enable)
    self.addCleanup(gc.unfreeze)

  def _cycle(self):
    node = _Node()
    node.itself = node
    return weakref.ref(node)

  @mock.patch.object(garbage, '_PROGRAM', True)
  def test_what_comes_later_is_searched(self):
    gc.disable()
    loaded = self._cycle()
    garbage.pass_over_what_is_loaded()
    self.assertTrue(gc.isenabled())
    later = self._cycle()
    gc.collect()
    self.assertIsNotNone(loaded())
    self.assertIsNone(later())

  def test_programs(self):
    self.assertEqual(
        ['loaded False False', 'end False True'],
        _run('cifar10_predict.py').splitlines(),
    )

  def test_another_program_changes_nothing(self):
    self.assertEqual(
        ['loaded True False', 'end True False'],
        _run('somebody_s.py').splitlines(),
    )


if __name__ == '__main__':
  absltest.main()
