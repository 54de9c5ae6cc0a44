"""Reads the binary batches of CIFAR-10 through TensorFlow's queues.

A queue of file names feeds a FixedLengthRecordReader; 16 threads read, distort
and enqueue one image at a time into a queue of 20,000, from which batches are
drawn at random.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import datasets
from cifar10_compat import summaries

# The network sees 24 x 24 of the 32 x 32 pixels.
IMAGE_SIZE = 24

NUM_CLASSES = datasets.CIFAR10.num_classes
NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN = (
    datasets.CIFAR10.num_examples_per_epoch_for_train)
NUM_EXAMPLES_PER_EPOCH_FOR_EVAL = (
    datasets.CIFAR10.num_examples_per_epoch_for_eval)

# How much of an epoch the shuffling queue holds at the least.
MIN_FRACTION_OF_EXAMPLES_IN_QUEUE = 0.4
NUM_PREPROCESS_THREADS = 16

# How many views of an image can be scored together: see views().
NUM_VIEWS = (1, 5, 10)


class CIFAR10Record(object):
  """One example.

  Attributes:
    height, width, depth: 32, 32, 3.
    key: string tensor of shape [], "FILE:N", N counting the file's records.
    label: int32 tensor of shape [1], 0 to the number of classes - 1.
    uint8image: uint8 tensor of shape [height, width, depth], red, green, blue.
  """


def read_cifar10(filename_queue, dataset=datasets.CIFAR10):
  """Reads one record of the next file in a queue.

  One reader holds one file open; several calls give readers that stand at
  different places, so that their examples mix better.

  Args:
    filename_queue: queue of strings, the names of binary batches.
    dataset: datasets.Dataset, for the layout of its records.

  Returns:
    CIFAR10Record.  Running its tensors raises OutOfRangeError once the queue is
    closed and empty.  What remains at a file's end that is no whole record is
    skipped: datasets.check() is what notices.
  """
  result = CIFAR10Record()
  label_bytes = dataset.label_bytes
  result.height = datasets.HEIGHT
  result.width = datasets.WIDTH
  result.depth = datasets.DEPTH
  image_bytes = result.height * result.width * result.depth

  reader = tf.FixedLengthRecordReader(record_bytes=label_bytes + image_bytes)
  result.key, value = reader.read(filename_queue)
  record_bytes = tf.decode_raw(value, tf.uint8)

  result.label = tf.cast(tf.slice(record_bytes, [dataset.label_index], [1]),
                         tf.int32)

  # On disk a color's plane comes whole, before the next one.
  depth_major = tf.reshape(tf.slice(record_bytes, [label_bytes], [image_bytes]),
                           [result.depth, result.height, result.width])
  result.uint8image = tf.transpose(depth_major, [1, 2, 0])

  return result


def fit(image):
  """Makes a picture of any size one of 32 x 32 pixels.

  Args:
    image: uint8 tensor of shape [height, width, 3], which may be unknown.

  Returns:
    uint8 tensor of shape [32, 32, 3]: the largest square in the middle, each of
    its pixels averaged over the area that it covers.  An image of 32 x 32
    stays as it is.
  """
  size = tf.shape(image)[:2]
  side = tf.reduce_min(size)
  top, left = tf.unstack((size - side) // 2)
  square = image[top:top + side, left:left + side]
  resized = tf.image.resize_area(tf.expand_dims(square, 0),
                                 [datasets.HEIGHT, datasets.WIDTH])
  return tf.cast(tf.round(resized[0]), tf.uint8)


def central_view(images):
  """Makes of images what the network sees of them outside of training.

  Args:
    images: uint8 tensor of shape [..., 32, 32, 3].

  Returns:
    float32 tensor of shape [..., IMAGE_SIZE, IMAGE_SIZE, 3], the middle of
    each, of mean 0 and deviation 1.
  """
  reshaped_image = tf.cast(images, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  resized_image = tf.image.resize_image_with_crop_or_pad(reshaped_image,
                                                         width, height)
  return tf.image.per_image_standardization(resized_image)


def views(images, num_views):
  """Makes several views of each image, for predictions that are averaged.

  Args:
    images: uint8 tensor of shape [n, 32, 32, 3].
    num_views: 5, the four corners and the middle, or 10, these and then the
      five flipped left to right.

  Returns:
    float32 tensor of shape [n * num_views, IMAGE_SIZE, IMAGE_SIZE, 3], each
    view of mean 0 and deviation 1; an image's views follow one another.
  """
  end = datasets.HEIGHT - IMAGE_SIZE
  crops = [images[:, row:row + IMAGE_SIZE, column:column + IMAGE_SIZE]
           for row, column in ((0, 0), (0, end), (end, 0), (end, end),
                               (end // 2, end // 2))]
  if num_views == 10:
    crops += [tf.reverse(crop, [2]) for crop in crops]
  return tf.image.per_image_standardization(tf.cast(
      tf.reshape(tf.stack(crops, 1), [-1, IMAGE_SIZE, IMAGE_SIZE, 3]),
      tf.float32))


def _generate_image_and_label_batch(image, label, min_queue_examples,
                                    batch_size, shuffle=True):
  """Gathers single examples into batches through a queue.

  Args:
    image: float32 or uint8 tensor of shape [height, width, 3].
    label: int32 tensor of shape [1].
    min_queue_examples: int, how many examples stay in the queue for shuffling.
    batch_size: int.
    shuffle: bool.  If false, the examples keep their order, a single thread
      enqueues them, and the last batch is as small as it comes.

  Returns:
    images: tensor of image's type and of shape [batch_size, height, width, 3].
    labels: int32 tensor of shape [batch_size].
    Without shuffle their first dimension is unknown.
  """
  capacity = min_queue_examples + 3 * batch_size
  if shuffle:
    images, label_batch = tf.train.shuffle_batch(
        [image, label],
        batch_size=batch_size,
        num_threads=NUM_PREPROCESS_THREADS,
        capacity=capacity,
        min_after_dequeue=min_queue_examples)
  else:
    # A second thread could overtake the first at the end of the epoch.
    images, label_batch = tf.train.batch(
        [image, label],
        batch_size=batch_size,
        num_threads=1,
        capacity=capacity,
        allow_smaller_final_batch=True)
  summaries.restore_queue_tag()

  summaries.image_summary('images', images)

  return images, tf.reshape(label_batch, [batch_size if shuffle else -1])


def _filename_queue(filenames, **kwargs):
  """Returns string_input_producer's queue over files that exist."""
  for f in filenames:
    if not tf.gfile.Exists(f):
      raise ValueError('Failed to find file: ' + f)
  filename_queue = tf.train.string_input_producer(filenames, **kwargs)
  summaries.restore_queue_tag()
  return filename_queue


