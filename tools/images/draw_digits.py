r"""Draws house numbers: a folder of PNG files for each of the ten digits.

  draw_digits --out=DIR [--images=20000] [--seed=0]

make_records turns the folders into an image set.  As in the Street View House
Numbers, the digit in the middle is the label, and its neighbors can be partly
visible; colors, size, position, slant, stroke and lighting vary.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import sys

import numpy as np
import rich.progress

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import progress
from cifar10_compat.data import images as images_lib

from ..base import command_line

_SIZE = 32
# Digits are drawn at this scale and then reduced in size, which smooths the
# edges.
_SCALE = 3


def draw(digit, rng):
  """Draws one picture.

  Args:
    digit: int, 0 to 9, the digit in the middle.
    rng: numpy.random.RandomState.

  Returns:
    PIL.Image.Image of 32 x 32 pixels, RGB.

  Raises:
    UsageError: Pillow (extra `data`) is not installed.
  """
  Image, _ = images_lib.pillow()
  from PIL import ImageDraw
  from PIL import ImageFont

  size = _SIZE * _SCALE
  mask = Image.new('L', (size, size))
  # The digits are at least two thirds as tall as the picture.
  font = ImageFont.load_default(rng.uniform(0.95, 1.25) * size)
  stroke = rng.randint(0, 3) * _SCALE
  pen = ImageDraw.Draw(mask)
  middle = size / 2 + rng.uniform(-2, 2, 2) * _SCALE
  pitch = rng.uniform(0.65, 0.8) * size
  for place in (-1, 0, 1):
    if place and rng.uniform() < 0.5:
      continue  # The house number can end before or after the middle digit.
    shown = digit if place == 0 else rng.randint(10)
    pen.text(
        (middle[0] + place * pitch, middle[1]),
        str(shown),
        fill=255,
        font=font,
        anchor='mm',
        stroke_width=stroke,
    )
  # Slant the digits, and rotate them by several degrees.
  slant, turn = rng.uniform(-0.25, 0.25), rng.uniform(-0.15, 0.15)
  mask = mask.transform(
      mask.size,
      Image.Transform.AFFINE,
      (1, slant, -slant * size / 2, turn, 1, -turn * size / 2),
      Image.Resampling.BILINEAR,
  ).resize((_SIZE, _SIZE), Image.Resampling.BOX)

  shares = np.asarray(mask, np.float32)[..., np.newaxis] / 255
  ground, ink = _colors(rng)
  # Light the picture from one side.
  light = np.linspace(-1, 1, _SIZE) * rng.uniform(-25, 25)
  light = light[:, np.newaxis] if rng.randint(2) else light[np.newaxis, :]
  pixels = ground + shares * (ink - ground) + light[..., np.newaxis]
  pixels += rng.normal(0, rng.uniform(2, 10), pixels.shape)
  return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _colors(rng):
  """Returns two colors of clearly different brightness, float [3] each."""
  dark = rng.uniform(0, 110, 3)
  bright = dark + rng.uniform(80, 140)
  return (dark, bright) if rng.randint(2) else (bright, dark)


def write(out, count, seed=0):
  """Draws equally many pictures of each digit.

  Args:
    out: str, a directory that does not exist or is empty.
    count: int, total number of pictures, at least 20.
    seed: int; equal seeds draw equal pictures.

  Raises:
    UsageError: the directory cannot be written, or Pillow is not installed.
  """
  if count < 20:
    raise errors.UsageError(
        '--images=%d: each of the ten digits needs at least 2 images' % count
    )
  if os.path.isdir(out) and os.listdir(out):
    raise errors.UsageError(
        '%s is not empty: choose another directory with --out' % out
    )
  rng = np.random.RandomState(seed)
  with (
      command_line.writing(out, '--out'),
      files.whole_directory(out) as whole,
      progress.bar(rich.progress.MofNCompleteColumn()) as bar,
  ):
    task = bar.add_task('Drawing', total=count)
    for digit in range(10):
      os.mkdir(os.path.join(whole, str(digit)))
    for i in range(count):
      path = os.path.join(whole, str(i % 10), '%06d.png' % i)
      draw(i % 10, rng).save(path)
      bar.update(task, completed=i + 1)


@command_line.program('draw_digits')
def main(argv):
  parser = command_line.Parser(
      prog='draw_digits',
      description=__doc__.partition('\n')[0],
  )
  parser.add_argument(
      '--out', required=True, metavar='DIR', help='directory to create'
  )
  parser.add_argument(
      '--images',
      type=int,
      default=20000,
      help='number of pictures (default 20000)',
  )
  parser.add_argument(
      '--seed',
      type=int,
      default=0,
      help='seed of all random choices (default 0)',
  )
  args = parser.parse_args(argv)
  out = command_line.path(args.out)
  write(out, args.images, seed=args.seed)
  print('Wrote %d pictures to %s.' % (args.images, out))
  return 0


if __name__ == '__main__':
  sys.exit(main())
