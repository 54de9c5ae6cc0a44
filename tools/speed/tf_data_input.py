"""The tutorial's input as a tf.data pipeline, in idiomatic code.

The pipeline does the same work as the tutorial's input: files in random order,
a shuffle buffer of 20,000 images, batches, and a random crop, flip, brightness
and contrast for each image.  The pipeline shuffles records as bytes, and
distorts one batch at a time.
"""

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat.data import datasets
from cifar10_compat.data import description


def distort(images, *, flip=True):
  """Distorts each image of a batch as cifar10_input.distorted_inputs() does.

  Args:
    images: uint8 tensor of shape [n, 32, 32, 3].
    flip: bool, whether to flip at random.

  Returns:
    float32 tensor of shape [n, 24, 24, 3], each image with mean 0 and standard
    deviation 1.
  """
  n = tf.shape(images)[0]
  size = cifar10_input.IMAGE_SIZE
  places = description.HEIGHT - size + 1
  window = tf.range(size)[tf.newaxis]
  rows = tf.random.uniform([n, 1], 0, places, tf.int32) + window
  columns = tf.random.uniform([n, 1], 0, places, tf.int32)
  if flip:
    flipped = tf.random.uniform([n, 1]) < 0.5
    window = tf.where_v2(flipped, tf.reverse(window, [1]), window)
  images = tf.gather(images, rows, axis=1, batch_dims=1)
  images = tf.gather(images, columns + window, axis=2, batch_dims=1)
  images = tf.cast(images, tf.float32)
  images += tf.random.uniform([n, 1, 1, 1], -63, 63)
  means = tf.reduce_mean(images, [1, 2], keepdims=True)
  contrasts = tf.random.uniform([n, 1, 1, 1], 0.2, 1.8)
  images = (images - means) * contrasts + means
  images = tf.image.per_image_standardization(images)
  return tf.ensure_shape(images, [None, size, size, 3])


def distorted_inputs(
    *,
    data_dir,
    batch_size,
    dataset=datasets.CIFAR10,
    queue_fraction=cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
):
  """Builds an endless sequence of training batches in the default graph.

  Args:
    data_dir, batch_size, dataset: see cifar10.distorted_inputs().
    queue_fraction: float, 0 to 1, the fraction of an epoch that the shuffle
      buffer holds.

  Returns:
    images, labels: see cifar10.distorted_inputs().
    The iterator's initializer is in the collection TABLE_INITIALIZERS.
  """
  filenames = dataset.filenames(data_dir, False)

  def parse(records):
    values = tf.io.decode_raw(records, tf.uint8)
    values = tf.ensure_shape(values, [None, dataset.record_bytes])
    labels = tf.cast(values[:, dataset.label_index], tf.int32)
    images = tf.reshape(
        values[:, dataset.label_bytes :],
        [-1, description.DEPTH, description.HEIGHT, description.WIDTH],
    )
    images = tf.transpose(images, [0, 2, 3, 1])
    return distort(images, flip=dataset.flip), labels

  files = tf.data.Dataset.from_tensor_slices(filenames)
  pipeline = (
      files.shuffle(len(filenames))
      .repeat()
      .flat_map(
          lambda f: tf.data.FixedLengthRecordDataset(f, dataset.record_bytes)
      )
      .shuffle(int(dataset.num_examples_per_epoch_for_train * queue_fraction))
      .batch(batch_size, drop_remainder=True)
      .map(parse, num_parallel_calls=tf.data.AUTOTUNE)
      .prefetch(tf.data.AUTOTUNE)
  )
  iterator = tf.data.make_initializable_iterator(pipeline)
  tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
  return iterator.get_next()