def min_queue_examples(num_examples_per_epoch,
                       fraction=MIN_FRACTION_OF_EXAMPLES_IN_QUEUE):
  """Returns the shuffling queue's minimum: 20,000 of an epoch of 50,000."""
  return int(num_examples_per_epoch * fraction)


def distorted_inputs(data_dir, batch_size, dataset=datasets.CIFAR10,
                     queue_fraction=MIN_FRACTION_OF_EXAMPLES_IN_QUEUE):
  """Makes batches of distorted images for training.

  Each image is cropped at random to 24 x 24, flipped left to right with
  probability 1/2 unless the set forbids it, made brighter by -63 to 63, given
  0.2 to 1.8 times its contrast, and standardized, in that order.

  Args:
    data_dir: str, the directory that holds the binary batches themselves.
    batch_size: int, the number of images in a batch.
    dataset: datasets.Dataset, for its file names, its size, the layout of its
      records, and whether to flip.
    queue_fraction: float, 0 to 1, how much of an epoch the shuffling queue
      holds at the least.

  Returns:
    images: float32 tensor of shape [batch_size, IMAGE_SIZE, IMAGE_SIZE, 3],
      each image of mean 0 and deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.

  Raises:
    ValueError: a file is missing.
  """
  filename_queue = _filename_queue(
      [os.path.join(data_dir, f) for f in dataset.train_files])

  read_input = read_cifar10(filename_queue, dataset)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  distorted_image = tf.random_crop(reshaped_image, [height, width, 3])
  if dataset.flip:
    distorted_image = tf.image.random_flip_left_right(distorted_image)
  # These two do not commute.  Standardization undoes both but for their effect
  # on images of so little contrast that its lower bound on the deviation bites;
  # they are here since they were there.
  distorted_image = tf.image.random_brightness(distorted_image, max_delta=63)
  distorted_image = tf.image.random_contrast(distorted_image,
                                             lower=0.2, upper=1.8)
  float_image = tf.image.per_image_standardization(distorted_image)

  return _generate_image_and_label_batch(
      float_image, read_input.label,
      min_queue_examples(dataset.num_examples_per_epoch_for_train,
                         queue_fraction), batch_size)


def inputs(eval_data, data_dir, batch_size, dataset=datasets.CIFAR10,
           one_epoch=False, num_views=1):
  """Makes batches of centrally cropped images for evaluation.

  Args:
    eval_data: bool, whether to read the files for evaluation or for training.
    data_dir: str, the directory that holds the binary batches themselves.
    batch_size: int, the number of images in a batch.
    dataset: datasets.Dataset, for its file names, its sizes and the layout of
      its records.
    one_epoch: bool.  If false, as in 2016: batches drawn from a shuffling queue
      (at least 4,000 test images) that is filled for ever.  If true, each image
      once and in the files' order, then OutOfRangeError; the session must run
      tf.local_variables_initializer() first.
    num_views: int, one of NUM_VIEWS: see views().

  Returns:
    images: float32 tensor of shape [batch_size * num_views, IMAGE_SIZE,
      IMAGE_SIZE, 3], each image of mean 0 and deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.
    With one_epoch their first dimension is unknown: the last batch is smaller.

  Raises:
    ValueError: a file is missing.
  """
  if eval_data:
    filenames = dataset.eval_files
    num_examples_per_epoch = dataset.num_examples_per_epoch_for_eval
  else:
    filenames = dataset.train_files
    num_examples_per_epoch = dataset.num_examples_per_epoch_for_train

  filename_queue = _filename_queue(
      [os.path.join(data_dir, f) for f in filenames],
      shuffle=not one_epoch, num_epochs=1 if one_epoch else None)

  read_input = read_cifar10(filename_queue, dataset)
  # Several views of an image would fill the queue with ten times the bytes.
  image = (central_view(read_input.uint8image) if num_views == 1 else
           read_input.uint8image)

  images, labels = _generate_image_and_label_batch(
      image, read_input.label,
      min_queue_examples(num_examples_per_epoch), batch_size,
      shuffle=not one_epoch)
  return images if num_views == 1 else views(images, num_views), labels
