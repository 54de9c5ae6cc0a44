"""Compares local response normalization with its definition."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.fast import normalization


def _by_definition(x, radius, bias, alpha):
  """Computes the formula, map by map, in x's type."""
  result = np.empty_like(x)
  for j in range(x.shape[-1]):
    near = x[..., max(0, j - radius) : j + radius + 1]
    result[..., j] = x[..., j] / (bias + alpha * (near**2).sum(-1)) ** 0.75
  return result


class LrnTest(tf.test.TestCase):

  def test_by_hand(self):
    # Three maps, one neighbor on either side: sums of squares 1 + 4, 1 + 4 + 16
    # and 4 + 16, and so 1 + 3 * 5 = 16, 64 and 61 to the power -3/4.
    with tf.Graph().as_default(), self.session() as sess:
      y = normalization.lrn(
          tf.constant([[[[1.0, 2.0, 4.0]]]]), 1, bias=1.0, alpha=3.0, name='n'
      )
      self.assertEqual('n', y.op.name)
      self.assertAllClose(
          [1 / 8, 2 / 64**0.75, 4 / 61**0.75], sess.run(y)[0, 0, 0]
      )

  def test_values_and_gradients(self):
    random = np.random.RandomState(0)
    # Up to sizes at which the denominator matters.
    images = random.gamma(1, 40, [3, 5, 4, 64])
    upstream = random.randn(*images.shape)
    with tf.Graph().as_default(), self.session() as sess:
      x = tf.placeholder(tf.float32, [None, None, None, 64])
      y = normalization.lrn(x, 4, bias=1.0, alpha=0.001 / 9)
      self.assertEqual([None, None, None, 64], y.shape.as_list())
      gradient = tf.gradients(y, x, tf.constant(upstream, tf.float32))[0]
      outputs, gradient = sess.run([y, gradient], {x: images})
    exact = _by_definition(images, 4, 1, 0.001 / 9)
    self.assertLess(np.abs(outputs - exact).max(), 2e-6 * exact.max())

    # The derivative along some directions, as a difference quotient.
    def objective(step, direction):
      return (
          _by_definition(images + step * direction, 4, 1, 0.001 / 9) * upstream
      ).sum()

    for _ in range(5):
      direction = random.randn(*images.shape)
      slope = (objective(1e-4, direction) - objective(-1e-4, direction)) / 2e-4
      self.assertAllClose(
          slope, (gradient * direction).sum(), rtol=1e-4, atol=1e-3
      )

  def test_tensorflows_own(self):
    images = np.random.RandomState(1).gamma(1, 9, [2, 3, 3, 16])
    with tf.Graph().as_default(), self.session() as sess:
      x = tf.constant(images, tf.float32)
      for radius, alpha in ((4, 0.001 / 9), (1, 0.5), (20, 0.1)):
        ours = normalization.lrn(x, radius, bias=2.0, alpha=alpha)
        theirs = tf.nn.lrn(x, radius, bias=2.0, alpha=alpha, beta=0.75)
        self.assertAllClose(*sess.run([theirs, ours]), rtol=1e-5)
        self.assertAllClose(
            *sess.run([tf.gradients(y, x)[0] for y in (theirs, ours)]),
            rtol=1e-4,
            atol=1e-5,
        )
