"""Finding checkpoints; whether they fit a graph is tested with the programs."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import errors


class CheckpointsTest(tf.test.TestCase):

  def test_latest(self):
    directory = self.create_tempdir().full_path
    self.assertIsNone(checkpoints.latest(directory))
    self.assertIsNone(checkpoints.latest(os.path.join(directory, 'none')))
    with tf.Graph().as_default(), self.session() as sess:
      v = tf.get_variable('v', [2], initializer=tf.zeros_initializer())
      sess.run(v.initializer)
      saver = tf.train.Saver()
      for step in (0, 10):
        path = saver.save(sess, os.path.join(directory, 'model.ckpt'), step)
      self.assertEqual(path, checkpoints.latest(directory))
      checkpoints.check(path, {'v': v}, '')

  def test_latest_where_the_list_is_unreadable(self):
    directory = self.create_tempdir().full_path
    for contents in ('', 'no text protocol buffer {', 'x: "y"'):
      with open(os.path.join(directory, 'checkpoint'), 'w') as f:
        f.write(contents)
      with self.assertRaisesRegex(errors.CheckpointError,
                                  directory + '/checkpoint names no'):
        checkpoints.latest(directory)

  def test_step_of(self):
    self.assertEqual(1234, checkpoints.step_of('/a-1/model.ckpt-1234'))
    for path in ('/a/model.ckpt', '/a-1/model.ckpt', '/a/model.ckpt-x'):
      with self.assertRaisesRegex(errors.CheckpointError, path):
        checkpoints.step_of(path)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
