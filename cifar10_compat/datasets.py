"""What varies from one image set to another, and the check before it is read.

Every set is read from files of one format, that of the binary batches of
CIFAR-10 and CIFAR-100: records of label bytes, of which one counts, and 3,072
bytes of pixels, three planes (red, green, blue) of 32 rows of 32.  A set of
one's own is a directory with such files and a description, image_set.json.
TensorFlow is not needed here.
"""

import json
import os
from typing import Callable, NamedTuple, Optional, Tuple
import unicodedata

import numpy as np

from cifar10_compat import errors
from cifar10_compat import svhn
from cifar10_compat import synthetic

HEIGHT = 32
WIDTH = 32
DEPTH = 3
IMAGE_BYTES = HEIGHT * WIDTH * DEPTH

# In the directory of a set of one's own: what its files are.
DESCRIPTION = 'image_set.json'
_VERSION = 1

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


CIFAR10 = Dataset(
    name='cifar10',
    directory='cifar-10-batches-bin',
    train_files=tuple('data_batch_%d.bin' % i for i in range(1, 6)),
    eval_files=('test_batch.bin',),
    class_names=('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog',
                 'frog', 'horse', 'ship', 'truck'),
    num_examples_per_epoch_for_train=50000,
    num_examples_per_epoch_for_eval=10000,
    sources=(RemoteFile(
        url='https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        size=170052171,
        sha256='c4a38c50a1bc5f3a1c5537f2155ab9d6'
               '8f9f25eb1ed8d9ddda3db29a59bca1dd'),))

# For a machine with neither images nor a network.
SYNTHETIC = CIFAR10._replace(
    name='synthetic',
    directory='synthetic-batches-bin',
    class_names=synthetic.CLASS_NAMES,
    sources=(),
    make=synthetic.write_batches)

# A record has the label of one of 20 superclasses, then that of one of 100
# classes; the names are in the order of the archive's two .txt files.
CIFAR100 = Dataset(
    name='cifar100',
    directory='cifar-100-binary',
    train_files=('train.bin',),
    eval_files=('test.bin',),
    class_names=(
        'apple', 'aquarium_fish', 'baby', 'bear', 'beaver', 'bed', 'bee',
        'beetle', 'bicycle', 'bottle', 'bowl', 'boy', 'bridge', 'bus',
        'butterfly', 'camel', 'can', 'castle', 'caterpillar', 'cattle', 'chair',
        'chimpanzee', 'clock', 'cloud', 'cockroach', 'couch', 'crab',
        'crocodile', 'cup', 'dinosaur', 'dolphin', 'elephant', 'flatfish',
        'forest', 'fox', 'girl', 'hamster', 'house', 'kangaroo', 'keyboard',
        'lamp', 'lawn_mower', 'leopard', 'lion', 'lizard', 'lobster', 'man',
        'maple_tree', 'motorcycle', 'mountain', 'mouse', 'mushroom', 'oak_tree',
        'orange', 'orchid', 'otter', 'palm_tree', 'pear', 'pickup_truck',
        'pine_tree', 'plain', 'plate', 'poppy', 'porcupine', 'possum', 'rabbit',
        'raccoon', 'ray', 'road', 'rocket', 'rose', 'sea', 'seal', 'shark',
        'shrew', 'skunk', 'skyscraper', 'snail', 'snake', 'spider', 'squirrel',
        'streetcar', 'sunflower', 'sweet_pepper', 'table', 'tank', 'telephone',
        'television', 'tiger', 'tractor', 'train', 'trout', 'tulip', 'turtle',
        'wardrobe', 'whale', 'willow_tree', 'wolf', 'woman', 'worm'),
    num_examples_per_epoch_for_train=50000,
    num_examples_per_epoch_for_eval=10000,
    label_bytes=2,
    label_index=1,
    sources=(RemoteFile(
        url='https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
        size=168513733,
        sha256='58a81ae192c23a4be8b1804d68e518ed'
               '807d710a4eb253b1f2a199162a40d8ec'),))

CIFAR100_COARSE = CIFAR100._replace(
    name='cifar100_coarse',
    class_names=(
        'aquatic_mammals', 'fish', 'flowers', 'food_containers',
        'fruit_and_vegetables', 'household_electrical_devices',
        'household_furniture', 'insects', 'large_carnivores',
        'large_man-made_outdoor_things', 'large_natural_outdoor_scenes',
        'large_omnivores_and_herbivores', 'medium_mammals',
        'non-insect_invertebrates', 'people', 'reptiles', 'small_mammals',
        'trees', 'vehicles_1', 'vehicles_2'),
    label_index=0)

