"""The chunked input has the same images, queues and distributions."""

import collections
import functools
import os
import pathlib

import numpy as np
import scipy.stats
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets
from tests.helpers import batches
from tests.helpers import record_fixture


def _run(make_batch, count, *, seed=None):
  """Runs up to count batches; fewer if the images end. Returns all."""
  found = batches.run(make_batch, count, seed=seed)
  return [np.concatenate(parts) for parts in zip(*found)]


class ReadTest(tf.test.TestCase):

  def test_records_in_order_in_chunks_of_a_file(self):
    images, labels = record_fixture.random_images(5)
    data_dir = self.create_tempdir().full_path
    directory = record_fixture.write_batches(data_dir, images, labels)
    with tf.Graph().as_default(), self.session() as sess:
      planes, found = cifar10_fast_input.read_cifar10_up_to(
          batches.file_queue(os.path.join(directory, 'test_batch.bin')), 3
      )
      self.assertEqual([None, 3, 32, 32], planes.shape.as_list())
      for part in (slice(0, 3), slice(3, 5)):
        p, l = sess.run([planes, found])
        self.assertAllEqual(np.array(images[part]).transpose([0, 3, 1, 2]), p)
        self.assertAllEqual(np.array(labels[part])[:, None], l)
      with self.assertRaises(tf.errors.OutOfRangeError):
        sess.run(planes)

  def test_two_labels(self):
    images, _ = record_fixture.random_images(2)
    path = os.path.join(self.get_temp_dir(), 'cifar100.bin')
    record_fixture.write_cifar100(path, images)
    for dataset, expected in (
        (datasets.CIFAR100, [[99], [0]]),
        (datasets.CIFAR100_COARSE, [[19], [4]]),
    ):
      with tf.Graph().as_default(), self.session() as sess:
        planes, labels = sess.run(
            cifar10_fast_input.read_cifar10_up_to(
                batches.file_queue(path),
                9,
                config_lib.Network(dataset=dataset),
            )
        )
        self.assertAllEqual(expected, labels)
        self.assertAllEqual(np.array(images).transpose([0, 3, 1, 2]), planes)


class GraphTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = record_fixture.write_batches(
        self.create_tempdir().full_path, *record_fixture.random_images(4)
    )

  def _signature(self, make):
    """Returns the visible properties of the input's queues and batches."""
    with tf.Graph().as_default() as graph:
      batch = make()
      (queue,) = [
          op
          for op in graph.get_operations()
          if op.type in ('RandomShuffleQueueV2', 'FIFOQueueV2')
          and 'batch' in op.name
      ]
      summaries = [
          tf.get_static_value(s.op.inputs[0]).item()
          for s in tf.get_collection(tf.GraphKeys.SUMMARIES)
          if s.op.type == 'ScalarSummary'
      ]
      return (
          [t.shape.as_list() for t in batch],
          [t.dtype for t in batch],
          queue.type,
          queue.get_attr('capacity'),
          'min_after_dequeue' in queue.node_def.attr
          and queue.get_attr('min_after_dequeue'),
          [
              len(r.enqueue_ops)
              for r in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
          ],
          summaries,
      )

  def test_queues_threads_and_tags_are_the_literal_ones(self):
    for make in (
        lambda m: m.distorted_inputs(self.directory, 128),
        lambda m: m.distorted_inputs(
            self.directory, 7, config_lib.Train(queue_fraction=0.01)
        ),
        lambda m: m.distorted_inputs(
            self.directory, 128, config_lib.Train(deterministic=True, seed=1)
        ),
        lambda m: m.inputs(True, self.directory, 128),
        lambda m: m.inputs(False, self.directory, 5),
        lambda m: m.inputs(True, self.directory, 128, config_lib.Eval()),
        lambda m: m.inputs(
            True, self.directory, 128, config_lib.Eval(views=10)
        ),
    ):
      literal, fast = [
          self._signature(functools.partial(make, m))
          for m in (cifar10_input, cifar10_fast_input)
      ]
      self.assertEqual(literal, fast)
    self.assertEqual(16, cifar10_input.NUM_PREPROCESS_THREADS)

  def test_what_is_missing(self):
    missing = os.path.join(self.directory, 'data_batch_3.bin')
    os.remove(missing)
    with self.assertRaisesRegex(ValueError, missing):
      cifar10_fast_input.distorted_inputs(self.directory, 128)


