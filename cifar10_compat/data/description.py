"""Descriptions of image sets, and their JSON form.

The files of all sets have the format of the binary batches of CIFAR-10 and
CIFAR-100.  A record consists of one or more label bytes, of which one is used,
and 3,072 bytes of pixels: three planes (red, green, blue) of 32 rows of 32
pixels.  A custom set is a directory that contains such files and a JSON
description, image_set.json.  This module does not import TensorFlow.
"""

from collections.abc import Callable, Sequence
import json
import os
from typing import NamedTuple
import unicodedata

from cifar10_compat.base import errors
from cifar10_compat.base import files as files_lib

HEIGHT = 32
WIDTH = 32
DEPTH = 3
IMAGE_BYTES = HEIGHT * WIDTH * DEPTH

# File name of a custom set's description.
FILE_NAME = 'image_set.json'
_VERSION = 1
_MAX_BYTES = 1 << 20

# A label is a byte.
MAX_CLASSES = 256


class RemoteFile(NamedTuple):
  """A file to download."""

  url: str
  size: int  # bytes
  sha256: str  # hexadecimal


class Dataset(NamedTuple):
  """One image set."""

  name: str  # the value of --dataset, or the name in a custom set's description
  directory: str  # below data_dir, or an absolute path
  train_files: tuple[str, ...]  # in that directory
  eval_files: tuple[str, ...]
  class_names: tuple[str, ...]  # class_names[i] is the name of label i
  num_examples_per_epoch_for_train: int
  num_examples_per_epoch_for_eval: int
  label_bytes: int = 1  # at the beginning of a record
  label_index: int = 0  # the index of the label byte
  flip: bool = True  # whether an image's mirror image has the same class
  # Files from which to create the set's directory if it is missing.
  sources: tuple[RemoteFile, ...] = ()
  # Function that writes the directory, given its path and the paths of the
  # source files; None if the only source is a .tar.gz file that contains the
  # directory.
  make: Callable[..., None] | None = None

  @property
  def num_classes(self) -> int:
    return len(self.class_names)

  @property
  def record_bytes(self) -> int:
    return self.label_bytes + IMAGE_BYTES

  def filenames(self, data_dir: str, eval_data: bool) -> list[str]:
    """Returns the paths of the set's files, which need not exist.

    Args:
      data_dir: the directory that contains the set's directory.
      eval_data: True for the evaluation files, False for the training files.
    """
    files = self.eval_files if eval_data else self.train_files
    return [os.path.join(data_dir, self.directory, f) for f in files]


# The keys of a description and the types of their values; the elements of a
# list are strings.
_KEYS: dict[str, type] = {
    'name': str,
    'class_names': list,
    'train_files': list,
    'eval_files': list,
    'num_examples_per_epoch_for_train': int,
    'num_examples_per_epoch_for_eval': int,
    'label_bytes': int,
    'label_index': int,
    'flip': bool,
}
_TYPES = {
    list: 'a non-empty list of strings',
    str: 'a string',
    int: 'an integer',
    bool: 'true or false',
}


def describe(dataset: Dataset) -> str:
  """Returns a set's description as text that load() can read."""
  values = {key: getattr(dataset, key) for key in _KEYS}
  return json.dumps(dict(version=_VERSION, **values), indent=2) + '\n'


def load(directory: str) -> Dataset:
  """Reads the description of a custom set, and checks the sizes of the files.

  Args:
    directory: a directory with an image_set.json and the files listed in it.

  Raises:
    DataError: the description is invalid; the message names the file and the
      key.
  """
  path = os.path.join(directory, FILE_NAME)
  try:
    with files_lib.open_regular(path) as f:
      contents = f.read(_MAX_BYTES + 1)
  except OSError as e:
    raise errors.DataError(
        f'cannot read {path} ({e.strerror}): {files_lib.remedy(e)}'
    ) from e
  try:
    errors.DataError.raise_if(
        len(contents) > _MAX_BYTES, f'it has more than {_MAX_BYTES} bytes'
    )
    values = json.loads(contents.decode('utf-8'))
  except (ValueError, RecursionError) as e:
    raise errors.DataError(
        f'{path} is not a description ({e}): replace it with an intact copy'
    ) from e
  try:
    _check_description(values)
    dataset = Dataset(
        directory=os.path.abspath(directory),
        **{  # type: ignore[arg-type]  # Checked above.
            key: tuple(values[key]) if kind is list else values[key]
            for key, kind in _KEYS.items()
        },
    )
    for key, files, count in (
        (
            'train',
            dataset.train_files,
            dataset.num_examples_per_epoch_for_train,
        ),
        ('eval', dataset.eval_files, dataset.num_examples_per_epoch_for_eval),
    ):
      size = sum(_size_of(dataset, f) for f in files)
      errors.DataError.raise_if(
          size != count * dataset.record_bytes,
          f'num_examples_per_epoch_for_{key} is {count}, but '
          f"{' + '.join(files)} has {size} bytes, which is not {count} times "
          f'the {dataset.record_bytes} bytes of a record',
      )
  except ValueError as e:
    raise errors.DataError(
        f'{path}: {e}: replace it with an intact copy, or create the set again'
    ) from e
  return dataset


