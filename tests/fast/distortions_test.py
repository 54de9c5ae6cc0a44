"""Each image of a chunk gets its own distortions, deduced from the pixels."""

import numpy as np
import scipy.stats
import tensorflow.compat.v1 as tf

from cifar10_compat.fast import distortions

# Images per chunk, and chunks: draws are compared within and across them.
_CHUNK = 32
_CHUNKS = 64
_IMAGES = _CHUNK * _CHUNKS


def _coded():
  """Returns uint8 [32, 3, 32, 32]: red encodes the column, green the row."""
  rows, columns = np.mgrid[:32, :32]
  image = np.stack([4 * columns, 4 * rows, np.full([32, 32], 60)])
  return np.tile(image.astype(np.uint8), [_CHUNK, 1, 1, 1])


def _independent(test, *draws):
  """Checks that draws correlate neither with each other nor with a neighbor's.

  Args:
    test: TestCase.
    *draws: arrays of shape [_CHUNKS, _CHUNK].
  """
  pairs = [(a, b) for i, a in enumerate(draws) for b in draws[:i]]
  pairs += [(a[:, 1:], a[:, :-1]) for a in draws]  # inside a chunk
  pairs += [(a[1:], a[:-1]) for a in draws]  # from chunk to chunk
  for a, b in pairs:
    r = np.corrcoef(a.flatten(), b.flatten())[0, 1]
    # The standard deviation is 1 / sqrt(2,048); five are allowed.
    test.assertLess(abs(r), 5 / np.sqrt(_IMAGES))


class CropAndFlipTest(tf.test.TestCase):

  def _draw(self, flip):
    with tf.Graph().as_default(), self.session() as sess:
      tf.set_random_seed(1)
      planes = tf.placeholder(tf.uint8, [None, 3, 32, 32])
      crops = distortions.random_crop_and_flip(planes, 24, flip=flip)
      self.assertEqual([None, 3, 24, 24], crops.shape.as_list())
      return np.array(
          [sess.run(crops, {planes: _coded()}) for _ in range(_CHUNKS)]
      ).reshape([_IMAGES, 3, 24, 24])

  def test_places_and_flips(self):
    crops = self._draw(flip=True)
    left = crops[:, 0, 0].min(1) / 4
    top = crops[:, 1, 0, 0] / 4
    flip = crops[:, 0, 0, 0] > crops[:, 0, 0, 1]
    columns = np.where(flip[:, None], 23 - np.arange(24), np.arange(24))
    expected = np.empty_like(crops)
    expected[:, 0] = 4 * (left[:, None] + columns)[:, None, :]
    expected[:, 1] = 4 * (top[:, None] + np.arange(24))[:, :, None]
    expected[:, 2] = 60
    self.assertAllEqual(expected, crops)
    # All nine places in each direction, all equally likely; so is the flip.
    for places in (left, top):
      counts = np.bincount(places.astype(int), minlength=9)
      self.assertLen(counts, 9)
      self.assertGreater(scipy.stats.chisquare(counts).pvalue, 1e-4)
    self.assertGreater(scipy.stats.binomtest(flip.sum(), _IMAGES).pvalue, 1e-4)
    _independent(
        self, *(d.reshape([_CHUNKS, _CHUNK]) for d in (left, top, flip))
    )

  def test_no_flip(self):
    crops = self._draw(flip=False)
    self.assertAllEqual(
        np.full(_IMAGES, 4), crops[:, 0, 0, 1] - crops[:, 0, 0, 0]
    )

  def test_each_image_is_cut_from_itself(self):
    # All pixels of image i are i.
    planes = np.arange(5, dtype=np.uint8).reshape([5, 1, 1, 1])
    planes = np.tile(planes, [1, 2, 6, 7])
    with tf.Graph().as_default(), self.session() as sess:
      crops = sess.run(
          distortions.random_crop_and_flip(tf.constant(planes), 6, flip=True)
      )
    self.assertAllEqual(planes[..., :6], crops)


class BrightnessAndContrastTest(tf.test.TestCase):

  def _draw(self, distort):
    images = np.random.RandomState(0).uniform(0, 255, [_CHUNK, 3, 24, 24])
    with tf.Graph().as_default(), self.session() as sess:
      tf.set_random_seed(1)
      planes = tf.placeholder(tf.float32, [None, 3, 24, 24])
      distorted = distort(planes)
      return images, np.array(
          [sess.run(distorted, {planes: images}) for _ in range(_CHUNKS)]
      )

  def _uniform(self, draws, lower, upper):
    self.assertGreater(
        scipy.stats.kstest(
            draws.flatten(), 'uniform', [lower, upper - lower]
        ).pvalue,
        1e-4,
    )
    _independent(self, draws)

  def test_brightness(self):
    images, brighter = self._draw(
        lambda planes: distortions.random_brightness(planes, 63)
    )
    added = brighter - images
    delta = added.mean((2, 3, 4))
    self.assertAllClose(
        np.broadcast_to(delta[:, :, None, None, None], added.shape),
        added,
        atol=1e-3,
    )
    self._uniform(delta, -63, 63)

  def test_contrast(self):
    images, adjusted = self._draw(
        lambda planes: distortions.random_contrast(planes, 0.2, 1.8)
    )
    mean = images.mean((2, 3), keepdims=True)
    factor = (adjusted - mean)[..., 0, 0, 0] / (images - mean)[..., 0, 0, 0]
    self.assertAllClose(
        (images - mean) * factor[:, :, None, None, None] + mean,
        adjusted,
        atol=1e-2,
    )
    self._uniform(factor, 0.2, 1.8)


class StandardizationTest(tf.test.TestCase):

  def test_tensorflows_own(self):
    random = np.random.RandomState(0)
    images = random.uniform(-99, 300, [4, 24, 24, 3])
    images[1] = 7  # without contrast
    images[2] = 7 + 1e-3 * random.rand(24, 24, 3)  # with almost none
    with tf.Graph().as_default(), self.session() as sess:
      last = tf.constant(images, tf.float32)
      planes = tf.transpose(last, [0, 3, 1, 2])
      ours = distortions.channels_last(
          distortions.per_image_standardization(planes)
      )
      self.assertAllClose(
          *sess.run([tf.image.per_image_standardization(last), ours]), atol=1e-4
      )

  def test_channels_last(self):
    planes = np.arange(2 * 3 * 4 * 5).reshape([2, 3, 4, 5])
    with tf.Graph().as_default(), self.session() as sess:
      pixels = sess.run(distortions.channels_last(tf.constant(planes)))
    self.assertAllEqual(planes.transpose([0, 2, 3, 1]), pixels)
