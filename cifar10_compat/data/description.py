"""What varies from one image set to another, and its form in a file.

All sets are read from files of one format, that of the binary batches of
CIFAR-10 and CIFAR-100.  A record is one label byte or more, of which one
counts, and 3,072 bytes of pixels: three planes (red, green, blue) of 32 rows of
32 pixels.  One's own set is a directory of such files and image_set.json, a
description in JSON.  Nothing here needs TensorFlow.
"""

import json
import os
from typing import Callable, NamedTuple, Optional, Tuple
import unicodedata

from cifar10_compat.base import errors
from cifar10_compat.base import files as files_lib

HEIGHT = 32
WIDTH = 32
DEPTH = 3
IMAGE_BYTES = HEIGHT * WIDTH * DEPTH

# In the directory of one's own set: the file that describes it.
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

  name: str  # what --dataset calls it, or what it calls itself
  directory: str  # below data_dir, or an absolute path
  train_files: Tuple[str, ...]  # in that directory
  eval_files: Tuple[str, ...]
  class_names: Tuple[str, ...]  # class_names[i] is what label i stands for
  num_examples_per_epoch_for_train: int
  num_examples_per_epoch_for_eval: int
  label_bytes: int = 1  # at the beginning of a record
  label_index: int = 0  # which of them is the label
  flip: bool = True  # an image's mirror image is of the same class
  # Where the set comes from when its directory is not there.
  sources: Tuple[RemoteFile, ...] = ()
  # Writes the directory, given its path and those of the sources' files; None:
  # the only source is a .tar.gz file that holds it.
  make: Optional[Callable[..., None]] = None

  @property
  def num_classes(self):
    return len(self.class_names)

  @property
  def record_bytes(self):
    return self.label_bytes + IMAGE_BYTES

  def filenames(self, data_dir, eval_data):
    """Returns the paths of the set's files, which need not exist.

    Args:
      data_dir: str, the directory that holds the set's directory.
      eval_data: bool, the files for evaluation instead of those for training.
    """
    files = self.eval_files if eval_data else self.train_files
    return [os.path.join(data_dir, self.directory, f) for f in files]


# What a description says, and the type of it; a list is one of strings.
_KEYS = {
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


def describe(dataset):
  """Returns a Dataset's description, what load() reads, as a str."""
  values = {key: getattr(dataset, key) for key in _KEYS}
  return json.dumps(dict(version=_VERSION, **values), indent=2) + '\n'


def load(directory):
  """Reads the description of a set of one's own, and looks at its files' sizes.

  Args:
    directory: str, has an image_set.json and the files that this names.

  Returns:
    Dataset.

  Raises:
    DataError: anything is wrong with it; file and key are named.
  """
  path = os.path.join(directory, FILE_NAME)
  try:
    with files_lib.open_regular(path) as f:
      contents = f.read(_MAX_BYTES + 1)
  except OSError as e:
    raise errors.DataError(
        'cannot read %s (%s): %s' % (path, e.strerror, files_lib.remedy(e))
    ) from e
  try:
    if len(contents) > _MAX_BYTES:
      raise ValueError('it has more than %d bytes' % _MAX_BYTES)
    values = json.loads(contents.decode('utf-8'))
  except (ValueError, RecursionError) as e:
    raise errors.DataError(
        '%s is no description (%s): replace it with an intact copy' % (path, e)
    ) from e
  try:
    _check_description(values)
    del values['version']
    dataset = Dataset(
        directory=os.path.abspath(directory),
        **{k: tuple(v) if _KEYS[k] is list else v for k, v in values.items()},
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
      if size != count * dataset.record_bytes:
        raise ValueError(
            'num_examples_per_epoch_for_%s is %d, but %s has %d bytes, which '
            'is not %d times the %d bytes of a record'
            % (key, count, ' + '.join(files), size, count, dataset.record_bytes)
        )
  except ValueError as e:
    raise errors.DataError(
        '%s: %s: replace it with an intact copy, or make the set again'
        % (path, e)
    ) from e
  return dataset


def _check_description(values):
  """Raises ValueError unless all keys of a description have a valid value."""
  if not isinstance(values, dict) or 'version' not in values:
    raise ValueError('version is missing: it describes no image set')
  if values['version'] != _VERSION:
    raise ValueError(
        'version is %.80r, this program reads %d'
        % (values['version'], _VERSION)
    )
  for key in values:
    if key != 'version' and key not in _KEYS:
      raise ValueError('%.80r is not a key of a description' % key)
  for key, kind in _KEYS.items():
    if key not in values:
      raise ValueError('%s is missing' % key)
    _check_type(key, values[key], kind)
  for key in (
      'num_examples_per_epoch_for_train',
      'num_examples_per_epoch_for_eval',
      'label_bytes',
  ):
    if values[key] < 1:
      raise ValueError('%s is %d, it must be at least 1' % (key, values[key]))
  if not 0 <= values['label_index'] < values['label_bytes']:
    raise ValueError(
        'label_index is %d, it must be 0 to label_bytes - 1'
        % values['label_index']
    )
  for key in ('train_files', 'eval_files'):
    for f in values[key]:
      _check_file_name(key, f)
  if not values['name'] or not values['name'].isprintable():
    raise ValueError('name is %.80r, it must be printable' % values['name'])
  try:
    check_class_names(values['class_names'])
  except ValueError as e:
    raise ValueError('class_names: %s' % e) from e


def _check_type(key, value, kind):
  """Raises ValueError unless a key's value has its type; lists hold strings."""
  # Not isinstance(): a bool is an int, too.
  good = type(value) is kind
  if good and kind is list:
    good = value and all(isinstance(item, str) for item in value)
  if not good:
    expected = {
        list: 'a list of strings, not empty',
        str: 'a string',
        int: 'an integer',
        bool: 'true or false',
    }
    raise ValueError(
        '%s is %.80r, it must be %s' % (key, value, expected[kind])
    )


def _check_file_name(key, name):
  """Raises ValueError unless a name is that of a file in the directory."""
  if (
      os.path.basename(name) != name
      or name in ('', os.curdir, os.pardir)
      or not name.isprintable()
  ):
    raise ValueError(
        '%s has %.80r, it must be the name of a file in the same directory'
        % (key, name)
    )


def check_class_names(names):
  """Checks the names of a set's classes.

  Args:
    names: list of str.

  Raises:
    ValueError: too few or too many, one is empty or not printable, or two are
      the same but for case, surrounding spaces, or Unicode's ways to write it.
  """
  if not 2 <= len(names) <= MAX_CLASSES:
    raise ValueError(
        'there must be 2 to %d classes, not %d' % (MAX_CLASSES, len(names))
    )
  seen = {}
  for name in names:
    normalized = unicodedata.normalize('NFKC', name).casefold().strip()
    # A lone surrogate is not printable either, and could not be written.
    if not normalized or not name.isprintable():
      raise ValueError('%.80r is not a printable name' % name)
    if normalized in seen:
      raise ValueError(
          '%r and %r are too much alike to be two classes: rename '
          'one' % (seen[normalized], name)
      )
    seen[normalized] = name


def _size_of(dataset, filename):
  """Returns the size of a file of the set; raises ValueError."""
  path = os.path.join(dataset.directory, filename)
  if not os.path.isfile(path):
    raise ValueError('%s, which it names, is not there' % filename)
  return os.path.getsize(path)
