"""The input pipeline, from bytes on disk to batches."""

import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets
from tests.helpers import record_fixture


def _standardized(image):
  """Computes per_image_standardization by its definition, in float64."""
  image = np.asarray(image, np.float64)
  return (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))


class ReadTest(tf.test.TestCase):

  def test_records_in_order_then_the_end(self):
    # Every pixel has different bytes, so a wrong order would show.
    images, _ = record_fixture.random_images(3)
    labels = [9, 3, 0]
    path = os.path.join(self.get_temp_dir(), 'batch.bin')
    pathlib.Path(path).write_bytes(
        b''.join(map(record_fixture.record, labels, images))
    )
    with tf.Graph().as_default(), self.session() as sess:
      q = tf.FIFOQueue(1, [tf.string], shapes=())
      q.enqueue([path]).run()
      q.close().run()
      result = cifar10_input.read_cifar10(q)
      self.assertEqual((32, 32, 3), (result.height, result.width, result.depth))
      for i in range(3):
        key, label, image = sess.run(
            [result.key, result.label, result.uint8image]
        )
        self.assertEqual('%s:%d' % (path, i), key.decode())
        self.assertAllEqual([labels[i]], label)
        self.assertAllEqual(images[i], image)
      with self.assertRaises(tf.errors.OutOfRangeError):
        sess.run([result.key, result.uint8image])

  def test_first_bytes_are_the_red_plane_row_by_row(self):
    path = os.path.join(self.get_temp_dir(), 'bytes.bin')
    pathlib.Path(path).write_bytes(
        bytes([7]) + bytes(i % 251 for i in range(3072))
    )
    with tf.Graph().as_default(), self.session() as sess:
      q = tf.FIFOQueue(1, [tf.string], shapes=())
      q.enqueue([path]).run()
      image = sess.run(cifar10_input.read_cifar10(q).uint8image)
    # Byte 1 + plane * 1024 + row * 32 + column.
    self.assertEqual(0, image[0, 0, 0])
    self.assertEqual(1, image[0, 1, 0])
    self.assertEqual(32, image[1, 0, 0])
    self.assertEqual(1024 % 251, image[0, 0, 1])
    self.assertEqual((2 * 1024 + 31 * 32 + 30) % 251, image[31, 30, 2])

  def test_cifar100_has_two_labels(self):
    images, _ = record_fixture.random_images(2)
    path = os.path.join(self.get_temp_dir(), 'cifar100.bin')
    with open(path, 'wb') as f:
      for coarse, fine, image in ((19, 99, images[0]), (4, 0, images[1])):
        f.write(bytes([coarse]) + record_fixture.record(fine, image))
    for dataset, labels in (
        (datasets.CIFAR100, [99, 0]),
        (datasets.CIFAR100_COARSE, [19, 4]),
    ):
      with tf.Graph().as_default(), self.session() as sess:
        q = tf.FIFOQueue(1, [tf.string], shapes=())
        q.enqueue([path]).run()
        q.close().run()
        result = cifar10_input.read_cifar10(
            q, config_lib.Network(dataset=dataset)
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

  def _queue(self, graph):
    (queue,) = [
        op for op in graph.get_operations() if op.type == 'RandomShuffleQueueV2'
    ]
    return (queue.get_attr('min_after_dequeue'), queue.get_attr('capacity'))

  def test_training_queue(self):
    with tf.Graph().as_default() as graph:
      images, labels = cifar10_input.distorted_inputs(self.directory, 128)
      files, examples = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
    self.assertEqual((20000, 20384), self._queue(graph))
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

  def test_smaller_queue(self):
    with tf.Graph().as_default() as graph:
      cifar10_input.distorted_inputs(
          self.directory, 128, config_lib.Train(queue_fraction=0.01)
      )
    self.assertEqual((500, 884), self._queue(graph))

  def test_historical_eval_queues(self):
    for eval_data, expected in ((True, (4000, 4384)), (False, (20000, 20384))):
      with tf.Graph().as_default() as graph:
        images, _ = cifar10_input.inputs(eval_data, self.directory, 128)
        _, examples = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
      self.assertEqual(expected, self._queue(graph))
      self.assertLen(examples.enqueue_ops, 16)
      self.assertEqual([128, 24, 24, 3], images.shape.as_list())

  def test_one_epoch_has_one_thread(self):
    with tf.Graph().as_default():
      cifar10_input.inputs(True, self.directory, 128, config_lib.Eval())
      _, examples = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
    self.assertLen(examples.enqueue_ops, 1)

  def test_queue_and_flip_are_those_of_the_set(self):
    for name in ('train.bin', 'test.bin'):
      os.link(
          os.path.join(self.directory, 'test_batch.bin'),
          os.path.join(self.directory, name),
      )
    with tf.Graph().as_default() as graph:
      cifar10_input.distorted_inputs(
          self.directory, 128, config_lib.Train(dataset=datasets.SVHN)
      )
      names = {op.name.partition('/')[0] for op in graph.get_operations()}
    # int(0.4 * 73,257)
    self.assertEqual((29302, 29686), self._queue(graph))
    self.assertNotIn('random_flip_left_right', names)
    self.assertIn('random_crop', names)
    with tf.Graph().as_default() as graph:
      cifar10_input.inputs(
          True,
          self.directory,
          128,
          config_lib.Eval(dataset=datasets.SVHN, count=config_lib.HISTORICAL),
      )
    # int(0.4 * 26,032)
    self.assertEqual((10412, 10796), self._queue(graph))
    with tf.Graph().as_default() as graph:
      cifar10_input.distorted_inputs(self.directory, 128)
      names = {op.name.partition('/')[0] for op in graph.get_operations()}
    self.assertIn('random_flip_left_right', names)

  def test_set_smaller_than_a_batch(self):
    dataset = datasets.CIFAR10._replace(
        train_files=('train.bin',), num_examples_per_epoch_for_train=2
    )
    with open(os.path.join(self.directory, 'train.bin'), 'wb') as f:
      for label in (3, 8):
        f.write(record_fixture.record(label, record_fixture.plain(1, 2, label)))
    with tf.Graph().as_default() as graph, tf.Session() as sess:
      batch = cifar10_input.distorted_inputs(
          self.directory, 16, config_lib.Train(dataset=dataset)
      )
      self.assertEqual((0, 48), self._queue(graph))
      coord = tf.train.Coordinator()
      threads = tf.train.start_queue_runners(sess, coord)
      labels = np.concatenate([sess.run(batch)[1] for _ in range(8)])
      coord.request_stop()
      coord.join(threads)
    self.assertEqual({3, 8}, set(labels))

  def test_missing_file_is_named(self):
    missing = os.path.join(self.directory, 'data_batch_3.bin')
    os.remove(missing)
    with tf.Graph().as_default():
      with self.assertRaisesRegex(ValueError, missing):
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
      coord = tf.train.Coordinator()
      threads = tf.train.start_queue_runners(sess, coord)
      cls.images, cls.labels = sess.run([images, labels])
      cls.cropped, cls.brighter, cls.adjusted = map(
          np.array, zip(*[sess.run(stages) for _ in range(500)])
      )
      coord.request_stop()
      coord.join(threads)

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
    result = []
    with tf.Graph().as_default(), tf.Session() as sess:
      batch = cifar10_input.inputs(
          True, directory, batch_size, config_lib.Eval(views=views)
      )
      sess.run(tf.local_variables_initializer())
      coord = tf.train.Coordinator()
      threads = tf.train.start_queue_runners(sess, coord)
      with self.assertRaises(tf.errors.OutOfRangeError):
        while True:
          result.append(sess.run(batch))
      coord.request_stop()
      coord.join(threads)
    return images, labels, result

  def test_each_image_once_in_order_centrally_cropped(self):
    images, labels, batches = self._batches(21, 8)
    self.assertEqual([8, 8, 5], [len(l) for _, l in batches])
    self.assertAllEqual(labels, np.concatenate([l for _, l in batches]))
    # The center: of the 8 surplus rows and columns, 4 go on each side.
    self.assertAllClose(
        [_standardized(i[4:28, 4:28]) for i in images],
        np.concatenate([i for i, _ in batches]),
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

  def test_views_of_each_image(self):
    images, labels, batches = self._batches(3, 2, views=10)
    self.assertEqual([2, 1], [len(l) for _, l in batches])
    self.assertAllEqual(labels, np.concatenate([l for _, l in batches]))
    expected = []
    for image in images:
      crops = [
          image[:24, :24],
          image[:24, 8:],
          image[8:, :24],
          image[8:, 8:],
          image[4:28, 4:28],
      ]
      expected += crops + [c[:, ::-1] for c in crops]
    self.assertAllClose(
        [_standardized(i) for i in expected],
        np.concatenate([i for i, _ in batches]),
        atol=1e-4,
    )

  def test_five_views(self):
    images, _, batches = self._batches(2, 2, views=5)
    self.assertAllClose(
        [
            _standardized(i[r : r + 24, c : c + 24])
            for i in images
            for r, c in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))
        ],
        batches[0][0],
        atol=1e-4,
    )
