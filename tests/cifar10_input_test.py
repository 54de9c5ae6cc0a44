"""The input pipeline, from bytes on disk to batches."""

import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets
from tests.helpers import batches
from tests.helpers import record_fixture


def _standardized(image):
  """Computes per_image_standardization by its definition, in float64."""
  image = np.asarray(image, np.float64)
  return (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))


class ReadTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.path = self.create_tempfile('batch.bin').full_path

  def test_records_in_order_then_the_end(self):
    # Every pixel has different bytes, so a wrong order would show.
    images, _ = record_fixture.random_images(3)
    labels = [9, 3, 0]
    pathlib.Path(self.path).write_bytes(
        b''.join(map(record_fixture.record, labels, images))
    )
    with tf.Graph().as_default(), self.session() as sess:
      result = cifar10_input.read_cifar10(batches.file_queue(self.path))
      self.assertEqual((32, 32, 3), (result.height, result.width, result.depth))
      for i in range(3):
        key, label, image = sess.run(
            [result.key, result.label, result.uint8image]
        )
        self.assertEqual('%s:%d' % (self.path, i), key.decode())
        self.assertAllEqual([labels[i]], label)
        self.assertAllEqual(images[i], image)
      with self.assertRaises(tf.errors.OutOfRangeError):
        sess.run([result.key, result.uint8image])

  def test_first_bytes_are_the_red_plane_row_by_row(self):
    pathlib.Path(self.path).write_bytes(
        bytes([7]) + bytes(i % 251 for i in range(3072))
    )
    with tf.Graph().as_default(), self.session() as sess:
      queue = batches.file_queue(self.path)
      image = sess.run(cifar10_input.read_cifar10(queue).uint8image)
    # Byte 1 + plane * 1024 + row * 32 + column.
    for place, expected in (
        ((0, 0, 0), 0),
        ((0, 1, 0), 1),
        ((1, 0, 0), 32),
        ((0, 0, 1), 1024 % 251),
        ((31, 30, 2), (2 * 1024 + 31 * 32 + 30) % 251),
    ):
      self.assertEqual(expected, image[place])

  def test_cifar100_has_two_labels(self):
    images, _ = record_fixture.random_images(2)
    record_fixture.write_cifar100(self.path, images)
    for dataset, labels in (
        (datasets.CIFAR100, [99, 0]),
        (datasets.CIFAR100_COARSE, [19, 4]),
    ):
      with tf.Graph().as_default(), self.session() as sess:
        result = cifar10_input.read_cifar10(
            batches.file_queue(self.path), config_lib.Network(dataset=dataset)
        )
        self.assertEqual([1], result.label.shape.as_list())
        for label, image in zip(labels, images):
          read = sess.run([result.label, result.uint8image])
          self.assertAllEqual([label], read[0])
          self.assertAllEqual(image, read[1])
        with self.assertRaises(tf.errors.OutOfRangeError):
          sess.run(result.label)


class GraphTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = record_fixture.write_batches(
        self.create_tempdir().full_path, *record_fixture.random_images(4)
    )

  def _built(self, build, *args, **kwargs):
    """Builds an input of the directory in a graph.

    Args:
      build: cifar10_input.distorted_inputs or inputs.
      *args: eval_data, of inputs().
      **kwargs: further arguments.

    Returns:
      tf.Graph, the batch, and the minimum and the capacity of its queue.
    """
    with tf.Graph().as_default() as graph:
      batch = build(*args, self.directory, **kwargs)
    queues = [
        (op.get_attr('min_after_dequeue'), op.get_attr('capacity'))
        for op in graph.get_operations()
        if op.type == 'RandomShuffleQueueV2'
    ]
    return graph, batch, queues

  def test_training_queue(self):
    graph, (images, labels), queues = self._built(
        cifar10_input.distorted_inputs, batch_size=128
    )
    files, examples = graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
    self.assertEqual([(20000, 20384)], queues)
    self.assertLen(files.enqueue_ops, 1)
    self.assertLen(examples.enqueue_ops, 16)
    self.assertEqual([128, 24, 24, 3], images.shape.as_list())
    self.assertEqual((tf.float32, tf.int32), (images.dtype, labels.dtype))
    self.assertEqual([128], labels.shape.as_list())
    (reader,) = [
        op
        for op in graph.get_operations()
        if op.type == 'FixedLengthRecordReaderV2'
    ]
    self.assertEqual(3073, reader.get_attr('record_bytes'))
    self.assertEqual(0, reader.get_attr('header_bytes'))

  def test_queue_and_flip_are_those_of_the_set_and_the_settings(self):
    for name in ('train.bin', 'test.bin'):
      os.link(
          os.path.join(self.directory, 'test_batch.bin'),
          os.path.join(self.directory, name),
      )
    for config, expected, flips in (
        (config_lib.Train(), (20000, 20384), True),
        (config_lib.Train(queue_fraction=0.01), (500, 884), True),
        # int(0.4 * 73,257)
        (config_lib.Train(dataset=datasets.SVHN), (29302, 29686), False),
    ):
      graph, _, queues = self._built(
          cifar10_input.distorted_inputs, batch_size=128, config=config
      )
      self.assertEqual([expected], queues)
      names = {op.name.partition('/')[0] for op in graph.get_operations()}
      self.assertEqual(flips, 'random_flip_left_right' in names)
      self.assertIn('random_crop', names)
    config = config_lib.Eval(dataset=datasets.SVHN, count=config_lib.HISTORICAL)
    _, _, queues = self._built(
        cifar10_input.inputs, True, batch_size=128, config=config
    )
    # int(0.4 * 26,032)
    self.assertEqual([(10412, 10796)], queues)

  def test_eval_queues(self):
    for eval_data, kwargs, queues, threads in (
        (True, {}, [(4000, 4384)], 16),
        (False, {}, [(20000, 20384)], 16),
        # One epoch, in order.
        (True, {'config': config_lib.Eval()}, [], 1),
    ):
      graph, (images, _), found = self._built(
          cifar10_input.inputs, eval_data, batch_size=128, **kwargs
      )
      _, examples = graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
      self.assertEqual(queues, found)
      self.assertLen(examples.enqueue_ops, threads)
      self.assertEqual(
          [None if kwargs else 128, 24, 24, 3], images.shape.as_list()
      )

  def test_set_smaller_than_a_batch(self):
    dataset = datasets.CIFAR10._replace(
        train_files=('train.bin',), num_examples_per_epoch_for_train=2
    )
    pathlib.Path(self.directory, 'train.bin').write_bytes(
        b''.join(
            record_fixture.record(label, record_fixture.plain(1, 2, label))
            for label in (3, 8)
        )
    )
    kwargs = {'batch_size': 16, 'config': config_lib.Train(dataset=dataset)}
    _, _, queues = self._built(cifar10_input.distorted_inputs, **kwargs)
    self.assertEqual([(0, 48)], queues)
    found = batches.run(
        lambda: cifar10_input.distorted_inputs(self.directory, **kwargs), 8
    )
    self.assertEqual({3, 8}, {label for _, labels in found for label in labels})

  def test_missing_file_is_named(self):
    missing = os.path.join(self.directory, 'data_batch_3.bin')
    os.remove(missing)
    with tf.Graph().as_default(), self.assertRaisesRegex(ValueError, missing):
      cifar10_input.distorted_inputs(self.directory, 128)


