"""The program that runs old scripts: its checks, runs and output."""

import hashlib
import os
import subprocess
import sys
import textwrap
import traceback
from unittest import mock

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat.base import errors
from tests.helpers import tool_program
from tests.tools.editions import historical_fixture
from tools.editions import bridges
from tools.editions import scripts


class RunTest(historical_fixture.HistoricalTestCase):

  def test_flags_are_the_scripts_own(self):
    with self.assertRaises(SystemExit) as caught:
      self.run_script(
          """
          import tensorflow as tf
          tf.app.flags.DEFINE_integer('old_steps', 5, 'help')
          def main(argv=None):
            raise SystemExit(tf.app.flags.FLAGS.old_steps)
          if __name__ == '__main__':
            tf.app.run()
          """,
          argv=['--old_steps=20'],
      )
    del flags.FLAGS.old_steps
    self.assertEqual(20, caught.exception.code)

  def test_everything_is_restored(self):
    def state():
      return (
          sys.argv,
          list(sys.path),
          sys.modules['tensorflow'],
          tf.Tensor.__bool__,
          sys.dont_write_bytecode,
      )

    before = state()
    self.run_script('import cifar10', historical_fixture.FLAT)
    with self.assertRaises(KeyError):
      self.run_script('{}[0]')
    self.assertEqual(before, state())
    self.assertNotIn('cifar10', sys.modules)
    self.assertNotIn('tensorflow.models', sys.modules)
    self.assertCountEqual(
        ['cifar10.py', 'cifar10_train.py'], os.listdir(self.source)
    )

  def test_traceback_points_at_the_scripts_line(self):
    try:
      self.run_script('x = 1\ny = 2\nx / 0\n')
      self.fail('the error is gone')
    except ZeroDivisionError as e:
      last = traceback.extract_tb(e.__traceback__)[-1]
    self.assertEqual(
        (os.path.join(self.source, 'cifar10_train.py'), 3, 'x / 0'),
        (last.filename, last.lineno, last.line),
    )

  def test_first_cause_of_a_starved_queue_is_shown(self):
    with self.assertRaises(tf.errors.OutOfRangeError) as caught:
      self.run_script("""
          import tensorflow as tf
          x = tf.decode_raw(tf.constant('abc'), tf.int16)
          queue = tf.FIFOQueue(5, [tf.int16], [[1]])
          tf.train.add_queue_runner(
              tf.train.QueueRunner(queue, [queue.enqueue([x])]))
          sess = tf.Session()
          tf.train.start_queue_runners(sess)
          sess.run(queue.dequeue())
          """)
    self.assertIsInstance(
        caught.exception.__cause__, tf.errors.InvalidArgumentError
    )

  def test_module(self):
    for edition, line in (
        (
            historical_fixture.OLD,
            'from tensorflow.models.image.cifar10 import cifar10_input',
        ),
        (historical_fixture.FLAT, 'import cifar10_input'),
    ):
      theirs_path = self.write('cifar10_input.py', '')
      self.write('cifar10_input_test.py', line)
      with mock.patch('sys.stderr'):
        theirs, ours = (
            scripts.run(
                self.source,
                'cifar10_input_test',
                flags=[],
                ours=ours,
                edition=edition,
            )['cifar10_input']
            for ours in (False, True)
        )
      self.assertEqual(theirs_path, theirs.__file__)
      self.assertIs(cifar10_input, ours)


