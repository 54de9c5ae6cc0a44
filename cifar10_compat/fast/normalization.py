"""Local response normalization as a matrix product.

Krizhevsky's layer scales each value x, of map j at a pixel, by the squares of
the values of nearby maps at the same pixel:

  y = x * t ** -0.75,  t = bias + alpha * S,  S = sum of x ** 2 over j - radius
                                                  to j + radius

If the values at a pixel form a row vector, S is the row of their squares times
a matrix with ones in a band around its diagonal and zeros elsewhere.
TensorFlow's own op adds up the maps one by one, and its gradient computes a
power for each pair of neighbors.  Since the band is symmetric, the gradient

  dx = g * t ** -0.75 - 2 * 0.75 * alpha * x * band(g * y / t)

takes only one more product.  t ** -0.75 is computed from square roots: r *
sqrt(r) with r = 1 / sqrt(t).
"""

from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf


def lrn(
    images: tf.Tensor,
    depth_radius: int,
    *,
    bias: float,
    alpha: float,
    name: str | None = None,
) -> tf.Tensor:
  """Normalizes across maps: tf.nn.lrn with beta = 0.75.

  Args:
    images: float32 tensor of shape [batch_size, height, width, maps]; only the
      number of maps must be known.
    depth_radius: the number of maps to include on either side.
    bias: the constant term of t, above 0.
    alpha: the factor of the sum of squares.
    name: the output's name.

  Returns:
    float32 tensor of the same shape as `images`.
  """
  maps = images.shape.as_list()[-1]
  number = np.arange(maps)
  band = np.abs(number[:, np.newaxis] - number) <= depth_radius

  def add_up(values: tf.Tensor, factor: float) -> tf.Tensor:
    """Returns factor times the sum over each map and its neighbors."""
    sums = tf.matmul(
        tf.reshape(values, [-1, maps]), (band * factor).astype(np.float32)
    )
    return tf.reshape(sums, tf.shape(values))

  @tf.custom_gradient
  def normalize(
      images: tf.Tensor,
  ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    root = tf.rsqrt(add_up(tf.square(images), alpha) + bias)
    scale = root * tf.sqrt(root)
    outputs = images * scale

    def grad(upstream: tf.Tensor) -> tf.Tensor:
      shared = add_up(upstream * outputs * tf.square(root), -1.5 * alpha)
      return upstream * scale + images * shared

    return outputs, grad

  outputs = normalize(images)
  outputs.set_shape(images.shape)
  return tf.identity(outputs, name=name)
