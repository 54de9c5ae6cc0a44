"""Who has oneDNN switched on, in processes of their own."""

import os
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat.base import onednn


class AsksForFastTest(absltest.TestCase):

  def test_as_absl_reads_it(self):
    path = self.create_tempfile(content='--batch_size=3\n--fast\n').full_path
    for args, expected in (
        ([], False),
        (['--fast'], True),
        (['-fast'], True),
        (['--fast=true'], True),
        (['--fast=false'], False),
        (['--nofast'], False),
        (['--fast', '--nofast'], False),
        (['--nofast', '--fast'], True),
        (['--train_dir', '/x', '--fast'], True),
        (['--fast_input'], False),
        (['--model=fast'], False),
        (['--flagfile=' + path], True),
        (['--flagfile=' + path + '.missing'], False),
        (['--fast=perhaps'], False),
        (['--', '--fast'], False),
    ):
      self.assertEqual(
          expected, onednn.asks_for_fast(['cifar10_train'] + args), args
      )

  def test_programs(self):
    for path, expected in (
        ('/usr/bin/cifar10_train', True),
        ('/x/cifar10_compat/cifar10_eval.py', True),
        ('cifar10_predict.exe', True),
        ('cifar10_export', False),
        ('/x/tests/cifar10_train_test.py', False),
        ('/usr/bin/notebook', False),
        ('', False),
    ):
      self.assertEqual(expected, onednn.is_program(path), path)


class EnvironmentTest(absltest.TestCase):

  def _run(self, code, **env):
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), **env)
    return subprocess.run(
        [sys.executable, '-c', 'import os, sys; ' + code],
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()

  def _variable(self, argv, module='base.onednn', **env):
    """Returns the variable once a module has been imported."""
    return self._run(
        'sys.argv = %r; import cifar10_compat.%s; '
        'print(os.environ.get(%r))' % (argv, module, onednn.VARIABLE),
        **env,
    )

  def test_it_is_set_for_fast_programs_alone(self):
    # What a machine has set would hide what is set here.
    self.assertNotIn(onednn.VARIABLE, os.environ)
    self.assertEqual(
        '1', self._variable(['cifar10_predict', '--fast'], 'cifar10_predict')
    )
    self.assertEqual('None', self._variable(['cifar10_predict']))
    self.assertEqual('None', self._variable(['notebook', '--fast']))

  def test_what_the_user_has_set_stays(self):
    self.assertEqual(
        '0',
        self._variable(
            ['cifar10_predict', '--fast'], TF_ENABLE_ONEDNN_OPTS='0'
        ),
    )

  def test_it_comes_before_tensorflow(self):
    self.assertEqual(
        'False',
        self._run(
            'sys.argv = ["cifar10_eval", "--fast"]; '
            'from cifar10_compat.base import onednn; '
            'print("tensorflow" in sys.modules)'
        ),
    )


if __name__ == '__main__':
  absltest.main()
