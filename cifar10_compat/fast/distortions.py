"""Random distortions of many images at once, different for each image.

TensorFlow's own functions take one image, or distort all images identically.
The functions here take a chunk of images and use a few ops per chunk instead of
per image, but still draw random numbers for each image.

Images are stored as one plane per channel, as in the files, so that a sum over
an image's pixels reads adjacent memory.
"""

import tensorflow.compat.v1 as tf


def random_crop_and_flip(
    planes: tf.Tensor, size: int, *, flip: bool
) -> tf.Tensor:
  """Crops a square from each image, and mirrors half of them.

  Rows are gathered.  Columns are selected by an exact product with a matrix
  that contains a single 1 in each column; to flip the image, the matrix's
  columns are reversed.

  Args:
    planes: uint8 tensor of shape [n, channels, height, width]; n may be
      unknown.
    size: the height and width of the square, at most those of the image.
    flip: whether to mirror each image left to right with probability 1/2.

  Returns:
    float32 tensor of shape [n, channels, size, size], 0 to 255.
  """
  _, channels, height, width = planes.shape.as_list()
  n = tf.shape(planes)[0]
  top = tf.random.uniform([n, 1], maxval=height - size + 1, dtype=tf.int32)
  left = tf.random.uniform([n, 1], maxval=width - size + 1, dtype=tf.int32)

  # Reshape to one matrix of all rows of all planes.
  first = tf.reshape(tf.range(n * channels) * height, [n, channels, 1])
  rows = first + tf.expand_dims(top + tf.range(size), 1)
  strips = tf.gather(tf.reshape(planes, [-1, width]), rows)
  strips = tf.reshape(tf.cast(strips, tf.float32), [-1, channels * size, width])

  columns = tf.broadcast_to(tf.range(size), [n, size])
  if flip:
    columns = tf.where_v2(
        tf.random.uniform([n, 1]) < 0.5, size - 1 - columns, columns
    )
  selection = tf.one_hot(left + columns, width, axis=1)
  return tf.reshape(tf.matmul(strips, selection), [-1, channels, size, size])


def random_brightness(planes: tf.Tensor, max_delta: float) -> tf.Tensor:
  """Adds a random number to each image, like tf.image.random_brightness().

  Args:
    planes: float32 tensor of shape [n, channels, height, width].
    max_delta: the largest absolute value of the number.

  Returns:
    float32 tensor of the same shape as `planes`.
  """
  return planes + _uniform(planes, -max_delta, max_delta)


def random_contrast(planes: tf.Tensor, lower: float, upper: float) -> tf.Tensor:
  """Scales each image's contrast, like tf.image.random_contrast().

  Args:
    planes: float32 tensor of shape [n, channels, height, width].
    lower, upper: range of the factor by which each pixel's difference from the
      mean of its plane is multiplied; all planes of an image have the same
      factor.

  Returns:
    float32 tensor of the same shape as `planes`.
  """
  mean = tf.reduce_mean(planes, [2, 3], keepdims=True)
  return (planes - mean) * _uniform(planes, lower, upper) + mean


def per_image_standardization(planes: tf.Tensor) -> tf.Tensor:
  """Scales each image to mean 0 and standard deviation 1, like tf.image.

  Args:
    planes: float32 tensor of shape [n, channels, height, width].

  Returns:
    float32 tensor of the same shape as `planes`.  As in TensorFlow, the divisor
    is at least 1 / sqrt(number of values in an image).
  """
  _, channels, height, width = planes.shape.as_list()
  size = channels * height * width
  # Reshape to one row per image, since sums over several dimensions take
  # longer.
  rows = tf.reshape(planes, [-1, size])
  rows -= tf.reduce_mean(rows, 1, keepdims=True)
  deviation = tf.sqrt(tf.reduce_mean(tf.square(rows), 1, keepdims=True))
  rows *= 1.0 / tf.maximum(deviation, size**-0.5)
  return tf.reshape(rows, [-1, channels, height, width])


def channels_last(planes: tf.Tensor) -> tf.Tensor:
  """Converts planes to interleaved channels, as the network expects.

  Args:
    planes: tensor of shape [n, channels, height, width].

  Returns:
    Tensor of shape [n, height, width, channels].
  """
  _, channels, height, width = planes.shape.as_list()
  # Merging height and width into one dimension makes the transposition faster.
  pixels = tf.transpose(
      tf.reshape(planes, [-1, channels, height * width]), [0, 2, 1]
  )
  return tf.reshape(pixels, [-1, height, width, channels])


def _uniform(planes: tf.Tensor, lower: float, upper: float) -> tf.Tensor:
  """Draws a number from lower to upper for each image: float32 [n, 1, 1, 1]."""
  return tf.random.uniform([tf.shape(planes)[0], 1, 1, 1], lower, upper)
