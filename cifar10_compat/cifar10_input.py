"""Reads the binary batches of CIFAR-10 through TensorFlow's queues.

A queue of file names feeds a FixedLengthRecordReader; 16 threads read, distort
and enqueue one image at a time into a queue of 20,000, from which batches are
drawn at random.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat.base import summaries
from cifar10_compat.data import datasets
from cifar10_compat.data import description

# The network sees 24 x 24 of the 32 x 32 pixels.
IMAGE_SIZE = 24

NUM_CLASSES = datasets.CIFAR10.num_classes
NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN = (
    datasets.CIFAR10.num_examples_per_epoch_for_train)
NUM_EXAMPLES_PER_EPOCH_FOR_EVAL = (
    datasets.CIFAR10.num_examples_per_epoch_for_eval)

# The fraction of an epoch that the shuffling queue holds at the least.
MIN_FRACTION_OF_EXAMPLES_IN_QUEUE = 0.4
NUM_PREPROCESS_THREADS = 16

# How many views of an image can be scored together: see views().
NUM_VIEWS = (1, 5, 10)


def read_cifar10(filename_queue, *, dataset=datasets.CIFAR10):
  """Reads one record of the next file in a queue.

  One reader holds one file open; several calls give readers that stand at
  different places, so that their examples mix better.

  Args:
    filename_queue: queue of strings, the names of binary batches.
    dataset: description.Dataset, for the layout of its records.

  Returns:
    An object with the fields
      height, width, depth: 32, 32, 3.
      key: string tensor of shape [], "FILE:N", N counting the file's records.
      label: int32 tensor of shape [1], 0 to the number of classes - 1.
      uint8image: uint8 tensor of shape [height, width, depth], RGB.
    Running its tensors raises OutOfRangeError once the queue is closed and
    empty.  An incomplete record at the end of a file is skipped without a word:
    checks.check() is what notices it.
  """

  class CIFAR10Record(object):
    pass
  result = CIFAR10Record()

  label_bytes = dataset.label_bytes
  result.height = description.HEIGHT
  result.width = description.WIDTH
  result.depth = description.DEPTH
  image_bytes = result.height * result.width * result.depth

  record_bytes = label_bytes + image_bytes

  reader = tf.FixedLengthRecordReader(record_bytes=record_bytes)
  result.key, value = reader.read(filename_queue)

  record_bytes = tf.decode_raw(value, tf.uint8)

  result.label = tf.cast(tf.slice(record_bytes, [dataset.label_index], [1]),
                         tf.int32)

  # The file holds one color plane after the other.
  depth_major = tf.reshape(tf.slice(record_bytes, [label_bytes], [image_bytes]),
                           [result.depth, result.height, result.width])
  result.uint8image = tf.transpose(depth_major, [1, 2, 0])

  return result


def _generate_image_and_label_batch(image, label, min_queue_examples,
                                    batch_size, *, shuffle=True,
                                    deterministic=False):
  """Gathers single examples into batches through a queue.

  Args:
    image: float32 or uint8 tensor of shape [height, width, 3].
    label: int32 tensor of shape [1].
    min_queue_examples: int, how many examples stay in the queue for shuffling.
    batch_size: int.
    shuffle: bool.  If false, the examples keep their order, a single thread
      enqueues them, and the last batch can be smaller than the others.
    deterministic: bool, let the graph's seed alone decide which examples make
      which batch.

  Returns:
    images: tensor of image's type and of shape [batch_size, height, width, 3].
    labels: int32 tensor of shape [batch_size].
    Without shuffle their first dimension is unknown.
  """
  num_preprocess_threads = NUM_PREPROCESS_THREADS
  capacity = min_queue_examples + 3 * batch_size
  if deterministic:
    num_preprocess_threads = 1
    # An example is drawn when one more is there than must stay: with room for
    # that one alone, from as many each time, however fast the thread is.
    capacity = min_queue_examples + 1
  if shuffle:
    images, label_batch = tf.train.shuffle_batch(
        [image, label],
        batch_size=batch_size,
        num_threads=num_preprocess_threads,
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


def distorted_inputs(data_dir, batch_size, *, dataset=datasets.CIFAR10,
                     queue_fraction=MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
                     deterministic=False):
  """Makes batches of distorted images for training.

  Each image is cropped at random to 24 x 24 and flipped left to right with
  probability 1/2, unless the set forbids it.  Then -63 to 63 is added to its
  brightness, its contrast is multiplied by 0.2 to 1.8, and it is standardized.

  Args:
    data_dir: str, the directory of the binary batches themselves.
    batch_size: int, the number of images in a batch.
    dataset: description.Dataset, for its file names, its size, the layout of
      its records, and whether to flip.
    queue_fraction: float, 0 to 1, the fraction of an epoch that the shuffling
      queue holds at the least.
    deterministic: bool, let the graph's seed alone decide which images make
      which batch, and how they are distorted; one thread does it all.

  Returns:
    images: float32 tensor of shape [batch_size, IMAGE_SIZE, IMAGE_SIZE, 3],
      each image of mean 0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.

  Raises:
    ValueError: a file is missing.
  """
  filenames = [os.path.join(data_dir, f) for f in dataset.train_files]
  for f in filenames:
    if not tf.gfile.Exists(f):
      raise ValueError('Failed to find file: ' + f)

  filename_queue = tf.train.string_input_producer(filenames)
  summaries.restore_queue_tag()

  read_input = read_cifar10(filename_queue, dataset=dataset)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  distorted_image = tf.random_crop(reshaped_image, [height, width, 3])

  if dataset.flip:
    distorted_image = tf.image.random_flip_left_right(distorted_image)

  # These two do not commute.  Standardization undoes both, except in images of
  # so little contrast that its lower bound on the deviation takes effect.
  distorted_image = tf.image.random_brightness(distorted_image,
                                               max_delta=63)
  distorted_image = tf.image.random_contrast(distorted_image,
                                             lower=0.2, upper=1.8)

  float_image = tf.image.per_image_standardization(distorted_image)

  min_queue_examples = int(dataset.num_examples_per_epoch_for_train *
                           queue_fraction)

  return _generate_image_and_label_batch(float_image, read_input.label,
                                         min_queue_examples, batch_size,
                                         deterministic=deterministic)


def inputs(eval_data, data_dir, batch_size, *, dataset=datasets.CIFAR10,
           one_epoch=False, num_views=1):
  """Makes batches of centrally cropped images for evaluation.

  Args:
    eval_data: bool, whether to read the files for evaluation or for training.
    data_dir: str, the directory of the binary batches themselves.
    batch_size: int, the number of images in a batch.
    dataset: description.Dataset, for its file names, its sizes and the layout
      of its records.
    one_epoch: bool.  If false, as in 2016: batches drawn from a shuffling queue
      (at least 4,000 test images) that is refilled without end.  If true, each
      image once, in the order of the files, then OutOfRangeError; the session
      must run tf.local_variables_initializer() first.
    num_views: int, one of NUM_VIEWS: see views().

  Returns:
    images: float32 tensor of shape [batch_size * num_views, IMAGE_SIZE,
      IMAGE_SIZE, 3], each image of mean 0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.
    With one_epoch their first dimension is unknown: the last batch is smaller.

  Raises:
    ValueError: a file is missing.
  """
  if not eval_data:
    filenames = [os.path.join(data_dir, f) for f in dataset.train_files]
    num_examples_per_epoch = dataset.num_examples_per_epoch_for_train
  else:
    filenames = [os.path.join(data_dir, f) for f in dataset.eval_files]
    num_examples_per_epoch = dataset.num_examples_per_epoch_for_eval

  for f in filenames:
    if not tf.gfile.Exists(f):
      raise ValueError('Failed to find file: ' + f)

  filename_queue = tf.train.string_input_producer(
      filenames, shuffle=not one_epoch, num_epochs=1 if one_epoch else None)
  summaries.restore_queue_tag()

  read_input = read_cifar10(filename_queue, dataset=dataset)

  # Several views of an image would fill the queue with ten times the bytes.
  image = (central_view(read_input.uint8image) if num_views == 1 else
           read_input.uint8image)

  min_queue_examples = int(num_examples_per_epoch *
                           MIN_FRACTION_OF_EXAMPLES_IN_QUEUE)

  images, labels = _generate_image_and_label_batch(
      image, read_input.label, min_queue_examples, batch_size,
      shuffle=not one_epoch)
  return images if num_views == 1 else views(images, num_views), labels


def fit(image):
  """Scales the central square of a picture to 32 x 32 pixels.

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
                                 [description.HEIGHT, description.WIDTH])
  return tf.cast(tf.round(resized[0]), tf.uint8)


def central_view(images):
  """Crops and standardizes images as for evaluation.

  Args:
    images: uint8 tensor of shape [..., 32, 32, 3].

  Returns:
    float32 tensor of shape [..., IMAGE_SIZE, IMAGE_SIZE, 3], the middle of
    each, of mean 0 and standard deviation 1.
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
    view of mean 0 and standard deviation 1; an image's views follow one
    another.
  """
  end = description.HEIGHT - IMAGE_SIZE
  crops = [images[:, row:row + IMAGE_SIZE, column:column + IMAGE_SIZE]
           for row, column in ((0, 0), (0, end), (end, 0), (end, end),
                               (end // 2, end // 2))]
  if num_views == 10:
    crops += [tf.reverse(crop, [2]) for crop in crops]
  return tf.image.per_image_standardization(tf.cast(
      tf.reshape(tf.stack(crops, 1), [-1, IMAGE_SIZE, IMAGE_SIZE, 3]),
      tf.float32))
