"""The input pipeline of cifar10_input.py, processing images in chunks.

The queues, their capacities and the 16 threads are those of cifar10_input.py.
Here, each thread passes a chunk of records at a time through the reader, the
ops and the queue; in the tutorial, each thread passes one record.  Most of the
tutorial's time per image is the fixed cost of ops and locks, which does not
depend on the size of the data.  Each image still has its own crop, flip and
distortion, and is drawn from the shuffling queue individually.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.base import summaries
from cifar10_compat.data import description
from cifar10_compat.fast import distortions

# Number of images that a thread reads at a time.  Larger chunks are hardly
# faster and fill the queue less evenly.
CHUNK_SIZE = 32


def read_cifar10_up_to(
    filename_queue: tf.QueueBase,
    max_records: int,
    config: config_lib.Network = config_lib.Network(),
) -> tuple[tf.Tensor, tf.Tensor]:
  """Reads a chunk of records: see cifar10_input.read_cifar10().

  Args:
    filename_queue: queue of strings, the names of the binary batches.
    max_records: the number of records per chunk; the last chunk of a file may
      be smaller.
    config: the record layout of the data set.

  Returns:
    planes: uint8 tensor of shape [n, 3, 32, 32], RGB.
    labels: int32 tensor of shape [n, 1], 0 to the number of classes - 1.
  """
  dataset = config.dataset
  reader = tf.FixedLengthRecordReader(record_bytes=dataset.record_bytes)
  _, values = reader.read_up_to(filename_queue, max_records)
  records = tf.reshape(tf.decode_raw(values, tf.uint8),
                       [-1, dataset.record_bytes])
  labels = records[:, dataset.label_index:dataset.label_index + 1]
  planes = tf.reshape(
      records[:, dataset.label_bytes:],
      [-1, description.DEPTH, description.HEIGHT, description.WIDTH])
  return planes, tf.cast(labels, tf.int32)


def distorted_inputs(
    data_dir: str,
    batch_size: int,
    config: config_lib.Images = config_lib.Images(),
) -> tuple[tf.Tensor, tf.Tensor]:
  """Builds batches of distorted images: see cifar10_input.distorted_inputs().

  Returns:
    images: float32 tensor of shape [batch_size, 24, 24, 3], each image of mean
      0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.

  Raises:
    ValueError: a file is missing.
  """
  dataset = config.dataset
  planes, labels = _read(data_dir, dataset.train_files, config)

  distorted = distortions.random_crop_and_flip(
      planes, cifar10_input.IMAGE_SIZE, flip=dataset.flip)
  distorted = distortions.random_brightness(distorted, max_delta=63)
  distorted = distortions.random_contrast(distorted, lower=0.2, upper=1.8)
  images = distortions.channels_last(
      distortions.per_image_standardization(distorted))

  min_queue_examples = int(dataset.num_examples_per_epoch_for_train *
                           config.queue_fraction)
  # pylint: disable-next=protected-access
  return cifar10_input._generate_image_and_label_batch(
      images, labels, min_queue_examples, batch_size,
      deterministic=config.deterministic, enqueue_many=True)


def inputs(
    eval_data: bool,
    data_dir: str,
    batch_size: int,
    config: config_lib.Eval = config_lib.Eval(count=config_lib.HISTORICAL),
) -> tuple[tf.Tensor, tf.Tensor]:
  """Builds evaluation batches: see cifar10_input.inputs().

  Returns:
    images: float32 tensor of shape [batch_size * views, 24, 24, 3].
    labels: int32 tensor of shape [batch_size].
    With EXACT the first dimension of both is unknown, since the last batch may
    be smaller.

  Raises:
    ValueError: a file is missing.
  """
  dataset = config.dataset
  filenames, num_examples = (
      (dataset.eval_files, dataset.num_examples_per_epoch_for_eval)
      if eval_data else
      (dataset.train_files, dataset.num_examples_per_epoch_for_train))
  planes, labels = _read(data_dir, filenames, config,
                         one_epoch=config.one_epoch)

  images = distortions.channels_last(planes)
  if config.views == 1:
    images = cifar10_input.central_view(images)

  min_queue_examples = int(num_examples *
                           cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE)
  # pylint: disable-next=protected-access
  images, labels = cifar10_input._generate_image_and_label_batch(
      images, labels, min_queue_examples, batch_size,
      shuffle=not config.one_epoch, enqueue_many=True)
  if config.views > 1:
    images = cifar10_input.views(images, config.views)
  return images, labels


def _read(
    data_dir: str,
    filenames: tuple[str, ...],
    config: config_lib.Network,
    *,
    one_epoch: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Reads the files' records in chunks: see read_cifar10_up_to().

  Raises:
    ValueError: a file is missing.
  """
  paths = [os.path.join(data_dir, f) for f in filenames]
  for f in paths:
    if not os.path.exists(f):
      raise ValueError('Failed to find file: ' + f)
  filename_queue = tf.train.string_input_producer(
      paths, shuffle=not one_epoch, num_epochs=1 if one_epoch else None)
  summaries.restore_queue_tag()
  return read_cifar10_up_to(filename_queue, CHUNK_SIZE, config)