# House numbers: the tutorial's exercise.
SVHN = Dataset(
    name='svhn',
    directory='svhn-batches-bin',
    train_files=(svhn.TRAIN_FILE,),
    eval_files=(svhn.TEST_FILE,),
    class_names=tuple('0123456789'),
    num_examples_per_epoch_for_train=73257,
    num_examples_per_epoch_for_eval=26032,
    flip=False,
    sources=(
        RemoteFile(
            url='http://ufldl.stanford.edu/housenumbers/train_32x32.mat',
            size=182040794,
            sha256='435e94d69a87fde4fd4d7f3dd208dfc3'
                   '2cb6ae8af2240d066de1df7508d083b8'),
        RemoteFile(
            url='http://ufldl.stanford.edu/housenumbers/test_32x32.mat',
            size=64275384,
            sha256='cdce80dfb2a2c4c6160906d0bd7c68ec'
                   '5a99d7ca4831afa54f09182025b6a75b')),
    make=svhn.write_batches)

DATASETS = {dataset.name: dataset for dataset in (
    CIFAR10, CIFAR100, CIFAR100_COARSE, SVHN, SYNTHETIC)}


def get(name):
  """Returns the Dataset called `name`, or that of a directory of one's own.

  Args:
    name: str, one of DATASETS, or the path of a directory with an
      image_set.json.

  Raises:
    UsageError: there is none of that name, and no such directory.
    DataError: see load().
  """
  if name in DATASETS:
    return DATASETS[name]
  if not os.path.lexists(os.path.join(name, DESCRIPTION)):
    raise errors.UsageError(
        'no data set is called %r: choose one of %s, or a directory written by '
        'make_records' % (name, ', '.join(sorted(DATASETS))))
  return load(name)


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
  path = os.path.join(directory, DESCRIPTION)
  try:
    with open(path, encoding='utf-8') as f:
      values = json.load(f)
  except OSError as e:
    raise errors.DataError('cannot read %s (%s): restore it' %
                           (path, e.strerror)) from e
  except (ValueError, RecursionError) as e:
    raise errors.DataError('%s is no JSON (%s): restore it' % (path, e)) from e
  try:
    _check_description(values)
    del values['version']
    dataset = Dataset(
        directory=os.path.abspath(directory),
        **{k: tuple(v) if _KEYS[k] is list else v for k, v in values.items()})
    for key, files, count in (
        ('train', dataset.train_files,
         dataset.num_examples_per_epoch_for_train),
        ('eval', dataset.eval_files, dataset.num_examples_per_epoch_for_eval)):
      size = sum(_size_of(dataset, f) for f in files)
      if size != count * dataset.record_bytes:
        raise ValueError(
            'num_examples_per_epoch_for_%s is %d, but %s has %d bytes, which '
            'is not %d times the %d bytes of a record' %
            (key, count, ' + '.join(files), size, count, dataset.record_bytes))
  except ValueError as e:
    raise errors.DataError('%s: %s: restore it, or make the set anew' %
                           (path, e)) from e
  return dataset


def _check_description(values):
  """Raises ValueError unless all keys of a description have a valid value."""
  if not isinstance(values, dict) or 'version' not in values:
    raise ValueError('version is missing: it describes no image set')
  if values['version'] != _VERSION:
    raise ValueError('version is %.80r, this program reads %d' %
                     (values['version'], _VERSION))
  for key in values:
    if key != 'version' and key not in _KEYS:
      raise ValueError('%.80r is no key of a description' % key)
  for key, kind in _KEYS.items():
    if key not in values:
      raise ValueError('%s is missing' % key)
    value = values[key]
    # Not isinstance: a bool is an int, too.
    if type(value) is not kind or (kind is list and not (
        value and all(isinstance(item, str) for item in value))):
      raise ValueError('%s is %.80r, it must be %s' % (
          key, value, {list: 'a list of strings, not empty', str: 'a string',
                       int: 'an integer', bool: 'true or false'}[kind]))
  for key in ('num_examples_per_epoch_for_train',
              'num_examples_per_epoch_for_eval', 'label_bytes'):
    if values[key] < 1:
      raise ValueError('%s is %d, it must be at least 1' % (key, values[key]))
  if not 0 <= values['label_index'] < values['label_bytes']:
    raise ValueError('label_index is %d, it must be 0 to label_bytes - 1' %
                     values['label_index'])
  for key in ('train_files', 'eval_files'):
    for f in values[key]:
      if (os.path.basename(f) != f or f in ('', os.curdir, os.pardir) or
          not f.isprintable()):
        raise ValueError('%s has %.80r, it must be the name of a file in the '
                         'same directory' % (key, f))
  if not values['name'] or not values['name'].isprintable():
    raise ValueError('name is %.80r, it must be printable' % values['name'])
  try:
    check_class_names(values['class_names'])
  except ValueError as e:
    raise ValueError('class_names: %s' % e) from e


