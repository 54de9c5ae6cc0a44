"""Finds checkpoints; the programs' tests check whether they fit a graph."""

import os
import pathlib
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes
from tests.helpers import saved_network


class CheckpointsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.list = pathlib.Path(self.directory, 'checkpoint')

  def _save(self, *steps, value=(0.0, 0.0), **kwargs):
    """Saves v for each step; returns the path of the last checkpoint."""
    return saved_network.save(
        self.directory,
        *steps,
        build=lambda: tf.get_variable('v', initializer=tf.constant(value)),
        **kwargs,
    )

  def test_another_one_of_the_same_name(self):
    path = os.path.join(self.directory, 'model.ckpt-7')
    self.assertIsNone(checkpoints.Checkpoint.at(path).identity)
    open(path + '.index', 'w').close()
    before = checkpoints.Checkpoint.at(path)
    self.assertEqual(before, checkpoints.Checkpoint.at(path))
    os.utime(path + '.index', (1, 1))
    self.assertNotEqual(before, checkpoints.Checkpoint.at(path))

  def test_step_of_a_name(self):
    self.assertEqual(
        1234, checkpoints.Checkpoint.at('/a-1/model.ckpt-1234').step
    )
    for path in (
        '/a/model.ckpt',
        '/a-1/model.ckpt',
        '/a/model.ckpt-x',
        '/a/model.ckpt-' + 19 * '9',
    ):
      with self.assertRaisesRegex(errors.CheckpointError, path):
        checkpoints.Checkpoint.at(path)

  def test_verify(self):
    path = self._save(1)
    newest = checkpoint_list.newest(self.directory)
    with open(path + '.data-00000-of-00001', 'r+b') as f:
      f.write(b'\xff' * 8)
    with self.assertRaisesRegex(
        errors.UnusableCheckpointError,
        f'ckpt-1 is damaged or incomplete.*point {self.list} at',
    ) as caught:
      newest.verify()
    self.assertEqual(path, caught.exception.path)
    self.assertStartsWith(caught.exception.reason, 'is damaged')
    newest.verify([])  # Only requested keys are read.
    os.remove(path + '.index')
    with self.assertRaisesRegex(
        errors.UnusableCheckpointError,
        'which is missing: point it at an existing',
    ):
      newest.verify()
    # A pipe in the place of a file.
    os.mkfifo(path + '.index')
    with self.assertRaisesRegex(
        errors.UnusableCheckpointError, r'cannot read \S+ \(it is a pipe'
    ):
      newest.verify()
    self._save(2, value=(0.0, float('nan')))
    with self.assertRaisesRegex(
        errors.UnusableCheckpointError, 'has values of v that are NaN or inf'
    ):
      checkpoint_list.newest(self.directory).verify()

  def test_step_that_cannot_be_read(self):
    path = self._save(1)
    # Without a step counter, the name counts.
    self.assertEqual(
        1, checkpoint_list.newest(self.directory).held_step('none')
    )
    with mock.patch.object(tf.train, 'NewCheckpointReader') as reader:
      reader().get_tensor.side_effect = tf.errors.UnknownError(
          None, None, path + '; Too many open files'
      )
      with self.assertRaisesRegex(
          errors.CheckpointReadError, r'Too many open files\); .* be intact'
      ):
        checkpoint_list.newest(self.directory).held_step('v')

  def test_link_to_a_disk_that_is_not_mounted(self):
    data = self._save(1) + '.data-00000-of-00001'
    os.remove(data)
    os.symlink('/unmounted/disk', data)
    with self.assertRaisesRegex(
        errors.CheckpointReadError, r'a link to a missing file\); .* be intact'
    ):
      checkpoint_list.newest(self.directory).verify()

  def test_restore(self):

    def restore(averaged, model=config_lib.CIFAR10):
      config = config_lib.Checkpoint(averaged=averaged, model=model)
      with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.get_variable('w', [])
        checkpoint = checkpoint_list.newest(self.directory)
        saver = tf.train.Saver(checkpoints.trained_variables(averaged))
        checkpoint.restore(saver, sess, config)
        return checkpoint.path, sess.run(w)

    with tf.Graph().as_default(), self.session() as sess:
      w = tf.get_variable('w', initializer=tf.constant(1.0))
      averages = tf.train.ExponentialMovingAverage(0.5)
      average = averages.apply([w])
      sess.run(tf.global_variables_initializer())
      sess.run(w.assign(5.0))
      sess.run(average)
      path = tf.train.Saver().save(
          sess, os.path.join(self.directory, 'model.ckpt'), 3
      )
    notes.write(self.directory, config_lib.Network())
    # 0.5 * 1 + 0.5 * 5.
    self.assertEqual((path, 3.0), restore(True))
    self.assertEqual((path, 5.0), restore(False))
    with self.assertRaisesRegex(
        errors.UsageError, '--checkpoint_dir, or --model=cifar10'
    ):
      restore(True, config_lib.CONV_LOCAL)
    os.remove(path + '.index')
    with self.assertRaisesRegex(errors.CheckpointError, 'is missing'):
      restore(True)
