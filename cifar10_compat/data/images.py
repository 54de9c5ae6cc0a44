"""Reads image files of any format, size and mode as the data sets have them.

The central square of an image is scaled to 32 x 32 pixels, each of which is
averaged over the area that it covers.  What is transparent becomes
white; of 16 bits the upper 8 are taken, unless a lower value is to be white; an
EXIF orientation is applied.

A file may be hostile.  Only as many pixels are decoded as Pillow takes to be
harmless (its MAX_IMAGE_PIXELS, 89 million), and they are worked on in strips, so
that an image takes 1.1 GB at the most, or by decoders that keep copies of their own
1.5 (WebP) and 2.3 (JPEG 2000); and PostScript, a program, is not run.
"""

import logging
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

# Rows of an image that are averaged at a time.
_STRIP_ROWS = 1024

# The highest value of 16 bits.
WHITE = (1 << 16) - 1

# How a file begins that is an image of HEIF, after the length of the first box:
# the brands of HEVC, which Pillow does not read.
_HEIC = tuple(
    b'ftyp' + b for b in (b'heic', b'heix', b'heim', b'heis', b'mif1')
)
HEIC_ENDINGS = ('.heic', '.heif')


def load_image(
    path: str, white: int = WHITE, dark: list[str] | None = None
) -> np.ndarray:
  """Reads an image in any format, size and mode.

  Args:
    path: of the file.
    white: 1 to WHITE, which value of 16 bits becomes white.
    dark: gets what to say of an image of 16 bits that uses less than half of the
      range up to white: see tell_dark().

  Returns:
    uint8 array of shape [32, 32, 3], red, green, blue.

  Raises:
    DataError: it cannot be read, or does not decode.
    UsageError: Pillow is not installed.
  """
  Image, _ = pillow()
  Image.init()
  try:
    f = files.open_regular(path)
  except (OSError, ValueError) as e:  # ValueError: no path has a NUL in it.
    raise errors.DataError(
        f"{path} cannot be read ({getattr(e, 'strerror', None) or e})"
    ) from e
  try:
    with f, warnings.catch_warnings():
      # On odd metadata, and on sizes that are looked at below.
      warnings.simplefilter('ignore')
      # Pillow would hand EPS to Ghostscript.
      with Image.open(f, formats=sorted(set(Image.ID) - {'EPS'})) as image:
        _bound(image)
        if image.mode.startswith('I'):
          highest = _highest(image, white)
          if dark is not None and highest < white // 2:
            dark.append(f'{path} has no value above {highest}')
        return _pixels(image, white)
  except Exception as e:  # What Pillow's decoders raise has no common class.
    if _is_heic(path):
      raise errors.DataError(
          f'{path} is of HEIC, which Pillow does not read: convert it to JPEG, '
          'as heif-convert does'
      ) from e
    message = ' '.join(str(e).split()).replace(repr(f), repr(path))
    reason = getattr(e, 'strerror', None) or message or type(e).__name__
    raise errors.DataError(f'{path} does not decode ({reason})') from e


def _bound(image: 'PIL.Image.Image') -> None:
  """Sees to it that decoding an image takes no more memory than is stated.

  Args:
    image: opened.  If it is of JPEG it may become smaller.

  Raises:
    DataError: it has too many pixels.
  """
  Image, _ = pillow()
  width, height = image.size
  # A decoder of JPEG can leave out details; of a progressive one it keeps all.
  if width * height > Image.MAX_IMAGE_PIXELS and not image.info.get(
      'progressive'
  ):
    image.draft(None, (width // 2, height // 2))
  errors.DataError.raise_if(
      image.width * image.height > Image.MAX_IMAGE_PIXELS,
      f'it has {width} x {height} pixels, more than {Image.MAX_IMAGE_PIXELS} '
      'in all: make it smaller, or convert it to baseline JPEG',
  )


def tell_dark(dark: list[str], white: int) -> None:
  """Says in one line on stderr, if there are any, which images become dark.

  Args:
    dark, white: see load_image().
  """
  if dark:
    more = f', and {len(dark) - 1} more are like it' if dark[1:] else ''
    print(
        output.printable(
            f'{dark[0]}{more}: in images of 16 bits {white} is white, and these '
            'become dark; --white=N names the value that is white in them'
        ),
        file=sys.stderr,
        flush=True,
    )


def _is_heic(path: str) -> bool:
  with files.open_regular(path) as f:
    return f.read(12)[4:] in _HEIC


def _highest(image: 'PIL.Image.Image', white: int) -> int:
  """Returns the highest value of an opened image of 16 bits.

  Raises:
    DataError: it has more than 16 bits, or values above white.
  """
  lowest, highest = map(int, image.getextrema())
  errors.DataError.raise_if(
      lowest < 0 or highest > WHITE, 'it has more than 16 bits'
  )
  errors.DataError.raise_if(
      highest > white,
      f'it has the value {highest}, above --white={white}: choose at least that',
  )
  return highest


def _pixels(image: 'PIL.Image.Image', white: int) -> np.ndarray:
  """Returns an opened image as load_image() does."""
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
    DataError: its numbers have no known range.
  """
  Image, _ = pillow()
  errors.DataError.raise_if(
      image.mode == 'F', 'its numbers have no known range'
  )
  if image.mode.startswith('I'):
    values = np.asarray(image).astype(np.uint32)
    image = Image.fromarray((values * 256 // (white + 1)).astype(np.uint8))
  if image.has_transparency_data:
    image = Image.alpha_composite(
        Image.new('RGBA', image.size, 'white'), image.convert('RGBA')
    )
  return np.asarray(image.convert('RGB'))


def _weights(side: int) -> np.ndarray:
  """Returns what averages over areas, as cifar10_input.fit() does.

  Pillow's own filter of that kind counts a pixel whole or not at all.

  Args:
    side: the number of pixels in a row or a column.

  Returns:
    float32 array of shape [32, side]: how much of each small pixel is of each.
  """
  edges = np.arange(description.HEIGHT + 1) * side / description.HEIGHT
  pixels = np.arange(side)
  # How much of each pixel lies between two edges.
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
    UsageError: Pillow, of the extra `data`, is not installed.
  """
  try:
    from PIL import Image
    from PIL import ImageOps
    from PIL import PngImagePlugin
  except ImportError as e:
    raise errors.UsageError(
        'Pillow is not installed: pip install cifar10_compat[data]'
    ) from e
  # One long text is no worse than as much in several.
  PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
  # What it logs as an error, it also raises.
  logging.getLogger('PIL').setLevel(logging.CRITICAL)
  return Image, ImageOps
