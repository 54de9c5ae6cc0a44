"""Compares Winograd's convolution with its definition and TensorFlow's."""

import fractions

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.fast import winograd


def _correlate(signal, taps, m):
  """Computes m outputs of a filter that slides over a signal, one by one."""
  return [sum(signal[k + i] * t for i, t in enumerate(taps)) for k in range(m)]


class MatricesTest(tf.test.TestCase):

  def test_two_outputs_of_three_taps(self):
    # By hand, with the points 0, 1, -1 and infinity: F(2, 3) of Lavin and Gray,
    # except for signs and factors, which may move between matrices.
    output, filter_, input_ = winograd.matrices(2, 3)
    self.assertAllEqual([[1, 1, 1, 0], [0, 1, -1, 1]], output)
    signal, taps = np.array([3.0, -1, 4, 2]), np.array([2.0, 7, 1])
    places = (filter_ @ taps) * (input_ @ signal)
    # 3 * 2 - 1 * 7 + 4 * 1 and -1 * 2 + 4 * 7 + 2 * 1
    self.assertAllClose([3, 28], output @ places)

  def test_each_number_of_outputs_and_taps(self):
    random = np.random.RandomState(0)
    for r in (1, 3, 5):
      for m in range(1, 9 - r + 1):
        matrices = winograd.matrices(m, r)
        signal = random.randint(-9, 10, m + r - 1)
        taps = random.randint(-9, 10, r)
        self.assertAllClose(
            _correlate(signal, taps, m),
            matrices.output
            @ ((matrices.filter @ taps) * (matrices.input @ signal)),
            atol=1e-9,
        )

  def test_they_are_fractions_of_small_numbers(self):
    # Scaled by powers of two only: all are multiples of 1/2**7 times 1/45.
    for matrix in winograd.matrices(4, 5):
      for value in matrix.flat:
        near = fractions.Fraction(value).limit_denominator(45 * 2**7)
        self.assertLess(abs(near - fractions.Fraction(value)), 1e-12)

  def test_rows_are_balanced(self):
    # To the next power of two.
    for m, r in ((2, 3), (4, 5)):
      _, filter_, input_ = winograd.matrices(m, r)
      ratio = np.abs(input_).max(1) / np.abs(filter_).max(1)
      self.assertAllInRange(ratio, 0.5, 2)

  def test_too_large(self):
    with self.assertRaisesRegex(ValueError, 'm = 5 and r = 5.*at most 9'):
      winograd.matrices(5, 5)


class ConvolutionTest(tf.test.TestCase):

  def _gradients(self, images, kernel, upstream, **kwargs):
    """Returns our outputs and gradients, and direct ones in float64."""
    results = []
    for dtype, convolve in (
        (tf.float32, lambda x, w: winograd.conv2d(x, w, **kwargs)),
        (tf.float64, lambda x, w: tf.nn.conv2d(x, w, 1, 'SAME')),
    ):
      with tf.Graph().as_default(), self.session() as sess:
        x = tf.placeholder_with_default(
            tf.constant(images, dtype), [None, *images.shape[1:]]
        )
        w = tf.constant(kernel, dtype)
        y = convolve(x, w)
        self.assertEqual(
            [*images.shape[1:3], kernel.shape[3]], y.shape.as_list()[1:]
        )
        results.append(
            sess.run(
                [y] + tf.gradients(y, [x, w], tf.constant(upstream, dtype))
            )
        )
    return results

  def _check(self, n, height, width, r, m, channels=(7, 6), bound=1e-5):
    random = np.random.RandomState(0)
    images = random.rand(n, height, width, channels[0])
    kernel = random.randn(r, r, *channels)
    upstream = random.randn(n, height, width, channels[1])
    ours, direct = self._gradients(images, kernel, upstream, m=m)
    for a, b in zip(ours, direct):
      self.assertEqual(b.shape, a.shape)
      self.assertLess(np.abs(a - b).max(), bound * np.abs(b).max())

  def test_conv2_of_the_tutorial(self):
    self._check(8, 12, 12, 5, 4, channels=(64, 64))

  def test_sizes_that_tiles_do_not_divide(self):
    self._check(3, 7, 12, 5, 4)
    self._check(1, 5, 6, 3, 4)
    self._check(2, 4, 4, 5, 2)
    self._check(2, 9, 3, 1, 3)

  def test_an_image_of_one_pixel(self):
    # By hand: only the kernel's middle contributes.
    kernel = np.arange(25.0).reshape(5, 5, 1, 1)
    ours, _ = self._gradients(
        np.full([1, 1, 1, 1], 3.0), kernel, np.ones([1, 1, 1, 1])
    )
    self.assertAllClose([36], ours[0].flatten(), rtol=1e-5)
    self.assertAllClose([12], ours[1].flatten(), rtol=1e-5)
    expected = np.zeros(25)
    expected[12] = 3
    self.assertAllClose(expected, ours[2].flatten(), atol=1e-5)

  def test_kernels_that_it_does_not_know(self):
    images = tf.zeros([1, 8, 8, 1])
    for size in ((5, 3), (4, 4)):
      with self.assertRaisesRegex(ValueError, 'must be square and of odd size'):
        winograd.conv2d(images, tf.zeros([*size, 1, 1]))
