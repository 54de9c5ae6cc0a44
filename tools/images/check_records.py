"""Computes counts, moments and samples of an image set's records."""

import io
import os
from typing import NamedTuple, Tuple

import numpy as np
import rich.box
import rich.console
import rich.table
import rich.text

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import checks
from cifar10_compat.data import description

from ..base import command_line

_CHUNK = 1000  # number of records to examine at a time
_SAMPLES = 10  # number of samples of each class on the contact sheet
_SCALE = 2  # magnification of a sample on the sheet
_NAMED = 10  # number of all-zero records to list per file


class Part(NamedTuple):
  """The contents of the training files or of the evaluation files."""

  counts: np.ndarray  # int64 [num_classes], number of records of each label
  mean: np.ndarray  # float64 [3], mean of red, green, blue, 0 to 255
  deviation: np.ndarray  # float64 [3]
  sizes: Tuple[Tuple[str, int], ...]  # each file's path and size in bytes
  zeros: Tuple[Tuple[str, int], ...]  # path and number of each black record
  samples: Tuple[np.ndarray, ...]  # by class: uint8 [up to 10, 32, 32, 3]


def examine(dataset, data_dir, eval_data):
  """Reads all records of a set for training or for evaluation.

  Args:
    dataset: description.Dataset.
    data_dir: str, the parent directory of the set's directory.
    eval_data: bool, True for the evaluation files, False for the training
      files.

  Returns:
    Part.

  Raises:
    DataError: see checks.check().
  """
  checks.check(dataset, data_dir, eval_data)
  counts = np.zeros(dataset.num_classes, np.int64)
  sums, squares = np.zeros(3), np.zeros(3)
  sizes, zeros = [], []
  samples = [[] for _ in dataset.class_names]
  for path in dataset.filenames(data_dir, eval_data):
    sizes.append((path, os.path.getsize(path)))
    records = np.memmap(path, np.uint8, 'r').reshape(-1, dataset.record_bytes)
    for start in range(0, len(records), _CHUNK):
      chunk = np.array(records[start : start + _CHUNK])
      labels = chunk[:, dataset.label_index]
      planes = chunk[:, dataset.label_bytes :].reshape(
          -1, description.DEPTH, description.HEIGHT, description.WIDTH
      )
      zeros += [
          (path, start + i) for i in np.flatnonzero(~planes.any(axis=(1, 2, 3)))
      ]
      counts += np.bincount(labels, minlength=len(counts))
      values = planes.astype(np.float64)
      sums += values.sum(axis=(0, 2, 3))
      squares += np.square(values).sum(axis=(0, 2, 3))
      for label, image in zip(labels, planes.transpose(0, 2, 3, 1)):
        if len(samples[label]) < _SAMPLES:
          samples[label].append(image)
  pixels = counts.sum() * description.HEIGHT * description.WIDTH
  mean = sums / pixels
  # Rounding can make the variance slightly negative.
  deviation = np.sqrt(np.maximum(0, squares / pixels - mean**2))
  return Part(
      counts,
      mean,
      deviation,
      tuple(sizes),
      tuple(zeros),
      tuple(map(np.array, samples)),
  )


def contact_sheet(class_names, samples):
  """Draws samples of each class, in rows labeled with the class names.

  Args:
    class_names: sequence of str.
    samples: for each class a uint8 array of shape [n, 32, 32, 3], where n can
      be 0.

  Returns:
    PIL.Image.Image, mode RGB.
  """
  try:
    from PIL import Image
    from PIL import ImageDraw
    from PIL import ImageFont
  except ImportError as e:
    raise errors.UsageError(
        'the contact sheet needs Pillow: pip install cifar10_compat[data]'
    ) from e
  font = ImageFont.load_default(14)
  left = 16 + max(int(font.getlength(name)) for name in class_names)
  width, height = description.WIDTH * _SCALE, description.HEIGHT * _SCALE
  pitch = height + 2
  sheet = Image.new(
      'RGB', (left + _SAMPLES * (width + 2), len(class_names) * pitch), 'white'
  )
  draw = ImageDraw.Draw(sheet)
  for row, (name, images) in enumerate(zip(class_names, samples)):
    draw.text((8, row * pitch + height // 2), name, 'black', font, 'lm')
    for column, image in enumerate(images):
      scaled = Image.fromarray(image).resize(
          (width, height), Image.Resampling.NEAREST
      )
      sheet.paste(scaled, (left + column * (width + 2), row * pitch))
  return sheet


def check(dataset, data_dir, sheet_path):
  """Prints statistics of a set, and draws the set's contact sheet.

  Args:
    dataset: description.Dataset.
    data_dir: str, the parent directory of the set's directory.
    sheet_path: str, the PNG file to write.

  Raises:
    DataError: see checks.check().
    UsageError: the sheet cannot be written.
  """
  train, test = [
      examine(dataset, data_dir, eval_data) for eval_data in (False, True)
  ]
  sheet = contact_sheet(dataset.class_names, train.samples)
  with command_line.writing(sheet_path, '--contact_sheet'):
    picture = io.BytesIO()
    sheet.save(picture, 'PNG')
    files.replace(sheet_path, picture.getvalue())

  table = _table(dataset, train, test)
  console = rich.console.Console(highlight=False, markup=False)
  console.print(table)
  for title, part, whole in (
      ('train', train, dataset.num_examples_per_epoch_for_train),
      ('test', test, dataset.num_examples_per_epoch_for_eval),
  ):
    _print_part(title, part, records=whole, record_bytes=dataset.record_bytes)
  print('Samples of each class: %s' % sheet_path)


def _table(dataset, train, test):
  """Returns a rich table that counts the images of each class."""
  table = rich.table.Table(box=rich.box.SIMPLE, show_footer=True)
  table.add_column('label', 'all', justify='right')
  table.add_column('class')
  table.add_column('train', str(train.counts.sum()), justify='right')
  table.add_column('test', str(test.counts.sum()), justify='right')
  for label, name in enumerate(dataset.class_names):
    table.add_row(
        str(label),
        rich.text.Text(name),
        str(train.counts[label]),
        str(test.counts[label]),
    )
  return table


def _print_part(title, part, *, records, record_bytes):
  """Prints statistics of the training or the evaluation files."""
  labels = np.flatnonzero(part.counts)
  print(
      '%s: %d of the %d records of the whole set, %d bytes each; labels %d '
      'to %d'
      % (
          title,
          part.counts.sum(),
          records,
          record_bytes,
          labels[0],
          labels[-1],
      )
  )
  print(
      '  mean of red, green, blue: %.2f, %.2f, %.2f; deviation: %.2f, '
      '%.2f, %.2f' % (*part.mean, *part.deviation)
  )
  for path, size in part.sizes:
    print('  %s: %d bytes' % (path, size))
    zeros = [i for p, i in part.zeros if p == path]
    if zeros:
      print(
          '  %s: %d images are all zero: records %s%s'
          % (
              path,
              len(zeros),
              ', '.join(map(str, zeros[:_NAMED])),
              ', ...' if len(zeros) > _NAMED else '',
          )
      )
