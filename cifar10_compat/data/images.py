"""Converts image files of any format, size and mode to 32 x 32 RGB images.

The central square is scaled to 32 x 32 pixels, each of which is the mean of the
area that it covers.  Transparent pixels become white.  Of 16-bit values, the
upper 8 bits are used, unless a lower value is defined as white.  The EXIF
orientation is applied.

A file may be hostile.  Images are limited to MAX_IMAGE_PIXELS (89 million)
pixels, which Pillow considers harmless.  Images are converted in strips, so
that each image takes at most 1.1 GB of memory, or 1.5 GB (WebP) or 2.3 GB (JPEG
2000) with decoders that make their own copies.  PostScript files, which are
programs, are not run.
"""

import contextlib
import logging
import re
import sys
import types
from typing import TYPE_CHECKING
import warnings

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.data import description

if TYPE_CHECKING:
  import PIL.Image

# Rows of an image to average at a time.
_STRIP_ROWS = 1024

# The maximum 16-bit value.
WHITE = (1 << 16) - 1

# Names of Pillow's decoders for several 16-bit channels.
_COLOR_16 = re.compile(r"'(RGB[AXa]?|LA|CMYK);16[BLN]'")

# Bytes 4 to 11 of a HEIF image with the HEVC codec, which Pillow does not read.
_HEIC = tuple(
    b'ftyp' + b for b in (b'heic', b'heix', b'heim', b'heis', b'mif1')
)
HEIC_ENDINGS = ('.heic', '.heif')


def load_image(
    path: str, white: int = WHITE, dark: list[str] | None = None
) -> np.ndarray:
  """Reads an image of any format, size and mode.

  Args:
    path: the path of the file.
    white: 1 to WHITE, the 16-bit value that becomes white.
    dark: a list to which a message is appended if a 16-bit image uses less than
      half of the range up to white: see tell_dark().

  Returns:
    uint8 array of shape [32, 32, 3], red, green, blue.

  Raises:
    DataError: the file cannot be read or decoded.
    UsageError: Pillow is not installed.
  """
  Image, _ = pillow()
  Image.init()
  try:
    f = files.open_regular(path)
  except (OSError, ValueError) as e:  # ValueError: the path contains a NUL.
    raise errors.DataError(
        f"{path} cannot be read ({getattr(e, 'strerror', None) or e})"
    ) from e
  try:
    with f, warnings.catch_warnings():
      # Suppress warnings about odd metadata, and about sizes that _bound()
      # checks.
      warnings.simplefilter('ignore')
      # Pillow would run an EPS file with Ghostscript.
      with Image.open(f, formats=sorted(set(Image.ID) - {'EPS'})) as image:
        _bound(image)
        if image.mode.startswith('I'):
          highest = _highest(image, white)
        elif any(_COLOR_16.search(str(tile)) for tile in image.tile):
          highest = _highest_color(image, white)
        else:
          highest = white
        if dark is not None and highest < white // 2:
          dark.append(f'{path} has no value above {highest}')
        return _pixels(image, white)
  except Exception as e:  # The decoders' exceptions share no base class.
    with contextlib.suppress(OSError):
      errors.DataError.raise_if(
          _is_heic(path),
          f'{path} is a HEIC image, which Pillow does not read: convert it to '
          'JPEG, for example with heif-convert',
      )
    message = ' '.join(str(e).split()).replace(repr(f), repr(path))
    reason = getattr(e, 'strerror', None) or message or type(e).__name__
    raise errors.DataError(f'{path} cannot be decoded ({reason})') from e


