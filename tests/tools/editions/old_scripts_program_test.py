"""Scripts on old TensorFlows, if their environments exist."""

import os
import pathlib
import re
import subprocess
import sys
import textwrap

from absl.testing import absltest
import numpy as np

from tests.helpers import record_fixture
from tests.tools.editions import old_runtimes
from tools.base import processes


class OldScriptsProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.data_dir = os.path.join(self.directory, 'data')
    # Enough distinct images for a queue of 20,000.
    random = np.random.RandomState(1)
    record_fixture.write_batches(
        self.data_dir,
        random.randint(0, 256, (200, 32, 32, 3), np.uint8),
        random.randint(0, 10, 200),
    )

  def run_program(self, *args):
    return processes.finish(
        processes.tool('editions.scripts'), ['--runtime=0.12.1', *args]
    )

  def test_bundled_edition(self):
    old_runtimes.environment(self, '0.12.1')
    train_dir = os.path.join(self.directory, 'run')
    data = '--data_dir=' + self.data_dir
    train = ('cifar10_train', data, '--train_dir=' + train_dir, '--max_steps=2')
    result = self.run_program(*train)
    self.assertEqual(0, result.returncode, result.stderr)
    self.assertIn(
        'historical: cifar10_train of tensorflow 0.12.1\n'
        'historical: TensorFlow 0.12.1 on Python 2.7.',
        result.stderr,
    )
    self.assertRegex(result.stderr, r'2\.7\.\d+ needs no bridge\n')
    # ln 10 plus the loss of the weights.
    (loss,) = re.findall(r'step 0, loss = ([\d.]+) ', result.stdout)
    self.assertBetween(float(loss), 4.5, 4.9)
    self.assertContainsSubset(
        {'model.ckpt-0.index', 'model.ckpt-1.index'}, os.listdir(train_dir)
    )
    # Nothing is deleted, and the images stay in place.
    result = self.run_program(*train)
    self.assertEqual(1, result.returncode)
    self.assertIn('error: %s exists' % train_dir, result.stderr)
    self.assertEqual(['cifar-10-batches-bin'], os.listdir(self.data_dir))

  def test_bridges_and_the_scripts_own_end(self):
    environment = old_runtimes.environment(self, '1.15.5')
    for name, text in (
        ('cifar10.py', 'ANSWER = 42'),
        ('cifar10_input.py', ''),
        (
            'cifar10_eval.py',
            """
            import sys
            import tensorflow as tf
            from tensorflow.models.image.cifar10 import cifar10
            tf.app.flags.DEFINE_integer('steps', 5, 'help')
            tf.app.flags.DEFINE_string('data_dir', '', 'help')
            tf.app.flags.DEFINE_string('eval_dir', '', 'help')

            def main(argv):
              x = tf.mul(cifar10.ANSWER, tf.app.flags.FLAGS.steps)
              with tf.Session() as sess:
                print(sess.run(x))
              sys.exit(3)

            if __name__ == '__main__':
              tf.app.run()
            """,
        ),
    ):
      path = os.path.join(self.directory, name)
      pathlib.Path(path).write_text(textwrap.dedent(text), encoding='utf-8')
    # A separate process, to capture its output.
    code = """
        import sys
        from tests.tools.editions import historical_fixture
        from tools.editions import old_scripts
        from tools.editions import environments
        from tools.editions import runtimes
        source, directory, *flags = sys.argv[1:]
        runtime = runtimes.find('1.15.5')
        sys.exit(old_scripts.run(
            source, 'cifar10_eval', flags=flags,
            edition=historical_fixture.OLD,
            environment=environments.Environment(runtime, directory)))
        """
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            textwrap.dedent(code),
            self.directory,
            environment.directory,
            '--steps=2',
            '--data_dir=' + self.data_dir,
            '--eval_dir=' + os.path.join(self.directory, 'new'),
        ],
        env=processes.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    self.assertEqual(
        (3, '84\n'), (result.returncode, result.stdout), result.stderr
    )
    self.assertIn('needs 2 bridges:\n', result.stderr)
    self.assertIn('  tf.mul -> tf.multiply\n', result.stderr)
