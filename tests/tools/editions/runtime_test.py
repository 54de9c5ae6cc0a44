"""The program that makes environments."""

import os
from unittest import mock

from absl.testing import absltest

from tests.helpers import tool_program
from tests.tools.editions import fake_runtime
from tools.editions import environments
from tools.editions import runtime


class ProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.enter_context(
        mock.patch.dict(os.environ, XDG_CACHE_HOME=self.directory)
    )

  def test_makes_and_lists(self):
    root = os.path.join(self.directory, 'cifar10_compat', 'runtimes')
    python = fake_runtime.write_interpreter(os.path.join(self.directory, 'old'))
    steps = fake_runtime.Steps(lambda: False)
    with mock.patch.object(environments, '_run', steps):
      code, stdout, stderr = tool_program.run(
          runtime.main, '--python=' + python, '0.12.1'
      )
    directory = os.path.join(root, 'tensorflow-0.12.1')
    self.assertEqual((0, directory + '/bin/python\n'), (code, stdout))
    self.assertIn('0.12.1 on Python 2.7 in %s\n' % root, stderr)
    code, stdout, _ = tool_program.run(runtime.main, '--list')
    self.assertEqual(0, code)
    self.assertRegex(stdout, r'\n0\.12\.1 +2\.7 +yes +%s\n' % directory)
    self.assertRegex(stdout, r'\n1\.15\.5 +3\.7 +no +not made\n')

  def test_errors(self):
    for argv, parts in (
        ([], ('0.12.1, 1.0.1', '--help')),
        (['2.0.0'], ('2.0.0', '0.12.1')),
        (['--python=/no/such', '0.12.1'], ('--python=/no/such', 'No such')),
        (['--python=x', '0.12.1', '1.15.5'], ('one version',)),
        (['--pithon=x'], ('--pithon=x',)),
    ):
      tool_program.assert_refused(self, runtime.main, argv, *parts)