def _check_description(values: object) -> None:
  """Raises DataError unless all keys of a description have a valid value."""
  if not isinstance(values, dict) or 'version' not in values:
    raise errors.DataError('version is missing: this is not an image set')
  errors.DataError.raise_if(
      values['version'] != _VERSION,
      f"version is {values['version']!r:.80}; this program reads {_VERSION}",
  )
  for key in values:
    errors.DataError.raise_if(
        key != 'version' and key not in _KEYS,
        f'{key!r:.80} is not a valid key',
    )
  for key, kind in _KEYS.items():
    errors.DataError.raise_if(key not in values, f'{key} is missing')
    value = values[key]
    # Do not use isinstance(): a bool is also an int.
    errors.DataError.raise_if(
        type(value) is not kind
        or (
            isinstance(value, list) and {type(item) for item in value} != {str}
        ),
        f'{key} is {value!r:.80}; it must be {_TYPES[kind]}',
    )
  for key in (
      'num_examples_per_epoch_for_train',
      'num_examples_per_epoch_for_eval',
      'label_bytes',
  ):
    errors.DataError.raise_if(
        values[key] < 1, f'{key} is {values[key]}; it must be at least 1'
    )
  errors.DataError.raise_if(
      not 0 <= values['label_index'] < values['label_bytes'],
      f"label_index is {values['label_index']}; it must be 0 to label_bytes - "
      '1',
  )
  for key in ('train_files', 'eval_files'):
    for name in values[key]:
      errors.DataError.raise_if(
          os.path.basename(name) != name
          or name in ('', os.curdir, os.pardir)
          or not name.isprintable(),
          f'{key} lists {name!r:.80}, which must be the name of a file in the '
          'same directory',
      )
  errors.DataError.raise_if(
      not values['name'] or not values['name'].isprintable(),
      f"name is {values['name']!r:.80}; it must be printable",
  )
  try:
    check_class_names(values['class_names'])
  except errors.DataError as e:
    raise errors.DataError(f'class_names: {e}') from e


def check_class_names(names: Sequence[str]) -> None:
  """Checks the names of a set's classes.

  Raises:
    DataError: there are too few or too many names, a name is empty or
      unprintable, or two names are equal except for case, surrounding spaces or
      their Unicode representation.
  """
  errors.DataError.raise_if(
      not 2 <= len(names) <= MAX_CLASSES,
      f'there must be 2 to {MAX_CLASSES} classes, not {len(names)}',
  )
  seen: dict[str, str] = {}
  for name in names:
    normalized = unicodedata.normalize('NFKC', name).casefold().strip()
    # A lone surrogate, which could not be written to a file, is also
    # unprintable.
    errors.DataError.raise_if(
        not normalized or not name.isprintable(),
        f'{name!r:.80} is not a printable name',
    )
    errors.DataError.raise_if(
        normalized in seen,
        f'{seen.get(normalized)!r} and {name!r} are too similar for two '
        'classes: rename one',
    )
    seen[normalized] = name


def _size_of(dataset: Dataset, filename: str) -> int:
  """Returns the size of a file in bytes; raises DataError if it is missing."""
  path = os.path.join(dataset.directory, filename)
  errors.DataError.raise_if(
      not os.path.isfile(path), f'{filename}, which is listed, is missing'
  )
  return os.path.getsize(path)
