"""Creates and decodes images whose pixels encode how the images are distorted.

The red plane encodes the column, the green plane the row and the blue plane the
label.  Crop, flip and contrast can therefore be decoded from the finished
image, and the decoded values must reproduce every pixel.
"""

import os
from typing import NamedTuple

import numpy as np

from cifar10_compat import cifar10
from cifar10_compat.data import datasets
from cifar10_compat.data import description

_CROP = cifar10.IMAGE_SIZE
_OFFSETS = description.HEIGHT - _CROP + 1
_LABELS = datasets.CIFAR10.num_classes
# Tolerance for float32 rounding errors in a pixel of a standardized image.
_TOLERANCE = 1e-3

# Any two sequences of 24 consecutive values differ clearly.  Red is dark and
# green is bright, so the distance between their means reveals the scale.
_COLUMNS = 3 * np.random.RandomState(1).permutation(description.WIDTH)
_ROWS = 255 - 3 * np.random.RandomState(2).permutation(description.HEIGHT)
_BLUE_STEP = 25
_RECORDS = 100  # images of each label in each file


class Drawn(NamedTuple):
  """The distortions that one pipeline applied to the coded images."""

  values: dict  # from the name of a quantity to an array with a value per image
  not_codes: int  # coded images that no distortion explains


def originals():
  """Returns the coded image of each label, uint8 of shape [10, 32, 32, 3]."""
  images = np.empty(
      (_LABELS, description.HEIGHT, description.WIDTH, description.DEPTH),
      np.uint8,
  )
  images[..., 0] = _COLUMNS
  images[..., 1] = _ROWS[:, np.newaxis]
  images[..., 2] = _BLUE_STEP * np.arange(_LABELS)[:, np.newaxis, np.newaxis]
  return images


def write(data_dir):
  """Writes batches of coded images.

  Args:
    data_dir: str, an existing directory, in which cifar-10-batches-bin is
      created.
  """
  planes = originals().transpose(0, 3, 1, 2).reshape(_LABELS, -1)
  labels = np.arange(_LABELS, dtype=np.uint8)[:, np.newaxis]
  records = np.concatenate([labels, planes], 1).tobytes() * _RECORDS
  os.makedirs(os.path.join(data_dir, datasets.CIFAR10.directory))
  for eval_data in (False, True):
    for path in datasets.CIFAR10.filenames(data_dir, eval_data):
      with open(path, 'wb') as f:
        f.write(records)


def read(images, labels):
  """Decodes how coded images were distorted.

  Args:
    images: float32 array of shape [n, 24, 24, 3], standardized.
    labels: int32 array of shape [n].

  Returns:
    Drawn, with the quantities 'crop, y', 'crop, x', 'flipped' and 'contrast'.
  """
  rows, columns = (
      np.array([code[i : i + _CROP] for i in range(_OFFSETS)], np.float64)
      for code in (_ROWS, _COLUMNS)
  )
  y, _ = _match(images[..., 1].mean(2), rows)
  columns = np.concatenate([columns, columns[:, ::-1]])
  x, slope = _match(images[..., 0].mean(1), columns)
  # Contrast does not change a channel's mean, so the distance between two means
  # depends only on the scale.
  means = images[..., :2].mean((1, 2), np.float64)
  scale = (means[:, 1] - means[:, 0]) / (rows.mean(1)[y] - columns.mean(1)[x])
  contrast = slope / scale
  flipped, x = divmod(x, _OFFSETS)
  expected = distort(
      originals()[labels], y=y, x=x, flipped=flipped, contrast=contrast
  )
  wrong = np.abs(images - expected).max((1, 2, 3)) > _TOLERANCE
  return Drawn(
      {'crop, y': y, 'crop, x': x, 'flipped': flipped, 'contrast': contrast},
      int(wrong.sum()),
  )


def distort(images, *, y, x, flipped, contrast):
  """Distorts images like the tutorial, but without changing the brightness.

  The function omits brightness because standardization removes it.

  Args:
    images: uint8 array of shape [n, 32, 32, 3].
    y, x, flipped: int arrays of shape [n].
    contrast: float array of shape [n].

  Returns:
    float64 array of shape [n, 24, 24, 3], standardized.
  """
  span = np.arange(_CROP)
  down = y[:, np.newaxis] + span
  across = x[:, np.newaxis] + np.where(flipped[:, np.newaxis], span[::-1], span)
  crops = images[
      np.arange(len(images))[:, np.newaxis, np.newaxis],
      down[:, :, np.newaxis],
      across[:, np.newaxis],
  ].astype(np.float64)
  means = crops.mean((1, 2), keepdims=True)
  crops = (crops - means) * contrast.reshape(-1, 1, 1, 1) + means
  crops -= crops.mean((1, 2, 3), keepdims=True)
  return crops / crops.std((1, 2, 3), keepdims=True)


def _match(profiles, templates):
  """Finds the template that each profile is a linear function of.

  Args:
    profiles: array of shape [n, 24].
    templates: float64 array of shape [m, 24].

  Returns:
    (int array, float64 array), both of shape [n]: the index of the
    best-correlated template, and the slope of the profile as a function of that
    template.
  """
  profiles, templates = (
      a - a.mean(1, keepdims=True, dtype=np.float64)
      for a in (profiles, templates)
  )
  products = profiles @ templates.T
  lengths = np.square(templates).sum(1)
  best = np.argmax(products / np.sqrt(lengths), 1)
  return best, products[np.arange(len(best)), best] / lengths[best]
