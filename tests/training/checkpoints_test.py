"""Finding checkpoints; whether they fit a graph is tested with the programs."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes


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
      with self.assertRaisesRegex(
          errors.CheckpointError, directory + '/checkpoint names no'
      ):
        checkpoints.latest(directory)

  def test_has_any(self):
    directory = self.create_tempdir().full_path
    self.assertFalse(checkpoints.has_any(os.path.join(directory, 'none')))
    self.assertFalse(checkpoints.has_any(directory))
    # Its list is gone.
    path = os.path.join(directory, 'model.ckpt-7')
    self.assertIsNone(checkpoints.identity(path))
    open(path + '.index', 'w').close()
    self.assertTrue(checkpoints.has_any(directory))
    before = checkpoints.identity(path)
    self.assertEqual(before, checkpoints.identity(path))
    os.utime(path + '.index', (1, 1))
    self.assertNotEqual(before, checkpoints.identity(path))

  def test_restore_newest(self):
    directory = self.create_tempdir().full_path

    def restore(averaged, model=models.CIFAR10):
      with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.get_variable('w', [])
        path = checkpoints.restore_newest(
            sess,
            directory,
            dataset=datasets.CIFAR10,
            model=model,
            variables=models.trained_variables(averaged),
            averaged=averaged,
        )
        return path, sess.run(w)

    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      restore(True)
    with tf.Graph().as_default(), self.session() as sess:
      w = tf.get_variable('w', initializer=tf.constant(1.0))
      averages = tf.train.ExponentialMovingAverage(0.5)
      average = averages.apply([w])
      sess.run(tf.global_variables_initializer())
      sess.run(w.assign(5.0))
      sess.run(average)
      path = tf.train.Saver().save(
          sess, os.path.join(directory, 'model.ckpt'), 3
      )
    notes.write(directory, datasets.CIFAR10, models.CIFAR10)
    # 0.5 * 1 + 0.5 * 5.
    self.assertEqual((path, 3.0), restore(True))
    self.assertEqual((path, 5.0), restore(False))
    with self.assertRaisesRegex(errors.UsageError, '--model=cifar10'):
      restore(True, models.CONV_LOCAL)
    os.remove(path + '.index')
    with self.assertRaisesRegex(errors.CheckpointError, 'is not there'):
      restore(True)

  def test_step_of(self):
    self.assertEqual(1234, checkpoints.step_of('/a-1/model.ckpt-1234'))
    for path in ('/a/model.ckpt', '/a-1/model.ckpt', '/a/model.ckpt-x'):
      with self.assertRaisesRegex(errors.CheckpointError, path):
        checkpoints.step_of(path)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
