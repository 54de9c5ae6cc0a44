"""Real child processes, running modules that the test writes."""

import pathlib
import sys
import textwrap
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.speed import children


class ChildrenTest(absltest.TestCase):

  def run_module(self, text, args=(), **kwargs):
    directory = self.create_tempdir().full_path
    pathlib.Path(directory, 'a_child.py').write_text(textwrap.dedent(text))
    with mock.patch.object(sys, 'path', sys.path + [directory]):
      return children.run('a_child', list(args), what='a thing', **kwargs)

  def test_report_of_a_child(self):
    result = self.run_module(
        """
        import os, sys
        from tools.speed import children
        print('a line')
        print('a second one')
        children.report(x=1.5, args=sys.argv[1:], y=os.environ['A_SWITCH'])
        """,
        ['--flag', 'b'],
        environment={'A_SWITCH': 'on'},
    )
    self.assertEqual(
        {'x': 1.5, 'args': ['--flag', 'b'], 'y': 'on'}, result.values
    )
    self.assertEqual('a line\na second one\n', result.log)
    self.assertGreater(result.seconds, 0)

  def test_peak_memory_of_the_child(self):
    hold = """
        data = bytearray(%d)
        for i in range(0, len(data), 4096):
          data[i] = 1
        del data
        print('{}')
        """
    small = self.run_module(hold % (1 << 20)).peak_memory_bytes
    # More than this process uses, since a child starts with its peak.
    size = 600 << 20
    large = self.run_module(hold % size).peak_memory_bytes
    self.assertBetween(large, size, size + max(small, 200 << 20))

  def test_own_work_is_no_disturbance(self):
    result = self.run_module("""
        import time
        while time.process_time() < 0.5:
          pass
        print('{}')
        """)
    if result.disturbance is None:
      self.skipTest('this system does not tell')
    share = result.disturbance.others + result.disturbance.steal
    self.assertBetween(share, 0, 1)

  def test_a_failure(self):
    with mock.patch.object(sys, 'stderr') as stderr:
      with self.assertRaisesRegex(errors.UsageError, 'a thing: the reason'):
        self.run_module("""
            import sys
            sys.exit('the reason')
            """)
      stderr.write.assert_not_called()
      with self.assertRaisesRegex(errors.UsageError, 'a thing: KeyError'):
        self.run_module("{}['x']")
    self.assertIn('Traceback', stderr.write.call_args[0][0])