class EpochTest(tf.test.TestCase):

  def test_each_image_once_in_order_as_the_literal_input_has_it(self):
    # More than a chunk, and a smaller last batch.
    directory = record_fixture.write_batches(
        self.create_tempdir().full_path, *record_fixture.random_images(75)
    )
    for views in (1, 5, 10):
      found = [
          _run(
              functools.partial(
                  m.inputs, True, directory, 20, config_lib.Eval(views=views)
              ),
              9,
          )
          for m in (cifar10_input, cifar10_fast_input)
      ]
      self.assertLen(found[1][1], 75)
      self.assertLen(found[1][0], 75 * views)
      self.assertAllClose(found[0][0], found[1][0], atol=1e-5)
      self.assertAllEqual(found[0][1], found[1][1])

  def test_training_reads_each_image_of_an_epoch_once(self):
    # Two files of 40 images each, with different labels; a file's last chunk
    # has 8 images.
    directory = self.create_tempdir().full_path
    dataset = datasets.CIFAR10._replace(
        train_files=('a.bin', 'b.bin'),
        num_examples_per_epoch_for_train=80,
        class_names=tuple(map(str, range(80))),
    )
    images, _ = record_fixture.random_images(80)
    for name, first in (('a.bin', 0), ('b.bin', 40)):
      pathlib.Path(directory, name).write_bytes(
          b''.join(
              record_fixture.record(i, images[i])
              for i in range(first, first + 40)
          )
      )
    epochs = 25
    _, labels = _run(
        lambda: cifar10_fast_input.distorted_inputs(
            directory, 8, config_lib.Train(dataset=dataset)
        ),
        epochs * 10,
    )
    counts = collections.Counter(labels)
    self.assertLen(counts, 80)
    # Each epoch draws an image once.  Fewer than 8 epochs are still in the
    # queue, in the 16 threads and in the queue of file names.
    self.assertGreater(min(counts.values()), epochs - 8)
    self.assertLess(max(counts.values()), epochs + 8)

  def test_images_keep_their_labels(self):
    # Each image has one color, still recognizable after the distortions.
    images = [
        record_fixture.plain(200, 0, 0),
        record_fixture.plain(0, 200, 0),
        record_fixture.plain(0, 0, 200),
    ] * 30
    directory = record_fixture.write_batches(
        self.create_tempdir().full_path, images, [0, 1, 2] * 30
    )
    dataset = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=500)
    images, labels = _run(
        lambda: cifar10_fast_input.distorted_inputs(
            directory, 50, config_lib.Train(dataset=dataset)
        ),
        10,
    )
    self.assertAllEqual(labels, images[:, 12, 12].argmax(1))


class DistributionTest(tf.test.TestCase):

  def test_pixels_are_distributed_as_the_literal_ones(self):
    # Real images have structure; a ramp with noise has some, too.
    random = np.random.RandomState(0)
    ramps = np.linspace(0, 200, 32)[:, None, None] * random.uniform(
        0.2, 1, [60, 1, 32, 3]
    )
    images = (ramps + random.uniform(0, 55, [60, 32, 32, 3])).astype(np.uint8)
    directory = record_fixture.write_batches(
        self.create_tempdir().full_path, images, [i % 10 for i in range(60)]
    )
    dataset = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=1000)
    literal, fast = [
        _run(
            lambda m=m: m.distorted_inputs(
                directory, 100, config_lib.Train(dataset=dataset)
            ),
            20,
            seed=1,
        )[0]
        for m in (cifar10_input, cifar10_fast_input)
    ]
    self.assertAllClose(np.zeros(2000), fast.mean((1, 2, 3)), atol=1e-4)
    self.assertAllClose(np.ones(2000), fast.std((1, 2, 3)), atol=1e-4)
    # Contrast changes each plane separately, and so the differences of their
    # means; the first row shows the crop, the first and last columns the flip.
    for statistic in (
        lambda x: x[:, 0, 0, 0],
        lambda x: x[:, 12, 12, 1],
        lambda x: x[:, 23, 23, 2],
        lambda x: x[..., 0].mean((1, 2)),
        lambda x: x[..., 1].mean((1, 2)),
        lambda x: x[:, 0].mean((1, 2)),
        lambda x: x[:, :, 0].mean((1, 2)) - x[:, :, 23].mean((1, 2)),
    ):
      self.assertGreater(
          scipy.stats.ks_2samp(statistic(literal), statistic(fast)).pvalue, 1e-4
      )