class DistortionTest(tf.test.TestCase):
  """Deduces the distortions of an image from the resulting pixels."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # Red encodes the column and green the row, so that each output image shows
    # its crop and its flip; blue is constant.
    rows, columns = np.mgrid[:32, :32]
    image = np.stack([4 * columns, 4 * rows, np.full((32, 32), 60)], axis=-1)
    directory = record_fixture.write_batches(
        tf.test.get_temp_dir(), [image], [5]
    )
    # A short queue: this test is about the images, not the shuffling.
    dataset = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=1000)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
      tf.set_random_seed(1)
      images, labels = cifar10_input.distorted_inputs(
          directory, 500, config_lib.Train(dataset=dataset)
      )
      (contrast,) = [
          op for op in graph.get_operations() if op.type == 'AdjustContrastv2'
      ]
      brightness = contrast.inputs[0].op
      while brightness.type == 'Identity':
        brightness = brightness.inputs[0].op
      # One image at three stages: cropped and flipped; then with brightness;
      # then also with contrast.
      stages = [
          brightness.inputs[0],
          brightness.outputs[0],
          contrast.outputs[0],
      ]
      with batches.running(sess):
        cls.images, cls.labels = sess.run([images, labels])
        cls.cropped, cls.brighter, cls.adjusted = map(
            np.array, zip(*[sess.run(stages) for _ in range(500)])
        )

  def test_crop_and_flip(self):
    column = self.cropped[:, 0, :, 0].min(axis=1) / 4
    row = self.cropped[:, 0, 0, 1] / 4
    flip = self.cropped[:, 0, 0, 0] > self.cropped[:, 0, 1, 0]
    for c, r, f, image in zip(column, row, flip, self.cropped):
      columns = 4 * (c + np.arange(24))[:: -1 if f else 1]
      self.assertAllEqual(np.tile(columns, (24, 1)), image[..., 0])
      self.assertAllEqual(
          np.tile(4 * (r + np.arange(24)), (24, 1)).T, image[..., 1]
      )
    # 32 - 24 + 1 places in each direction, uniform: 500 / 9 = 55.6 expected
    # each, with standard deviation 7.0; five standard deviations are allowed.
    for places in (column, row):
      counts = np.bincount(places.astype(int))
      self.assertLen(counts, 9)
      self.assertBetween(counts.min(), 20, 55)
    # 250 expected, with standard deviation 11.2.
    self.assertBetween(flip.sum(), 194, 306)
    # Successive images, and pairs of draws: the standard deviation of r is
    # 0.045.
    for a, b in (
        (flip, column),
        (flip, row),
        (column, row),
        (column[1:], column[:-1]),
        (row[1:], row[:-1]),
        (flip[1:], flip[:-1]),
    ):
      self.assertLess(abs(np.corrcoef(a, b)[0, 1]), 0.225)

  def test_brightness_and_contrast(self):
    # The same number is added to every pixel, ...
    added = self.brighter - self.cropped
    delta = added[:, 0, 0, 0]
    self.assertAllClose(np.zeros(500), np.ptp(added, axis=(1, 2, 3)), atol=1e-3)
    # ... then each channel's distance from its mean is scaled.
    slope = self.adjusted[:, 23, 0, 1] - self.adjusted[:, 0, 0, 1]
    factor = slope / (23 * 4)
    means = self.brighter.mean(axis=(1, 2), keepdims=True)
    self.assertAllClose(
        (self.brighter - means) * factor[:, None, None, None] + means,
        self.adjusted,
        atol=1e-2,
    )
    # Uniform on [-63, 63] and [0.2, 1.8]; the mean of 500 has standard
    # deviations 1.63 and 0.0207; of 500, 10 are expected within 1/50 of the
    # range from an end.
    self.assertBetween(delta.min(), -63.01, -60.48)
    self.assertBetween(delta.max(), 60.48, 63.01)
    self.assertBetween(factor.min(), 0.1999, 0.232)
    self.assertBetween(factor.max(), 1.768, 1.8001)
    self.assertLess(abs(delta.mean()), 8.2)
    self.assertLess(abs(factor.mean() - 1), 0.104)
    for a, b in (
        (delta, factor),
        (delta[1:], delta[:-1]),
        (factor[1:], factor[:-1]),
    ):
      self.assertLess(abs(np.corrcoef(a, b)[0, 1]), 0.225)

  def test_batch_is_standardized(self):
    self.assertAllClose(
        np.zeros(500), self.images.mean(axis=(1, 2, 3)), atol=1e-4
    )
    self.assertAllClose(
        np.ones(500), self.images.std(axis=(1, 2, 3)), atol=1e-4
    )
    self.assertAllEqual(np.full(500, 5), self.labels)

  def test_images_of_a_batch_differ(self):
    # If a distortion were drawn once per batch, red's first row would be equal
    # in all images, except for its flip.
    first_rows = np.sort(self.images[:, 0, :, 0], axis=1).round(3)
    self.assertGreater(len(np.unique(first_rows, axis=0)), 400)


class OneEpochTest(tf.test.TestCase):

  def _batches(self, n, batch_size, views=1):
    images, labels = record_fixture.random_images(n)
    directory = record_fixture.write_batches(
        self.create_tempdir().full_path, images, labels
    )
    config = config_lib.Eval(views=views)
    return (
        images,
        labels,
        batches.run(
            lambda: cifar10_input.inputs(True, directory, batch_size, config)
        ),
    )

  def test_each_image_once_in_order_and_its_views(self):
    corners = (0, 0), (0, 8), (8, 0), (8, 8)
    # The center: of the 8 surplus rows and columns, 4 go on each side.
    center = (4, 4)
    for n, batch_size, lengths, views, places, flips in (
        (21, 8, [8, 8, 5], 1, (center,), (1,)),
        (2, 2, [2], 5, (*corners, center), (1,)),
        (3, 2, [2, 1], 10, (*corners, center), (1, -1)),
    ):
      images, labels, found = self._batches(n, batch_size, views)
      self.assertEqual(lengths, [len(l) for _, l in found])
      self.assertAllEqual(labels, np.concatenate([l for _, l in found]))
      self.assertAllClose(
          [
              _standardized(i[r : r + 24, c : c + 24][:, ::flip])
              for i in images
              for flip in flips
              for r, c in places
          ],
          np.concatenate([i for i, _ in found]),
          atol=1e-4,
      )

  def test_pixels_are_averaged(self):
    # 64 x 64 pixels, each 2 x 2 block 0, 10, 20 and 30: mean 15.
    image = np.zeros([64, 64, 3], np.uint8)
    image[::2, 1::2], image[1::2, ::2], image[1::2, 1::2] = 10, 20, 30
    with tf.Graph().as_default(), self.session() as sess:
      self.assertAllEqual(
          np.full([32, 32, 3], 15),
          sess.run(cifar10_input.fit(tf.constant(image))),
      )
