"""Bounds on the difference of two float32 computations of the network.

A sum of n products, added up in any order, has a relative error of about u *
sqrt(n): the n errors, of up to u = 2^-24 each, have random signs.  The
difference of two computations is sqrt(2) times this error; the factor 4 leaves
nearly three standard deviations.  A layer preserves the relative error of its
input: rectifying and pooling select values, normalization divides by an almost
constant value, and a matrix product averages errors of random sign.  The errors
of successive layers therefore add up.  The softmax turns the absolute
error of the largest logit into a probability error of the same size.  As the
largest probability is about 1, the absolute error of the largest logit is the
relative error of the gradient that the softmax propagates.

A rectifier whose input is within rounding error of 0, or a maximum of two
values within rounding error of each other, can take the other branch.
After a different branch, the gradients of all layers below include a different
term, and no rounding bound applies.  Gradients are therefore comparable only if
both sides take the same branches.

All bounds are fractions of a value's largest element.
"""

import math

import numpy as np

# The layers that end with a rectifier, and the pooled activations.
RECTIFIED = ('conv1', 'conv2', 'local3', 'local4')
POOLED = ('conv1/conv1', 'norm2')

UNIT = 2.0**-24
_FACTOR = 4

_CLASSES = 10
# Layers from the images forward: the length of the sum in each activation.  A
# sum has 5 x 5 inputs of 3 or 64 channels plus a bias, 9 channels normalized
# together, or matrix rows plus a bias.
_FORWARD = (
    ('conv1/conv1', 5 * 5 * 3 + 1),
    ('pool1', 0),
    ('norm1', 9),
    ('conv2/conv2', 5 * 5 * 64 + 1),
    ('norm2', 9),
    ('pool2', 0),
    ('local3/local3', 2304 + 1),
    ('local4/local4', 384 + 1),
    ('softmax_linear/softmax_linear', 192 + 1),
)
# Layers from the logits backward: the lengths of the sums in the gradient of
# the layer's output, and the number of positions in an image.  The gradients of
# the layer's variables are sums over the positions and the images of a batch.
_BACKWARD = (
    ('softmax_linear', (_CLASSES,), 1),
    ('local4', (_CLASSES,), 1),
    ('local3', (192,), 1),
    # The sums of the product, of the overlapping pooling windows and of the
    # normalization.
    ('conv2', (384, 4, 9), 12 * 12),
    ('conv1', (5 * 5 * 64, 9, 4), 24 * 24),
)
# Number of weights whose squares each weight decay loss adds up.
_DECAYED = {
    'conv1/weight_loss': 5 * 5 * 3 * 64,
    'conv2/weight_loss': 5 * 5 * 64 * 64,
    'local3/weight_loss': 2304 * 384,
    'local4/weight_loss': 384 * 192,
    'softmax_linear/weight_loss': 192 * _CLASSES,
}


def of_sum(length):
  """Returns the bound on the relative difference of two sums.

  Args:
    length: int, the number of terms.
  """
  return _FACTOR * UNIT * math.sqrt(length)


def activations():
  """Returns a dict from the name of each activation to its bound."""
  bounds, total = {}, 0.0
  for name, length in _FORWARD:
    total += of_sum(length)
    bounds[name] = total
  return bounds


def losses(largest_logit, batch):
  """Returns a dict from the name of each loss to its bound.

  Args:
    largest_logit: float, the largest absolute value of a logit.
    batch: int, number of images.
  """
  bounds = {name: of_sum(length) for name, length in _DECAYED.items()}
  bounds['cross_entropy'] = _of_probabilities(largest_logit) + of_sum(batch)
  # All losses are positive, so none exceeds the total loss.
  bounds['total_loss'] = max(bounds.values()) + of_sum(len(bounds))
  return bounds


def gradients(largest_logit, batch):
  """Returns a dict from each variable's key to the bound for its gradient.

  Args:
    largest_logit: float, the largest absolute value of a logit.
    batch: int, number of images.
  """
  bounds, total = {}, _of_probabilities(largest_logit)
  for layer, lengths, places in _BACKWARD:
    total += sum(of_sum(length) for length in lengths)
    for name in ('weights', 'biases'):
      bounds['%s/%s' % (layer, name)] = total + of_sum(batch * places)
  return bounds


def _of_probabilities(largest_logit):
  logits = activations()['softmax_linear/softmax_linear']
  return max(1.0, largest_logit) * logits + of_sum(_CLASSES)


def decisions(
    original: dict[str, np.ndarray], port: dict[str, np.ndarray]
) -> int:
  """Counts rectifiers and maxima that took different branches on the two sides.

  Args:
    original, port: dict from "activation: NAME" to array, with equal shapes on
      both sides.
  """
  found = 0
  for layer in RECTIFIED:
    name = 'activation: %s/%s' % (layer, layer)
    found += np.count_nonzero((original[name] > 0) != (port[name] > 0))
  for pooled in POOLED:
    name = 'activation: ' + pooled
    a, b = (windows(side[name]).argmax(-1) for side in (original, port))
    found += np.count_nonzero(a != b)
  return int(found)


def windows(x: np.ndarray) -> np.ndarray:
  """Returns the nine inputs of each 3 x 3 max-pooling window with stride 2.

  Args:
    x: float array of shape [batch, height, width, channels]; height and width
      are even.

  Returns:
    Array of shape [batch, height / 2, width / 2, channels, 9].
  """
  # For even sizes, SAME padding adds values only at the end.
  x = np.pad(
      x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.float32('inf')
  )
  places = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
  places = places[:, ::2, ::2]
  return places.reshape(places.shape[:-2] + (9,))
