"""SavedModels, loaded by TensorFlow 1's loader and by TensorFlow 2's."""

import os

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from cifar10_compat import config as config_lib
from cifar10_compat.formats import saved_model
from tests.helpers import random_network


class SavedModelTest(tf.test.TestCase):

  def test_loads(self):
    network = random_network.make(config_lib.CIFAR10)
    path = self.create_tempdir().full_path
    saved_model.write(
        path,
        network.graph_def,
        {'run': random_network.signature(network.graph_def)},
    )
    self.assertEqual([], os.listdir(os.path.join(path, 'variables')))

    run = tf.saved_model.load(path).signatures['run']
    found = [run(crops=tf.constant(network.crops))['logits']]
    with tf1.Graph().as_default(), tf1.Session() as sess:
      tf1.saved_model.load(sess, ['serve'], path)
      found.append(sess.run('logits:0', {'crops:0': network.crops}))
    # TensorFlow fuses other ops with constants than with variables.
    for logits in found:
      np.testing.assert_allclose(
          logits,
          network.logits,
          rtol=1e-5,
          atol=1e-5 * abs(network.logits).max(),
      )

  def test_what_cannot_be_written(self):
    with self.assertRaises((OSError, tf.errors.OpError)):
      saved_model.write('/dev/null/export', tf1.GraphDef(), {})
