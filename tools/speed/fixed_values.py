"""The batch and the initial weights shared by all networks of a comparison.

As all networks use the same numbers, the losses of the first steps show whether
the networks do the same arithmetic.  This module does not need TensorFlow.
"""

import numpy as np

# (key in a checkpoint, shape, standard deviation or constant).  These weights
# are larger than the tutorial's initial weights, with which an image hardly
# changes the loss.
_WEIGHTS = (
    ('conv1/weights', (5, 5, 3, 64), 0.05),
    ('conv2/weights', (5, 5, 64, 64), 0.02),
    ('local3/weights', (2304, 384), 0.01),
    ('local4/weights', (384, 192), 0.04),
    ('softmax_linear/weights', (192, 10), 0.05),
)
_BIASES = (
    ('conv1/biases', 64, 0.0),
    ('conv2/biases', 64, 0.1),
    ('local3/biases', 384, 0.1),
    ('local4/biases', 192, 0.1),
    ('softmax_linear/biases', 10, 0.0),
)

# Settings of every network of a comparison.
LEARNING_RATE = 0.1
# factor of half the sum of squares of the weights of local3 and local4
WEIGHT_DECAY = 0.004
MOVING_AVERAGE_DECAY = 0.9999


def weights():
  """Draws the initial values of the tutorial's network.

  Returns:
    dict from key in a checkpoint, such as 'conv1/weights', to float32 array,
    with equal values at each call.
  """
  random = np.random.RandomState(1)
  values = {
      key: (random.standard_normal(shape) * stddev).astype(np.float32)
      for key, shape, stddev in _WEIGHTS
  }
  values.update(
      (key, np.full(size, value, np.float32)) for key, size, value in _BIASES
  )
  return values


def batch(batch_size):
  """Draws images and labels.

  Args:
    batch_size: int.

  Returns:
    images: float32 array of shape [batch_size, 24, 24, 3], each image with mean
      0 and standard deviation 1, like the images of the training input.
    labels: int32 array of shape [batch_size], 0 to 9.
    Each call returns equal arrays.
  """
  random = np.random.RandomState(2)
  images = random.standard_normal((batch_size, 24, 24, 3))
  images -= images.mean((1, 2, 3), keepdims=True)
  images /= images.std((1, 2, 3), keepdims=True)
  labels = random.randint(0, 10, batch_size)
  return images.astype(np.float32), labels.astype(np.int32)
