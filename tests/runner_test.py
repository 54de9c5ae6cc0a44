"""The process that runs a folder's tests."""

import os
import resource
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from absl.testing import absltest

# The first test changes shared state, which the second one checks.
_MODULE = """
import os
import resource
import signal
from absl import flags
from absl.testing import absltest
import tensorflow.compat.v1 as tf

flags.DEFINE_integer('{flag}', 1, 'A number.')

class T(absltest.TestCase):

  def test_1(self):
    flags.FLAGS.{flag} = 2
    os.environ['{flag}'] = 'set'
    os.chdir('/')
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    tf.constant(1)

  def test_2(self):
    self.assertEqual(1, flags.FLAGS.{flag})
    self.assertNotIn('{flag}', os.environ)
    self.assertNotEqual('/', os.getcwd())
    self.assertEqual(signal.SIG_DFL, signal.getsignal(signal.SIGTERM))
    self.assertEqual({soft}, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    self.assertEmpty(tf.get_default_graph().get_operations())
    self.assertEqual({eager}, tf.executing_eagerly())
    with tf.Graph().as_default():
      self.assertEqual('VariableV2', tf.get_variable('v', []).op.type)
"""


class RunnerTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path

  def _run(self, *args, eager=False, **env):
    """Runs two modules with the same content; returns result and cases."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for name in ('first', 'second'):
      with open(os.path.join(self.root, name + '.py'), 'w') as f:
        f.write(_MODULE.format(flag=name + '_flag', soft=soft, eager=eager))
    xml = os.path.join(self.root, 'test.xml')
    result = subprocess.run(
        [sys.executable, '-m', 'tests.runner', *args, 'first', 'second'],
        env=dict(
            {k: v for k, v in os.environ.items() if not k.startswith('TEST')},
            PYTHONPATH=os.pathsep.join([self.root, *sys.path]),
            XML_OUTPUT_FILE=xml,
            **env,
        ),
        capture_output=True,
        text=True,
    )
    cases = [
        (case.get('classname'), case.get('name'))
        for case in ElementTree.parse(xml).iter('testcase')
        if case.get('status') == 'run'
    ]
    return result, cases

  def test_what_a_test_changed_is_put_back(self):
    result, cases = self._run()
    self.assertEqual(0, result.returncode, result.stderr)
    self.assertCountEqual(
        [
            (m + '.T', t)
            for m in ('first', 'second')
            for t in ('test_1', 'test_2')
        ],
        cases,
    )

  def test_failure_in_a_shard_of_whole_modules(self):
    status = os.path.join(self.root, 'status')
    result, cases = self._run(
        '--eager',
        TEST_TOTAL_SHARDS='2',
        TEST_SHARD_INDEX='1',
        TEST_SHARD_STATUS_FILE=status,
    )
    self.assertEqual(1, result.returncode)
    self.assertIn('False != True', result.stderr)
    self.assertEqual([('second.T', 'test_1'), ('second.T', 'test_2')], cases)
    self.assertTrue(os.path.exists(status))

  def test_filter_in_eager_mode(self):
    result, cases = self._run(
        '--eager', eager=True, TESTBRIDGE_TEST_ONLY='first.T.test_2'
    )
    self.assertEqual(0, result.returncode, result.stderr)
    self.assertEqual([('first.T', 'test_2')], cases)
