"""TensorFlow prints and loads less, and a user's own log level is kept."""

from absl.testing import absltest

from tests.helpers import program
from tests.helpers import versions

# Deprecated functions, a session that looks for a GPU, and an error of C++.
_PROGRAM = """
from cifar10_compat.base import quiet
import sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
queue = tf.train.string_input_producer(['a'])
with tf.Session() as sess:
  coord = tf.train.Coordinator()
  threads = tf.train.start_queue_runners(sess, coord)
  print(sess.run(queue.dequeue()).decode())
  coord.request_stop()
  coord.join(threads)
print([m for m in ('keras', 'matplotlib') if m in sys.modules])
"""

# Before 2.16, TensorFlow itself loads Keras.
_LOADED = [] if versions.minor() >= 16 else ['keras']


class QuietTest(absltest.TestCase):

  def _run(self, level=None):
    code, out, err = program.python(
        '-c', _PROGRAM, env={'TF_CPP_MIN_LOG_LEVEL': level}
    )
    self.assertEqual((0, 'a\n%s\n' % _LOADED), (code, out), err)
    return err

  def test_nothing_but_its_own_lines(self):
    self.assertEqual('', self._run())

  def test_level_of_the_user(self):
    self.assertIn('This TensorFlow binary is optimized', self._run('0'))
