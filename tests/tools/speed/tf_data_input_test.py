"""Pixels and labels from the tf.data pipeline."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tools.speed import tf_data_input

# An image whose pixels encode their position: red is the row, green the column.
_PLACES = np.zeros([32, 32, 3], np.uint8)
_PLACES[..., 0] = np.arange(32)[:, np.newaxis]
_PLACES[..., 1] = np.arange(32)


def _distorted(images, **kwargs):
  with tf.Graph().as_default(), tf.Session() as session:
    tf.set_random_seed(1)
    return session.run(tf_data_input.distort(tf.constant(images), **kwargs))


class DistortTest(tf.test.TestCase):

  def test_each_image_has_separate_distortions(self):
    n = 4000
    # Standardization keeps the order of the pixels, and so their positions.
    images = np.repeat(_PLACES[np.newaxis], n, 0)
    images[..., 2] = 255  # Brighter than all positions.
    distorted = _distorted(images)
    self.assertEqual((n, 24, 24, 3), distorted.shape)
    self.assertAllClose(np.zeros(n), distorted.mean((1, 2, 3)), atol=1e-4)
    self.assertAllClose(np.ones(n), distorted.std((1, 2, 3)), atol=1e-3)
    # Red minus green of a pixel is its row minus its column; from
    # one row to the next, red grows by the image's unit.
    unit = distorted[:, 1, 0, 0] - distorted[:, 0, 0, 0]
    self.assertAllGreater(unit, 0)
    green = (distorted[:, 0, 1, 1] - distorted[:, 0, 0, 1]) / unit
    self.assertAllClose(np.ones(n), np.abs(green), rtol=1e-2)
    flipped = np.mean(green < 0)
    self.assertBetween(flipped, 0.5 - 4 * 0.5 / n**0.5, 0.5 + 4 * 0.5 / n**0.5)

  def test_all_81_crops_are_equally_frequent(self):
    # After subtracting the mean of each color, it is a multiple of its crop.
    n = 8100
    images = np.zeros([n, 32, 32, 3], np.uint8)
    place = np.random.RandomState(0).randint(0, 256, [32, 32, 3])
    images[:] = place
    distorted = _distorted(images, flip=False)
    crops = np.stack(
        [
            place[row : row + 24, column : column + 24].astype(np.float64)
            for row in range(9)
            for column in range(9)
        ]
    )
    crops -= crops.mean((1, 2), keepdims=True)
    crops /= np.sqrt((crops**2).sum((1, 2, 3), keepdims=True))
    centered = distorted - distorted.mean((1, 2), keepdims=True)
    scores = np.einsum('nhwc,khwc->nk', centered, crops)
    counts = np.bincount(scores.argmax(1), minlength=81)
    # The best crop fits exactly.
    self.assertAllClose(
        np.linalg.norm(centered.reshape([n, -1]), axis=1),
        scores.max(1),
        rtol=1e-3,
    )
    # Chi-squared with 80 degrees of freedom: 130 is its 99.97th percentile.
    self.assertLess(np.sum((counts - n / 81) ** 2) / (n / 81), 130)

  def test_without_flip(self):
    distorted = _distorted(np.repeat(_PLACES[np.newaxis], 200, 0), flip=False)
    self.assertAllGreater(distorted[:, 0, 1, 1] - distorted[:, 0, 0, 1], 0)

  def test_brightness_and_contrast(self):
    # Standardization would undo brightness, and the contrast of gray images.
    n = 2000
    images = np.full([n, 32, 32, 3], 100, np.uint8)
    with tf.test.mock.patch.object(
        tf.image, 'per_image_standardization', lambda x: x
    ):
      plain = _distorted(images)
      images[:, ::2] = 110
      striped = _distorted(images, flip=False)
    self.assertAllInRange(plain, 37, 163)
    self.assertAllClose(np.zeros(n), np.ptp(plain, (1, 2, 3)), atol=1e-3)
    added = plain[:, 0, 0, 0] - 100
    self.assertBetween(added.mean(), -4, 4)
    self.assertBetween(added.std() * 12**0.5 / 126, 0.95, 1.05)
    contrasts = np.ptp(striped[..., 0], (1, 2)) / 10
    self.assertAllInRange(contrasts, 0.2, 1.8)
    self.assertBetween(contrasts.mean(), 0.95, 1.05)
    self.assertBetween(contrasts.std() * 12**0.5 / 1.6, 0.95, 1.05)


class PipelineTest(tf.test.TestCase):

  def test_images_keep_their_labels(self):
    # Class i is an image whose brightest color has index i.
    data_dir = self.create_tempdir().full_path
    images = np.stack(
        [
            record_fixture.plain(*(250 * (np.arange(3) == i % 3)))
            for i in range(9)
        ]
    )
    record_fixture.write_batches(data_dir, images, range(9))
    self.assertLen(
        os.listdir(os.path.join(data_dir, 'cifar-10-batches-bin')), 6
    )
    with tf.Graph().as_default(), tf.Session() as session:
      batch = tf_data_input.distorted_inputs(
          data_dir=data_dir,
          batch_size=32,
          dataset=datasets.CIFAR10,
          queue_fraction=0.001,
      )
      self.assertEqual([32, 24, 24, 3], batch[0].shape.as_list())
      self.assertEqual([32], batch[1].shape.as_list())
      session.run(tf.tables_initializer())
      seen = []
      for _ in range(8):
        pixels, labels = session.run(batch)
        self.assertEqual(np.int32, labels.dtype)
        self.assertAllEqual(labels % 3, pixels[:, 5, 5].argmax(1))
        seen.append(tuple(labels))
    # The sequence is endless, in ever different order.
    self.assertLen(set(seen), 8)
    self.assertEqual(set(range(9)), set(np.concatenate(seen)))