def _bound(image: 'PIL.Image.Image') -> None:
  """Limits the memory for decoding an image: see the module's docstring.

  Args:
    image: an opened image; a JPEG image is reduced in size if it is too large.

  Raises:
    DataError: the image has too many pixels.
  """
  Image, _ = pillow()
  width, height = image.size
  # A decoder can downscale a JPEG image while decoding, unless the image is
  # progressive.
  if width * height > Image.MAX_IMAGE_PIXELS and not image.info.get(
      'progressive'
  ):
    image.draft(None, (width // 2, height // 2))
  errors.DataError.raise_if(
      image.width * image.height > Image.MAX_IMAGE_PIXELS,
      f'it has {width} x {height} pixels, more than {Image.MAX_IMAGE_PIXELS} '
      'in total: make it smaller, or convert it to baseline JPEG',
  )


def tell_dark(dark: list[str], white: int) -> None:
  """Reports dark images, if any, in one line on stderr.

  Args:
    dark, white: see load_image().
  """
  if dark:
    more = f', and {len(dark) - 1} more images are similar' if dark[1:] else ''
    print(
        output.printable(
            f'{dark[0]}{more}: in 16-bit images {white} is white, so these '
            'images become dark; set the value of white with --white=N, or '
            'convert color images to 8 bits'
        ),
        file=sys.stderr,
        flush=True,
    )


def _is_heic(path: str) -> bool:
  with files.open_regular(path) as f:
    return f.read(12)[4:] in _HEIC


def _highest(image: 'PIL.Image.Image', white: int) -> int:
  """Returns the maximum value of an opened 16-bit image.

  Raises:
    DataError: the image has more than 16 bits, or values above white.
  """
  # Pillow cannot find the extrema of big-endian values.
  values = np.asarray(image) if image.mode == 'I;16B' else None
  lowest, highest = map(
      int,
      image.getextrema() if values is None else (values.min(), values.max()),
  )
  errors.DataError.raise_if(
      lowest < 0 or highest > WHITE, 'its values have more than 16 bits'
  )
  errors.DataError.raise_if(
      highest > white,
      f'the value {highest} is above --white={white}: set --white to at least '
      f'{highest}',
  )
  return highest


def _highest_color(image: 'PIL.Image.Image', white: int) -> int:
  """Returns the maximum value of an image with several 16-bit channels.

  Pillow decodes only the upper 8 bits.  The function also reduces the color
  that the file declares transparent to 8 bits.

  Raises:
    DataError: --white is set, which would require the lower bits.
  """
  errors.DataError.raise_if(
      white != WHITE,
      'it has several 16-bit channels, and --white applies only to gray images '
      'without transparency: convert it to 8 bits',
  )
  if isinstance(color := image.info.get('transparency'), tuple):
    image.info['transparency'] = tuple(value >> 8 for value in color)
  colors = range(len(image.getbands()) - ('A' in image.getbands()))
  return max(image.getextrema()[i][1] for i in colors) << 8 | 0xFF


def _pixels(image: 'PIL.Image.Image', white: int) -> np.ndarray:
  """Returns the pixels of an opened image, as load_image() does."""
  _, ImageOps = pillow()
  ImageOps.exif_transpose(image, in_place=True)
  side = min(image.size)
  left, top = [(length - side) // 2 for length in image.size]
  weights = _weights(side)
  small = np.zeros((description.HEIGHT, description.WIDTH, description.DEPTH))
  for row in range(0, side, _STRIP_ROWS):
    end = min(row + _STRIP_ROWS, side)
    strip = _rgb(image.crop((left, top + row, left + side, top + end)), white)
    for i in range(description.DEPTH):
      plane = strip[..., i].astype(np.float32)
      small[..., i] += weights[:, row:end] @ plane @ weights.T
  return np.rint(small).astype(np.uint8)


def _rgb(image: 'PIL.Image.Image', white: int) -> np.ndarray:
  """Returns an image of any mode as uint8 [height, width, 3].

  Raises:
    DataError: the image's values have no known range.
  """
  Image, _ = pillow()
  errors.DataError.raise_if(image.mode == 'F', 'its values have no known range')
  if image.mode.startswith('I'):
    values = np.asarray(image).astype(np.uint32)
    gray = (values * 256 // (white + 1)).astype(np.uint8)
    # The transparent value also has 16 bits.
    gray[values == image.info.get('transparency', -1)] = 255
    image = Image.fromarray(gray)
  if image.has_transparency_data:
    image = Image.alpha_composite(
        Image.new('RGBA', image.size, 'white'), image.convert('RGBA')
    )
  return np.asarray(image.convert('RGB'))


def _weights(side: int) -> np.ndarray:
  """Returns weights that average over areas, as in cifar10_input.fit().

  Pillow's box filter cannot give a partly covered pixel a smaller weight.

  Args:
    side: the number of pixels in a row or a column.

  Returns:
    float32 array of shape [32, side]: the weight of each of the `side` pixels
    in each of the 32 means; rows add up to 1.
  """
  edges = np.arange(description.HEIGHT + 1) * side / description.HEIGHT
  pixels = np.arange(side)
  # The fraction of each pixel between two edges.
  shares = np.clip(
      np.minimum(edges[1:, np.newaxis], pixels + 1)
      - np.maximum(edges[:-1, np.newaxis], pixels),
      0,
      None,
  )
  return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


def pillow() -> tuple[types.ModuleType, types.ModuleType]:
  """Returns the modules PIL.Image and PIL.ImageOps.

  Raises:
    UsageError: Pillow (extra `data`) is not installed.
  """
  try:
    from PIL import Image
    from PIL import ImageOps
    from PIL import PngImagePlugin
  except ImportError as e:
    raise errors.UsageError(
        'Pillow is not installed: pip install cifar10_compat[data]'
    ) from e
  # Limit the total size of a file's texts, not the size of each.
  PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
  # Suppress Pillow's log: the errors that it logs are also raised.
  logging.getLogger('PIL').setLevel(logging.CRITICAL)
  return Image, ImageOps
