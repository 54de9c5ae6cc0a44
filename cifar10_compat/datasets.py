"""What varies from one image set to another, and the check before it is read.

Every set is read from files of one format, that of CIFAR-10's binary batches:
records of one label byte and 3,072 bytes of pixels, three planes (red, green,
blue) of 32 rows of 32.  TensorFlow is not needed here.
"""

import os
from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np

from cifar10_compat import errors
from cifar10_compat import synthetic

HEIGHT = 32
WIDTH = 32
DEPTH = 3
LABEL_BYTES = 1
RECORD_BYTES = LABEL_BYTES + HEIGHT * WIDTH * DEPTH


class Archive(NamedTuple):
  """A .tar.gz file that holds the set's directory."""
  url: str
  size: int  # bytes
  sha256: str  # hexadecimal


class Dataset(NamedTuple):
  """One image set."""
  name: str  # what --dataset calls it
  directory: str  # below data_dir
  train_files: Tuple[str, ...]  # in that directory
  eval_files: Tuple[str, ...]
  class_names: Tuple[str, ...]  # class_names[i] is what label i stands for
  num_examples_per_epoch_for_train: int
  num_examples_per_epoch_for_eval: int
  # Where the set comes from when its files are not there: one of the two.
  archive: Optional[Archive] = None
  draw: Optional[Callable[[str], None]] = None  # writes the directory given

  @property
  def num_classes(self):
    return len(self.class_names)


CIFAR10 = Dataset(
    name='cifar10',
    directory='cifar-10-batches-bin',
    train_files=tuple('data_batch_%d.bin' % i for i in range(1, 6)),
    eval_files=('test_batch.bin',),
    class_names=('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog',
                 'frog', 'horse', 'ship', 'truck'),
    num_examples_per_epoch_for_train=50000,
    num_examples_per_epoch_for_eval=10000,
    archive=Archive(
        url='https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        size=170052171,
        sha256='c4a38c50a1bc5f3a1c5537f2155ab9d6'
               '8f9f25eb1ed8d9ddda3db29a59bca1dd'))

# For a machine with neither images nor a network.
SYNTHETIC = CIFAR10._replace(
    name='synthetic',
    directory='synthetic-batches-bin',
    class_names=synthetic.CLASS_NAMES,
    archive=None,
    draw=synthetic.write_batches)

DATASETS = {dataset.name: dataset for dataset in (CIFAR10, SYNTHETIC)}


def get(name):
  """Returns the Dataset called `name`.

  Raises:
    UsageError: there is none of that name.
  """
  if name not in DATASETS:
    raise errors.UsageError('no data set is called %r: choose one of %s' %
                            (name, ', '.join(sorted(DATASETS))))
  return DATASETS[name]


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

  Args:
    dataset: Dataset.
    data_dir: str, the directory that holds the set's directory.
    eval_data: bool, the files for evaluation instead of those for training.

  Returns:
    int, the number of records in all these files together.

  Raises:
    DataError: a file is missing, empty, no whole number of records, or has a
      label out of range; the message names the file and the record.
  """
  return sum(_check_file(path, dataset.num_classes)
             for path in filenames(dataset, data_dir, eval_data))


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


def _check_file(path, num_classes):
  """Returns the number of records in one file; raises DataError."""
  try:
    size = os.path.getsize(path)
    if not size:
      raise errors.DataError('%s is empty: restore it' % path)
    if size % RECORD_BYTES:
      raise errors.DataError(
          '%s has %d bytes, which is no multiple of the %d bytes of a record: '
          'it is cut off or no CIFAR-10 binary batch; restore it' %
          (path, size, RECORD_BYTES))
    records = np.memmap(path, np.uint8, 'r').reshape(-1, RECORD_BYTES)
  except OSError as e:
    raise errors.DataError(
        'cannot read %s (%s): --data_dir must name the directory above %s' %
        (path, e.strerror, os.path.basename(os.path.dirname(path)))) from e
  labels = np.array(records[:, 0])
  bad = np.flatnonzero(labels >= num_classes)
  if bad.size:
    raise errors.DataError(
        '%s: record %d (counted from 0) has label %d, the highest is %d: the '
        'file is damaged or of another data set' %
        (path, bad[0], labels[bad[0]], num_classes - 1))
  return len(labels)
