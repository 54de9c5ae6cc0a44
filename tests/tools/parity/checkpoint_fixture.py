"""A checkpoint of the tutorial's network, and batches to resume on."""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tools.parity import fast_network


class CheckpointTestCase(tf.test.TestCase):
  """Has a checkpoint of the tutorial's network, and batches to resume on.

  Attributes:
    checkpoint: str, the path of a checkpoint at step 0.
    batches: list of three (images, labels), as draw_batches() of fast_network
      returns them: 16 images of noise each.
  """

  def setUp(self):
    super().setUp()
    directory = self.create_tempdir().full_path
    record_fixture.write_batches(directory, *record_fixture.random_images(64))
    self.batches = fast_network.draw_batches(
        directory,
        3,
        batch_size=16,
        dataset=datasets.CIFAR10._replace(num_examples_per_epoch_for_train=64),
    )
    self.checkpoint = os.path.join(directory, 'model-0')
    with tf.Graph().as_default(), tf.Session() as sess:
      tf.set_random_seed(1)
      loss = cifar10.loss(
          cifar10.inference(tf.zeros([16, 24, 24, 3])),
          tf.zeros([16], tf.int32),
      )
      cifar10.train(loss, tf.train.get_or_create_global_step())
      sess.run(tf.global_variables_initializer())
      # As large as weights are after some training.
      for variable in tf.trainable_variables():
        if variable.op.name.startswith('conv'):
          sess.run(variable.assign(tf.random.normal(variable.shape, 0, 0.05)))
      tf.train.Saver(tf.global_variables()).save(sess, self.checkpoint)
