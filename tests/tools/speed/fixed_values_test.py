"""The shared weights and batch fit the network."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from tools.speed import fixed_values


class FixedValuesTest(tf.test.TestCase):

  def test_weights_fit_the_network(self):
    with tf.Graph().as_default():
      cifar10.inference(tf.zeros([1, 24, 24, 3]))
      shapes = {
          v.op.name: tuple(v.shape.as_list()) for v in tf.trainable_variables()
      }
    values = fixed_values.weights()
    self.assertEqual(shapes, {key: v.shape for key, v in values.items()})
    self.assertEqual({np.dtype(np.float32)}, {v.dtype for v in values.values()})
    self.assertAllEqual(
        values['conv1/weights'], fixed_values.weights()['conv1/weights']
    )
    self.assertAllEqual(np.full(64, np.float32(0.1)), values['conv2/biases'])

  def test_batch(self):
    images, labels = fixed_values.batch(50)
    self.assertEqual((50, 24, 24, 3), images.shape)
    self.assertAllClose(np.zeros(50), images.mean((1, 2, 3)), atol=1e-6)
    self.assertAllClose(np.ones(50), images.std((1, 2, 3)), atol=1e-6)
    self.assertEqual(set(range(10)), set(labels))
    self.assertAllEqual(images, fixed_values.batch(50)[0])

  def test_constants_equal_the_trainers(self):
    self.assertEqual(cifar10.INITIAL_LEARNING_RATE, fixed_values.LEARNING_RATE)
    self.assertEqual(
        cifar10.MOVING_AVERAGE_DECAY, fixed_values.MOVING_AVERAGE_DECAY
    )
