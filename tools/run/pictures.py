"""Embeds pictures in a page: PNG files as data: URLs."""

import base64
import io

import numpy as np

from cifar10_compat.data import images as images_lib


def url(image):
  """Returns a picture as a data: URL.

  Args:
    image: uint8 array of shape [height, width, 3].

  Raises:
    UsageError: Pillow is not installed.
  """
  Image, _ = images_lib.pillow()
  content = io.BytesIO()
  Image.fromarray(image).save(content, 'PNG')
  return 'data:image/png;base64,' + base64.b64encode(content.getvalue()).decode(
      'ascii'
  )


def filters_sheet(filters, columns=8):
  """Arranges filters in one picture.

  Args:
    filters: float array of shape [height, width, 3, filters].
    columns: int, the number of filters per row.

  Returns:
    uint8 array: each filter is scaled from its minimum, black, to its maximum,
      white, since most filters have much smaller weights than a few others.
      One gray pixel separates two filters.
  """
  height, width, depth, number = filters.shape
  least = filters.min((0, 1, 2))
  span = np.maximum(filters.max((0, 1, 2)) - least, 1e-12)
  scaled = np.round(255 * (filters - least) / span).astype(np.uint8)
  rows = -(-number // columns)
  sheet = np.full(
      [rows * (height + 1) + 1, columns * (width + 1) + 1, depth], 128, np.uint8
  )
  for i in range(number):
    y = i // columns * (height + 1) + 1
    x = i % columns * (width + 1) + 1
    sheet[y : y + height, x : x + width] = scaled[..., i]
  return sheet
