"""Reads the binary batches of CIFAR-10 through TensorFlow's queues.

A queue of file names feeds a FixedLengthRecordReader.  For training, 16 threads
read, distort and enqueue one image at a time into a queue of 20,000, from which
batches are drawn at random.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import summaries
from cifar10_compat.data import datasets
from cifar10_compat.data import description

# The network sees a 24 x 24 crop of the 32 x 32 pixels.
IMAGE_SIZE = 24

NUM_CLASSES = datasets.CIFAR10.num_classes
NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN = (
    datasets.CIFAR10.num_examples_per_epoch_for_train)
NUM_EXAMPLES_PER_EPOCH_FOR_EVAL = (
    datasets.CIFAR10.num_examples_per_epoch_for_eval)

# Minimum fraction of an epoch in an evaluation's shuffling queue.
MIN_FRACTION_OF_EXAMPLES_IN_QUEUE = 0.4
NUM_PREPROCESS_THREADS = 16


def read_cifar10(filename_queue, config=config_lib.Network()):
  """Reads the next record from a queue of files.

  A reader keeps one file open.  For better mixing, call this function several
  times: each reader then reads at a different position.

  Args:
    filename_queue: queue of strings, the names of the binary batches.
    config: config.Network, for the layout of the data set's records.

  Returns:
    An object with the fields
      height, width, depth: 32, 32, 3.
      key: string tensor of shape [], "FILE:N" for record N of the file.
      label: int32 tensor of shape [1], 0 to the number of classes - 1.
      uint8image: uint8 tensor of shape [height, width, depth], RGB.
    Running the tensors raises OutOfRangeError once the queue is closed and
    empty.  The reader silently skips an incomplete record at the end of a file;
    checks.check() reports it.
  """

  class CIFAR10Record(object):
    pass
  result = CIFAR10Record()

  # A record consists of the label bytes and the pixels.
  label_bytes = config.dataset.label_bytes
  result.height = description.HEIGHT
  result.width = description.WIDTH
  result.depth = description.DEPTH
  image_bytes = result.height * result.width * result.depth

  record_bytes = label_bytes + image_bytes

  # Each read returns one record; at the end of a file, the reader opens the
  # next.
  reader = tf.FixedLengthRecordReader(record_bytes=record_bytes)
  result.key, value = reader.read(filename_queue)

  # Convert the record from a string to a vector of uint8.
  record_bytes = tf.decode_raw(value, tf.uint8)

  # Extract the label.  CIFAR-100 has two label bytes per record; one is used.
  result.label = tf.cast(tf.slice(record_bytes, [config.dataset.label_index],
                                  [1]), tf.int32)

  # Extract the pixels.  A file stores one color plane after another, [depth,
  # height, width]; image ops expect [height, width, depth].
  depth_major = tf.reshape(tf.slice(record_bytes, [label_bytes], [image_bytes]),
                           [result.depth, result.height, result.width])
  result.uint8image = tf.transpose(depth_major, [1, 2, 0])

  return result


def _generate_image_and_label_batch(image, label, min_queue_examples,
                                    batch_size, shuffle=True,
                                    deterministic=False, enqueue_many=False):
  """Collects examples into batches through a queue.

  Args:
    image: float32 or uint8 tensor of shape [height, width, 3].
    label: int32 tensor of shape [1].
    min_queue_examples: int, minimum number of examples left in the queue for
      shuffling.
    batch_size: int.
    shuffle: bool.  If False, the examples keep their order, one thread enqueues
      them, and the last batch may be smaller.
    deterministic: bool, whether the graph's seed alone determines the batches.
    enqueue_many: bool, whether image and label are several examples, with a
      further first dimension.

  Returns:
    images: tensor of shape [batch_size, height, width, 3], with the type of
      `image`.
    labels: int32 tensor of shape [batch_size].
    If shuffle is False, the first dimension of both is unknown.
  """
  # Reading and distorting an image take longer than dequeuing it; therefore
  # many threads fill the queue.  A batch is drawn from all examples in the
  # queue.
  num_preprocess_threads = NUM_PREPROCESS_THREADS
  capacity = min_queue_examples + 3 * batch_size
  if deterministic:
    num_preprocess_threads = 1
    # The queue releases an example only while it contains more than
    # min_queue_examples.  With a capacity of just one more, every example is
    # drawn from the same number of examples, regardless of the thread's speed.
    capacity = min_queue_examples + 1
  if shuffle:
    images, label_batch = tf.train.shuffle_batch(
        [image, label],
        batch_size=batch_size,
        num_threads=num_preprocess_threads,
        capacity=capacity,
        min_after_dequeue=min_queue_examples,
        enqueue_many=enqueue_many)
  else:
    # Use one thread: a second thread could overtake it at the end of the epoch.
    images, label_batch = tf.train.batch(
        [image, label],
        batch_size=batch_size,
        num_threads=1,
        capacity=capacity,
        enqueue_many=enqueue_many,
        allow_smaller_final_batch=True)
  summaries.restore_queue_tag()

  # TensorBoard shows three images of the batch.
  summaries.image_summary('images', images)

  return images, tf.reshape(label_batch, [batch_size if shuffle else -1])


def distorted_inputs(data_dir, batch_size, config=config_lib.Train()):
  """Builds batches of distorted images for training.

  Each image is cropped at random to 24 x 24 and flipped left to right with
  probability 1/2, unless the data set forbids flipping.  Then its brightness is
  shifted by -63 to 63, its contrast is scaled by 0.2 to 1.8, and the result is
  standardized.

  Args:
    data_dir: str, the directory that contains the binary batches.
    batch_size: int, the number of images per batch.
    config: config.Images: the data set (its file names, size, record layout and
      whether to flip), and queue_fraction, 0 to 1, the minimum fraction of an
      epoch in the shuffling queue.  If config is deterministic, one thread does
      all the work, and the graph's seed alone determines the batches and the
      distortions.

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

  # Create a queue that repeats the file names forever, in a new order each
  # epoch.
  filename_queue = tf.train.string_input_producer(filenames)
  summaries.restore_queue_tag()

  # Read one image from the file.
  read_input = read_cifar10(filename_queue, config)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  # Distortions turn few training images into many.  The crop has 9 x 9 possible
  # positions.
  distorted_image = tf.random_crop(reshaped_image, [height, width, 3])

  # A mirrored cat is a cat, but a mirrored digit is not a digit.
  if config.dataset.flip:
    distorted_image = tf.image.random_flip_left_right(distorted_image)

  # Standardization, below, undoes the change in brightness.  It undoes the
  # change in contrast only in gray images, since the contrast of each color
  # channel changes about the channel's own mean.
  distorted_image = tf.image.random_brightness(distorted_image,
                                               max_delta=63)
  distorted_image = tf.image.random_contrast(distorted_image,
                                             lower=0.2, upper=1.8)

  # Subtract the mean and divide by the standard deviation.
  float_image = tf.image.per_image_standardization(distorted_image)

  # Consecutive images come from the same file.  The more images a batch is
  # drawn from, the less related its images are.
  min_queue_examples = int(config.dataset.num_examples_per_epoch_for_train *
                           config.queue_fraction)

  # Threads fill the queue; the network draws batches from it.
  return _generate_image_and_label_batch(float_image, read_input.label,
                                         min_queue_examples, batch_size,
                                         deterministic=config.deterministic)