class CommandLineTest(historical_fixture.HistoricalTestCase):

  def check_error(self, argv, *parts):
    tool_program.assert_refused(self, scripts.main, argv, *parts)

  def write_edition(self):
    """Returns the Edition of files that are written into self.source."""
    digest = hashlib.sha256()
    for name in (
        'cifar10.py',
        'cifar10_input.py',
        'cifar10_train.py',
        'cifar10_eval.py',
        'cifar10_multi_gpu_train.py',
        'cifar10_input_test.py',
    ):
      with open(self.write(name, '# %s\n' % name), 'rb') as f:
        digest.update(f.read())
    return historical_fixture.OLD._replace(sha256=digest.hexdigest())

  def test_bad_arguments(self):
    source = '--source=' + self.source
    for argv, *parts in (
        ([], '--source=DIR', 'cifar10_eval', '--help'),
        ([source], 'cifar10_train'),
        (['--sauce=x', 'cifar10_train'], '--sauce=x'),
        (['--source=/no/such', 'cifar10_train'], '/no/such'),
        ([source, 'cifar10'], "'cifar10'", 'cifar10_train'),
        (
            [source, '--module=ours', 'cifar10_train'],
            *('--module=ours', 'cifar10_input_test'),
        ),
        (
            [source, 'cifar10_train'],
            *(self.source, 'cifar10_input.py', 'cifar10_eval.py'),
        ),
    ):
      self.check_error(argv, *parts)
    os.remove(os.path.join(self.source, 'cifar10.py'))
    self.check_error(
        [source, 'cifar10_train.py'], 'not the tutorial', self.source
    )

  def test_editions(self):
    edition = self.write_edition()
    self.check_error(
        ['--source=' + self.source, 'cifar10_train'],
        'unknown or modified',
        'v0.7.0',
        'v1.13.0',
    )
    self.assertEqual(
        edition,
        scripts.find_edition(self.source, scripts.EDITIONS + (edition,)),
    )
    self.write('cifar10_eval.py', '# changed')
    with self.assertRaises(errors.UsageError):
      scripts.find_edition(self.source, [edition])
    self.assertLen({e.sha256 for e in scripts.EDITIONS}, len(scripts.EDITIONS))

  def test_python_2_is_rejected(self):
    edition = self.write_edition()._replace(python2=True)
    with mock.patch.object(scripts, 'find_edition', return_value=edition):
      self.check_error(
          ['--source=' + self.source, 'cifar10_train'], 'Python 2', edition.name
      )

  def test_runtime_errors(self):
    source = '--source=' + self.source
    on = '--runtime=1.15.5'
    for argv, *parts in (
        (['--runtime=2.0', 'cifar10_train'], '2.0', '1.15.5'),
        ([on, '--source=/no/such', 'cifar10_train'], '/no/such'),
        ([on], '--source=DIR', 'cifar10_train'),
        ([on, '--module=ours', 'cifar10_input_test'], '--module=ours', on),
    ):
      self.check_error(argv, *parts)
    edition = self.write_edition()
    with mock.patch.object(scripts, 'find_edition', return_value=edition):
      self.check_error([on, source, 'cifar10'], "'cifar10'", 'cifar10_train')
    edition = edition._replace(python2=True)
    with mock.patch.object(scripts, 'find_edition', return_value=edition):
      self.check_error([on, source, 'cifar10_train'], 'Python 2', '3.7')

  def test_missing_runtime(self):
    nowhere = self.create_tempdir().full_path
    with mock.patch.dict(
        os.environ, HOME=nowhere, PATH=nowhere, XDG_CACHE_HOME=nowhere
    ):
      os.environ.pop('PYENV_ROOT', None)
      self.check_error(
          ['--runtime=0.12.1', 'cifar10_train'],
          'python2.7',
          'pyenv install 2.7.18',
          'tensorflow/tensorflow:0.12.1',
      )

  def test_script_runs_from_the_command_line(self):
    edition = self.write_edition()
    self.write(
        'cifar10_eval.py',
        """
        import sys
        raise SystemExit(' '.join(sys.argv[1:]))
        """,
    )
    with mock.patch.object(scripts, 'find_edition', return_value=edition):
      with self.assertRaises(SystemExit) as caught, mock.patch('sys.stderr'):
        scripts.main(
            [
                '--source',
                self.source,
                'cifar10_eval',
                '--list',
                '--run_once',
                'x',
            ]
        )
    self.assertEqual('--list --run_once x', caught.exception.code)

  def test_list_has_every_bridge_in_columns(self):
    code, out, _ = tool_program.run(scripts.main, '--list')
    self.assertEqual(0, code)
    lines = out.splitlines()
    self.assertLen(lines, 1 + len(bridges.BRIDGES))
    today, reason = lines[0].index('TODAY'), lines[0].index('REASON')
    for line, bridge in zip(lines[1:], bridges.BRIDGES):
      self.assertEqual(
          (bridge.old, bridge.new, bridge.reason),
          (line[:today].strip(), line[today:reason].strip(), line[reason:]),
      )

  def test_process_ends_quietly(self):
    self.write(
        'cifar10_train.py',
        """
        import tensorflow as tf
        def main(argv):
          x = tf.train.batch([tf.random_normal([])], 2, num_threads=16)
          sess = tf.Session()
          tf.train.start_queue_runners(sess)
          print(sess.run(x).shape)
        if __name__ == '__main__':
          tf.app.run()
        """,
    )
    program = textwrap.dedent("""
        from tools.editions import scripts
        scripts.run(%r, 'cifar10_train', flags=[], edition=scripts.Edition(
            'a test', '', '', ''))
        """ % self.source)
    process = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    self.assertEqual(0, process.returncode, process.stderr)
    self.assertEqual('(2,)\n', process.stdout)
    self.assertIn('historical: cifar10_train of a test', process.stderr)
    self.assertNotIn('Traceback', process.stderr)
    self.assertNotIn('Exception', process.stderr)
