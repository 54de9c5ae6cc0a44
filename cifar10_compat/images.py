"""Reads image files of any format, size and mode as the data sets have them.

Of an image that is no square, the central square is taken; each of its 32 x 32
pixels is averaged over the area that it covers.  What is transparent becomes
white; of 16 bits the upper 8 are taken; an EXIF orientation is applied.
"""

import logging
import os
import warnings

import numpy as np

from cifar10_compat import datasets
from cifar10_compat import errors


def load_image(path):
  """Reads an image in any format, size and mode.

  Args:
    path: str.

  Returns:
    uint8 array of shape [32, 32, 3], red, green, blue.

  Raises:
    DataError: it cannot be read, or does not decode.
    UsageError: Pillow is not installed.
  """
  Image, _ = pillow()
  try:
    if os.path.exists(path) and not os.path.isfile(path):
      raise ValueError('it is no file')  # Opening a pipe would wait for ever.
    with warnings.catch_warnings():
      # On odd metadata, and on sizes below the limit that is an error.
      warnings.simplefilter('ignore')
      with Image.open(path) as image:
        return _pixels(image)
  except Exception as e:  # What Pillow's decoders raise has no common class.
    raise errors.DataError(
        '%s does not decode (%s)' %
        (path, getattr(e, 'strerror', None) or ' '.join(str(e).split()) or
         type(e).__name__)) from e


def _pixels(image):
  """Returns an opened PIL.Image.Image as load_image() does."""
  Image, ImageOps = pillow()
  image = ImageOps.exif_transpose(image)
  if image.mode == 'F':
    raise ValueError('its numbers have no known range')
  if image.mode.startswith('I'):
    values = np.asarray(image)
    if values.min() < 0 or values.max() >= 1 << 16:
      raise ValueError('it has more than 16 bits')
    image = Image.fromarray((values >> 8).astype(np.uint8))
  if image.has_transparency_data:
    image = image.convert('RGBA')
    white = Image.new('RGBA', image.size, 'white')
    image = Image.alpha_composite(white, image)
  side = min(image.size)
  left, top = [(length - side) // 2 for length in image.size]
  return _shrink(np.asarray(image.convert('RGB').crop(
      (left, top, left + side, top + side))))


def _shrink(square):
  """Averages over areas, as cifar10_input.fit() does with images to predict.

  Pillow's own filter of that kind counts a pixel whole or not at all.

  Args:
    square: uint8 array of shape [side, side, 3].

  Returns:
    uint8 array of shape [32, 32, 3].
  """
  side = len(square)
  edges = np.arange(datasets.HEIGHT + 1) * side / datasets.HEIGHT
  pixels = np.arange(side)
  # [32, side]: how much of each pixel lies between two edges.
  shares = np.clip(np.minimum(edges[1:, np.newaxis], pixels + 1) -
                   np.maximum(edges[:-1, np.newaxis], pixels), 0, None)
  weights = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
  planes = [weights @ square[..., i].astype(np.float32) @ weights.T
            for i in range(datasets.DEPTH)]
  return np.rint(np.stack(planes, -1)).astype(np.uint8)


def pillow():
  """Returns the modules PIL.Image and PIL.ImageOps.

  Raises:
    UsageError: Pillow, of the extra `data`, is not installed.
  """
  try:
    from PIL import Image, ImageOps
  except ImportError as e:
    raise errors.UsageError('Pillow is not installed: pip install '
                            'cifar10_compat[data]') from e
  # What it logs as an error, it also raises.
  logging.getLogger('PIL').setLevel(logging.CRITICAL)
  return Image, ImageOps
