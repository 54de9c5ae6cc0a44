"""Draws ten classes of figures, and writes them in the format of CIFAR-10.

The set is for machines without image files or network access.  Each image shows
one figure or pattern, brighter than its background, with a random position and
size.  Each class has a typical hue, which soon moves the network off the
plateau caused by its tiny initial weights.  However, hues vary, and some images
have the hue of another class, so that only the shape identifies their class.
In two runs, the averaged weights had a precision of 0.77 and 0.84 after 500
steps, and 0.93 and 0.97 after 700.

The files are identical byte for byte on every machine: all arithmetic uses
integers, and the streams of numpy.random.RandomState are frozen.
"""

import os

import numpy as np

from cifar10_compat.base import files

SIZE = 32  # the height and the width of an image
FILE_EXAMPLES = 10000

# The seed of each file, which alone determines the content.
SEEDS = {
    'data_batch_1.bin': 1,
    'data_batch_2.bin': 2,
    'data_batch_3.bin': 3,
    'data_batch_4.bin': 4,
    'data_batch_5.bin': 5,
    'test_batch.bin': 1000,
}
META_FILE = 'batches.meta.txt'

# One of FOREIGN_HUE images has the hue of a random class: from the hue alone, a
# network could classify at most 82% correctly.
FOREIGN_HUE = 5
# Ranges of pixel values, out of 255.  The fainter the figures are, the sooner a
# network learns the hues, and the later it learns the shapes.
HUE_JITTER = 30  # maximum change, up or down
LIFT = (30, 71)  # brightness of figure minus background, excluding 71
NOISE = 3  # factor of noise from -15 to 15, in which values near 0 are frequent


def _odd(x: np.ndarray, width: np.ndarray) -> np.ndarray:
  """Returns whether x is in an odd-numbered strip of the given width."""
  return x // width % 2 == 1


# For each label: name, function, and typical red, green and blue of the
# background.  The hues go once around the color wheel, and similar shapes have
# distant hues.  No class is another's mirror image, since training flips
# images.
#
# Each function takes three int16 arrays: x of shape [n, 1, SIZE] and y of shape
# [n, SIZE, 1], in pixels to the right of the figure's center and below it, and
# the figure's radius r of shape [n, 1, 1].  It returns the figure, a bool array
# of shape [n, SIZE, SIZE] or an array that broadcasts to this shape.
_CLASSES = (
    ('disc', lambda x, y, r: x * x + y * y <= r * r, (130, 30, 30)),
    ('horizontal_stripes', lambda x, y, r: _odd(y, r // 2), (130, 90, 30)),
    (
        'ring',
        lambda x, y, r: (x * x + y * y <= r * r)
        & (4 * (x * x + y * y) >= r * r),
        (110, 130, 30),
    ),
    ('vertical_stripes', lambda x, y, r: _odd(x, r // 2), (50, 130, 30)),
    (
        'square',
        lambda x, y, r: np.maximum(abs(x), abs(y)) <= r - 1,
        (30, 130, 70),
    ),
    (
        'checkerboard',
        lambda x, y, r: _odd(x, r // 2) ^ _odd(y, r // 2),
        (30, 130, 130),
    ),
    (
        'triangle',  # The apex of the triangle is at the top, y = -r.
        lambda x, y, r: (2 * abs(x) <= y + r) & (y <= r),
        (30, 70, 130),
    ),
    ('horizon', lambda x, y, r: y < 0, (50, 30, 130)),
    (
        'cross',
        lambda x, y, r: (np.minimum(abs(x), abs(y)) <= r // 4)
        & (np.maximum(abs(x), abs(y)) <= r),
        (110, 30, 130),
    ),
    ('diamond', lambda x, y, r: abs(x) + abs(y) <= r, (130, 30, 90)),
)

CLASS_NAMES = tuple(name for name, _, _ in _CLASSES)


def draw_class(label: int, n: int, rng: np.random.RandomState) -> np.ndarray:
  """Draws images of one class.

  Args:
    label: 0 to 9.
    n: the number of images.
    rng: the source of all randomness.

  Returns:
    uint8 array of shape [n, 3, SIZE, SIZE].
  """

  def uniform(low: int, high: int, *shape: int) -> np.ndarray:
    return rng.randint(low, high, shape, np.int16)  # excluding `high`

  # In training, the network may see only the 24 x 24 pixels in a corner; in
  # evaluation, it sees the middle.
  axis = np.arange(SIZE, dtype=np.int16)
  x = axis.reshape(1, 1, SIZE) - uniform(12, 20, n, 1, 1)
  y = axis.reshape(1, SIZE, 1) - uniform(12, 20, n, 1, 1)
  _, figure, _ = _CLASSES[label]
  mask = figure(x, y, uniform(7, 12, n, 1, 1))

  palette = np.array([hue for _, _, hue in _CLASSES], np.int16)
  foreign = uniform(0, FOREIGN_HUE, n) == 0
  hues = palette[np.where(foreign, uniform(0, len(palette), n), label)]
  ground = hues + uniform(-HUE_JITTER, HUE_JITTER + 1, n, 3)
  lift = uniform(*LIFT, n, 3)

  # The noise is the difference between the two halves of a random byte.
  noise = np.frombuffer(rng.bytes(n * 3 * SIZE * SIZE), np.uint8)
  noise = (noise >> 4).astype(np.int16) - (noise & 15)

  images = (
      noise.reshape(n, 3, SIZE, SIZE) * np.int16(NOISE)
      + ground.reshape(n, 3, 1, 1)
      + mask[:, np.newaxis] * lift.reshape(n, 3, 1, 1)
  )
  return np.clip(images, 0, 255).astype(np.uint8)


def _draw_file(seed: int) -> np.ndarray:
  """Draws one file's records, with equal numbers of each class, shuffled.

  Returns:
    uint8 array of shape [FILE_EXAMPLES, 1 + 3 * SIZE * SIZE].
  """
  rng = np.random.RandomState(seed)
  n = FILE_EXAMPLES // len(CLASS_NAMES)
  order = rng.permutation(FILE_EXAMPLES)
  records = np.empty([FILE_EXAMPLES, 1 + 3 * SIZE * SIZE], np.uint8)
  for label in range(len(CLASS_NAMES)):
    places = order[label * n : (label + 1) * n]
    records[places, 0] = label
    records[places, 1:] = draw_class(label, n, rng).reshape(n, -1)
  return records


def write_batches(directory: str) -> None:
  """Writes the set, which takes several seconds and 184 MB.

  The files appear together when complete.  An existing non-empty directory is
  kept, since another process has written the same set in the meantime.

  Args:
    directory: the directory of the files.  Missing parents are created.

  Raises:
    OSError: the files cannot be written.
  """
  with files.whole_directory(directory, exist_ok=True) as whole:
    for filename, seed in SEEDS.items():
      files.write(os.path.join(whole, filename), [_draw_file(seed).tobytes()])
    files.write(
        os.path.join(whole, META_FILE),
        [f'{c}\n'.encode('ascii') for c in CLASS_NAMES],
    )
