"""How far two float32 computations of the network may lie apart.

A sum of n products, added up in any order, is off by about u * sqrt(n) of its
size: the n errors, of up to u = 2^-24 each, have random signs.  Two computations
differ by sqrt(2) times that; the factor 4 leaves nearly three standard
deviations.  A layer passes on the relative error of what it is given (rectifying
and pooling choose among the values, normalization divides by nearly a constant, a
product of matrices averages errors that have no common sign), so that the
errors of the layers on the way add up.  The softmax turns an error of a logit
into one of that size in a probability, of which the largest is about 1: from
there on the error is that of the largest logit.

A rectifier whose input is 0 but for rounding, or a maximum of two that are the
same but for rounding, may decide otherwise.  Then another term enters the sum
that is the gradient of each layer from there down, and no bound of rounding
holds.  Gradients are to be compared where both sides decide alike.

All bounds are of the largest element of a value.
"""

import math

import numpy as np

# The layers that end in a rectifier, and the activations that are pooled.
RECTIFIED = ('conv1', 'conv2', 'local3', 'local4')
POOLED = ('conv1/conv1', 'norm2')

UNIT = 2.0**-24
_FACTOR = 4

_CLASSES = 10
# The lengths of the sums that lead from the images to each activation: 5 x 5
# inputs of 3 or 64 channels and a bias; 9 channels that are normalized together;
# the rows of the matrices and a bias.
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
# From the logits back: the lengths of the sums that lead to the gradient of a
# layer's output, and the places in an image that are added up, as the images of a
# batch are, for the gradients of its variables.
_BACKWARD = (
    ('softmax_linear', (_CLASSES,), 1),
    ('local4', (_CLASSES,), 1),
    ('local3', (192,), 1),
    # The product, the pooling's overlap, the normalization.
    ('conv2', (384, 4, 9), 12 * 12),
    ('conv1', (5 * 5 * 64, 9, 4), 24 * 24),
)
# How many weights the decay squares and adds up.
_DECAYED = {
    'conv1/weight_loss': 5 * 5 * 3 * 64,
    'conv2/weight_loss': 5 * 5 * 64 * 64,
    'local3/weight_loss': 2304 * 384,
    'local4/weight_loss': 384 * 192,
    'softmax_linear/weight_loss': 192 * _CLASSES,
}


def of_sum(length):
  """Returns how far two sums may lie apart, relative to their size.

  Args:
    length: int, of how many terms.
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
    batch: int, how many images.
  """
  bounds = {name: of_sum(length) for name, length in _DECAYED.items()}
  bounds['cross_entropy'] = _of_probabilities(largest_logit) + of_sum(batch)
  # Its addends are positive, and none is larger than it.
  bounds['total_loss'] = max(bounds.values()) + of_sum(len(bounds))
  return bounds


def gradients(largest_logit, batch):
  """Returns a dict from the key of each variable to its gradient's bound.

  Args:
    largest_logit: float, the largest absolute value of a logit.
    batch: int, how many images.
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
  """Counts where rectifiers and maxima decided otherwise on the two sides.

  Args:
    original, port: from "activation: NAME" to arrays of one shape.
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
  """Returns the nine places of each maximum of 3 x 3, stride 2.

  Args:
    x: float array of shape [batch, height, width, channels], of even sizes.

  Returns:
    Array of shape [batch, height / 2, width / 2, channels, 9].
  """
  # Padded as SAME does it for an even size: at the end alone.
  x = np.pad(
      x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.float32('inf')
  )
  places = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
  places = places[:, ::2, ::2]
  return places.reshape(places.shape[:-2] + (9,))
