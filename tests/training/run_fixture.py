"""Training runs in a directory, without their steps."""

import contextlib
import io
import os

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.training import checkpoints
from cifar10_compat.training import train_dirs
from tests.helpers import saved_network


def begin(train_dir, images=None, config=config_lib.Train, **settings):
  """Opens a directory for training, and closes it.

  Returns:
    train_dirs.TrainDir, and the output.
  """
  with (
      contextlib.redirect_stdout(io.StringIO()) as printed,
      train_dirs.opened(
          config(train_dir=train_dir, **settings), images
      ) as directory,
  ):
    directory.begin()
  return directory, printed.getvalue()


class ResumedTest(tf.test.TestCase):
  """Base class of tests that resume a run with checkpoints 0, 10 and 20."""

  def setUp(self):
    super().setUp()
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    self.save(0, 10, 20)
    self.list = os.path.join(self.train_dir, 'checkpoint')

  def save(self, *steps, value=1.0, **kwargs):
    """Saves a weight of 1,000 numbers at each step, and keeps them all."""
    saved_network.save(
        self.train_dir,
        *steps,
        build=lambda: tf.get_variable('w', initializer=tf.fill([1000], value)),
        max_to_keep=100,
        **kwargs,
    )

  def begin(self, **settings):
    """Resumes with settings; returns the output."""
    return begin(self.train_dir, **settings)[1]

  def listed(self):
    """Returns the steps of the listed checkpoints."""
    state = tf.train.get_checkpoint_state(self.train_dir)
    return [
        checkpoints.Checkpoint.at(p).step
        for p in state.all_model_checkpoint_paths
    ]