def check_class_names(names):
  """Checks the names of a set's classes.

  Args:
    names: list of str.

  Raises:
    ValueError: too few or too many, one is empty or not printable, or two are
      the same but for case, surrounding spaces, or Unicode's ways to write it.
  """
  if not 2 <= len(names) <= MAX_CLASSES:
    raise ValueError('there must be 2 to %d classes, not %d' %
                     (MAX_CLASSES, len(names)))
  seen = {}
  for name in names:
    normalized = unicodedata.normalize('NFKC', name).casefold().strip()
    # A lone surrogate is not printable either, and could not be written.
    if not normalized or not name.isprintable():
      raise ValueError('%.80r is no printable name' % name)
    if normalized in seen:
      raise ValueError('%r and %r are too much alike to be two classes: rename '
                       'one' % (seen[normalized], name))
    seen[normalized] = name


def _size_of(dataset, filename):
  """Returns the size of a file of the set; raises ValueError."""
  path = os.path.join(dataset.directory, filename)
  if not os.path.isfile(path):
    raise ValueError('%s, which it names, is not there' % filename)
  return os.path.getsize(path)


def filenames(dataset, data_dir, eval_data):
  """Returns the paths of the set's files, which need not exist.

  Args:
    dataset: Dataset.
    data_dir: str, the directory that holds the set's directory.
    eval_data: bool, the files for evaluation instead of those for training.
  """
  files = dataset.eval_files if eval_data else dataset.train_files
  return [os.path.join(data_dir, dataset.directory, f) for f in files]


def check(dataset, data_dir, eval_data):
  """Checks files before a thread reads them: about 0.3 s for 50,000 records.

  A part of a published set is no error, more than all of it is.

  Args:
    dataset: Dataset.
    data_dir: str, the directory that holds the set's directory.
    eval_data: bool, the files for evaluation instead of those for training.

  Returns:
    int, the number of records in all these files together.

  Raises:
    DataError: a file is missing, empty, filled with zeros, no whole number of
      records, or has a label out of range; or there are more records than the
      set has.  The message names the file and the record.
  """
  counts = {path: _check_file(path, dataset)
            for path in filenames(dataset, data_dir, eval_data)}
  total = sum(counts.values())
  expected = (dataset.num_examples_per_epoch_for_eval if eval_data else
              dataset.num_examples_per_epoch_for_train)
  if total > expected:
    longest = max(counts, key=counts.get)
    raise errors.DataError(
        '%s has %d records, and with its like %d, but the whole set has %d: it '
        'is too long; restore it' % (longest, counts[longest], total, expected))
  return total


class Unchanged(object):
  """Notices when a file that is being read changes its size.

  TensorFlow's reader does not: it takes the end of a file that was cut off for
  a normal one, and looks for ever for a record in files that became empty.
  """

  def __init__(self, paths):
    """Remembers the sizes of files that exist."""
    self._sizes = {path: os.path.getsize(path) for path in paths}

  def check(self):
    """Compares the sizes with the remembered ones, in microseconds.

    Raises:
      DataError: a file has another size or is gone; it is named.
    """
    for path, size in self._sizes.items():
      try:
        now = os.path.getsize(path)
      except OSError as e:
        raise errors.DataError('%s cannot be read any more (%s): restore it' %
                               (path, e.strerror)) from e
      if now != size:
        raise errors.DataError(
            '%s had %d bytes when it was opened and has %d now: restore it' %
            (path, size, now))


def watch(dataset, data_dir):
  """Checks the files for training, and remembers what they are.

  Args:
    dataset: Dataset.
    data_dir: str, the directory that holds the set's directory.

  Returns:
    Unchanged, for the time in which they are read.

  Raises:
    DataError: see check().
  """
  check(dataset, data_dir, eval_data=False)
  return Unchanged(filenames(dataset, data_dir, eval_data=False))


def _check_file(path, dataset):
  """Returns the number of records in one file; raises DataError."""
  record_bytes = dataset.record_bytes
  try:
    size = os.path.getsize(path)
    if not size:
      raise errors.DataError('%s is empty: restore it' % path)
    if size % record_bytes:
      raise errors.DataError(
          '%s has %d bytes, which is no multiple of the %d bytes of a record: '
          'it is cut off, or not of the data set %s; restore it' %
          (path, size, record_bytes, dataset.name))
    records = np.memmap(path, np.uint8, 'r').reshape(-1, record_bytes)
  except OSError as e:
    raise errors.DataError(
        'cannot read %s (%s): --data_dir must name the directory above %s' %
        (path, e.strerror, os.path.basename(os.path.dirname(path)))) from e
  labels = np.array(records[:, dataset.label_index])
  bad = np.flatnonzero(labels >= dataset.num_classes)
  if bad.size:
    raise errors.DataError(
        '%s: record %d (counted from 0) has label %d, the highest is %d: the '
        'file is damaged or of another data set' %
        (path, bad[0], labels[bad[0]], dataset.num_classes - 1))
  # Ends at the first byte that is not zero, within the first record as a rule.
  if not any(record.any() for record in records):
    raise errors.DataError('%s has %d bytes that are all zero: restore it' %
                           (path, size))
  return len(labels)