def inputs(eval_data, data_dir, batch_size,
           config=config_lib.Eval(count=config_lib.HISTORICAL)):
  """Builds batches of centrally cropped images for evaluation.

  Args:
    eval_data: bool, True for the evaluation files, False for the training
      files.
    data_dir: str, the directory that contains the binary batches.
    batch_size: int, the number of images per batch.
    config: config.Eval: the data set (its file names, sizes and record layout),
      the number of views, and the count.  HISTORICAL draws batches from a
      shuffling queue (at least 4,000 test images) that is refilled forever, as
      in 2016.  EXACT reads each image once, in file order, and then raises
      OutOfRangeError; the session must first initialize the local variables.

  Returns:
    images: float32 tensor of shape [batch_size * views, IMAGE_SIZE,
      IMAGE_SIZE, 3], each image of mean 0 and standard deviation 1.
    labels: int32 tensor of shape [batch_size], 0 to the number of classes - 1.
    With EXACT the first dimension of both is unknown, since the last batch may
    be smaller.

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

  # Queue the file names once in order, or forever in random order.
  filename_queue = tf.train.string_input_producer(
      filenames, shuffle=not config.one_epoch,
      num_epochs=1 if config.one_epoch else None)
  summaries.restore_queue_tag()

  # Read one image from the file.
  read_input = read_cifar10(filename_queue, config)
  reshaped_image = tf.cast(read_input.uint8image, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  # Crop the middle of the image: evaluation uses no random distortion.
  resized_image = tf.image.resize_image_with_crop_or_pad(reshaped_image,
                                                         width, height)

  # Subtract the mean and divide by the standard deviation.
  image = tf.image.per_image_standardization(resized_image)

  # For several views, queue the uint8 image and cut the views from the batch:
  # queued views would take at least ten times the memory.
  if config.views > 1:
    image = read_input.uint8image

  # Minimum number of images in a shuffling queue.
  min_queue_examples = int(num_examples_per_epoch *
                           MIN_FRACTION_OF_EXAMPLES_IN_QUEUE)

  images, labels = _generate_image_and_label_batch(
      image, read_input.label, min_queue_examples, batch_size,
      shuffle=not config.one_epoch)
  if config.views > 1:
    images = views(images, config.views)
  return images, labels


def fit(image):
  """Scales the central square of an image to 32 x 32 pixels.

  Args:
    image: uint8 tensor of shape [height, width, 3]; height and width may be
      unknown.

  Returns:
    uint8 tensor of shape [32, 32, 3], the largest central square; each output
    pixel is the mean of the area it covers.  A 32 x 32 image is unchanged.
  """
  size = tf.shape(image)[:2]
  side = tf.reduce_min(size)
  top, left = tf.unstack((size - side) // 2)
  square = image[top:top + side, left:left + side]
  resized = tf.image.resize_area(tf.expand_dims(square, 0),
                                 [description.HEIGHT, description.WIDTH])
  return tf.cast(tf.round(resized[0]), tf.uint8)


def central_view(images):
  """Crops and standardizes images as evaluation does.

  Args:
    images: uint8 tensor of shape [..., 32, 32, 3].

  Returns:
    float32 tensor of shape [..., IMAGE_SIZE, IMAGE_SIZE, 3]: the middle of each
    image, with mean 0 and standard deviation 1.
  """
  reshaped_image = tf.cast(images, tf.float32)

  height = IMAGE_SIZE
  width = IMAGE_SIZE

  resized_image = tf.image.resize_image_with_crop_or_pad(reshaped_image,
                                                         width, height)
  return tf.image.per_image_standardization(resized_image)


def views(images, num_views):
  """Cuts several views from each image, to average their predictions.

  Args:
    images: uint8 tensor of shape [n, 32, 32, 3].
    num_views: 5 for the four corners and the center; 10 for these and their
      mirror images.

  Returns:
    float32 tensor of shape [n * num_views, IMAGE_SIZE, IMAGE_SIZE, 3], each
    view with mean 0 and standard deviation 1.  The views of an image are
    adjacent.
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
