"""Reads the binary batches of CIFAR-10 through TensorFlow's queues.

A queue of file names feeds a FixedLengthRecordReader; 16 threads read, distort
and enqueue one image at a time into a queue of 20,000, from which batches are
drawn at random.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
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

# The least fraction of an epoch that an evaluation's shuffling queue holds.
MIN_FRACTION_OF_EXAMPLES_IN_QUEUE = 0.4
NUM_PREPROCESS_THREADS = 16


def read_cifar10(filename_queue, config=config_lib.Network()):
  """Reads one record of the next file in a queue.

  One reader holds one file open; several calls give readers that stand at
  different places, so that their examples mix better.

  Args:
    filename_queue: queue of strings, the names of binary batches.
    config: config.Network, for the layout of the data set's records.

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

  # What a record is made of: label bytes, then pixels.
  label_bytes = config.dataset.label_bytes
  result.height = description.HEIGHT
  result.width = description.WIDTH
  result.depth = description.DEPTH
  image_bytes = result.height * result.width * result.depth

  record_bytes = label_bytes + image_bytes

  # Each read takes one record, of the file whose turn it is.
  reader = tf.FixedLengthRecordReader(record_bytes=record_bytes)
  result.key, value = reader.read(filename_queue)

  # A string so far; from here on numbers.
  record_bytes = tf.decode_raw(value, tf.uint8)

  # Of CIFAR-100's two label bytes one counts.
  result.label = tf.cast(tf.slice(record_bytes, [config.dataset.label_index],
                                  [1]), tf.int32)

  # The file holds one color plane after the other.
  depth_major = tf.reshape(tf.slice(record_bytes, [label_bytes], [image_bytes]),
                           [result.depth, result.height, result.width])
  result.uint8image = tf.transpose(depth_major, [1, 2, 0])

  return result


def _generate_image_and_label_batch(image, label, min_queue_examples,
                                    batch_size, shuffle=True,
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
  # Threads take turns to put an image into the queue; a batch is drawn from all
  # that it holds.
  num_preprocess_threads = NUM_PREPROCESS_THREADS
  capacity = min_queue_examples + 3 * batch_size
  if deterministic:
    num_preprocess_threads = 1
    # The queue gives out an example only while it holds more than
    # min_queue_examples.  With room for one more than these, every draw is from
    # the same number of examples, however fast the thread is.
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

  # TensorBoard shows three of them.
  summaries.image_summary('images', images)

  return images, tf.reshape(label_batch, [batch_size if shuffle else -1])


def distorted_inputs(data_dir, batch_size, config=config_lib.Train()):
  """Makes batches of distorted images for training.

  Each image is cropped at random to 24 x 24 and flipped left to right with
  probability 1/2, unless the set forbids it.  Then -63 to 63 is added to its
  brightness, its contrast is multiplied by 0.2 to 1.8, and it is standardized.

  Args:
    data_dir: str, the directory of the binary batches themselves.
    batch_size: int, the number of images in a batch.
    config: config.Images, for the data set (its file names, its size, the
      layout of its records, and whether to flip), and for queue_fraction, 0 to
      1, the fraction of an epoch that the shuffling queue holds at the least.
      If it is deterministic, the graph's seed alone decides which images make
      which batch, and how they are distorted; one thread does it all.

  Returns:
    images: float32 tensor of shape [batch_size, IMAGE_SIZE, IMAGE_SIZE, 3],
      each image of mean 0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.

  Raises:
    ValueError: a file is missing.
  """
  filenames = [os.path.join(data_dir, f) for f in config.dataset.train_files]
  for f in filenames:
    if not tf.gfile.Exists(f):
      raise ValueError('Failed to find file: ' + f)

  # The files' names come in another order in each epoch, without end.
  filename_queue = tf.train.string_input_producer(filenames)
  summaries.restore_queue_tag()

  # One image, as it is in the file.
  read_input = read_cifar10(filename_queue, config)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  # Distortions make more images of the few there are.  The crop can be at 81
  # places.
  distorted_image = tf.random_crop(reshaped_image, [height, width, 3])

  # A mirror image shows the same thing, unless it is a digit.
  if config.dataset.flip:
    distorted_image = tf.image.random_flip_left_right(distorted_image)

  # These two do not commute.  Standardization undoes both, except in images of
  # so little contrast that its lower bound on the deviation takes effect.
  distorted_image = tf.image.random_brightness(distorted_image,
                                               max_delta=63)
  distorted_image = tf.image.random_contrast(distorted_image,
                                             lower=0.2, upper=1.8)

  # To mean 0 and standard deviation 1.
  float_image = tf.image.per_image_standardization(distorted_image)

  # The more images a batch is drawn from, the less its images have to do with
  # one another.
  min_queue_examples = int(config.dataset.num_examples_per_epoch_for_train *
                           config.queue_fraction)

  # Threads fill the queue; batches are drawn from it.
  return _generate_image_and_label_batch(float_image, read_input.label,
                                         min_queue_examples, batch_size,
                                         deterministic=config.deterministic)


def inputs(eval_data, data_dir, batch_size,
           config=config_lib.Eval(count=config_lib.HISTORICAL)):
  """Makes batches of centrally cropped images for evaluation.

  Args:
    eval_data: bool, whether to read the files for evaluation or for training.
    data_dir: str, the directory of the binary batches themselves.
    batch_size: int, the number of images in a batch.
    config: config.Eval, for the data set (its file names, its sizes and the
      layout of its records), for the number of views, and for the count.  If it
      is HISTORICAL, as in 2016: batches drawn from a shuffling queue (at least
      4,000 test images) that is refilled without end.  If it is EXACT, each
      image once, in the order of the files, then OutOfRangeError; the session
      must initialize the local variables first.

  Returns:
    images: float32 tensor of shape [batch_size * views, IMAGE_SIZE,
      IMAGE_SIZE, 3], each image of mean 0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.
    With EXACT their first dimension is unknown: the last batch is smaller.

  Raises:
    ValueError: a file is missing.
  """
  if not eval_data:
    filenames = [os.path.join(data_dir, f) for f in config.dataset.train_files]
    num_examples_per_epoch = config.dataset.num_examples_per_epoch_for_train
  else:
    filenames = [os.path.join(data_dir, f) for f in config.dataset.eval_files]
    num_examples_per_epoch = config.dataset.num_examples_per_epoch_for_eval

  for f in filenames:
    if not tf.gfile.Exists(f):
      raise ValueError('Failed to find file: ' + f)

  # The files' names: once, in their order, or again and again, shuffled.
  filename_queue = tf.train.string_input_producer(
      filenames, shuffle=not config.one_epoch,
      num_epochs=1 if config.one_epoch else None)
  summaries.restore_queue_tag()

  # One image, as it is in the file.
  read_input = read_cifar10(filename_queue, config)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  # The crop is the middle of the image: nothing is left to chance here.
  resized_image = tf.image.resize_image_with_crop_or_pad(reshaped_image,
                                                         width, height)

  # To mean 0 and standard deviation 1.
  image = tf.image.per_image_standardization(resized_image)

  # Several views of an image would fill the queue with ten times the bytes.
  if config.views > 1:
    image = read_input.uint8image

  # At least this many images stay in the queue, if it shuffles.
  min_queue_examples = int(num_examples_per_epoch *
                           MIN_FRACTION_OF_EXAMPLES_IN_QUEUE)

  images, labels = _generate_image_and_label_batch(
      image, read_input.label, min_queue_examples, batch_size,
      shuffle=not config.one_epoch)
  if config.views > 1:
    images = views(images, config.views)
  return images, labels


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
