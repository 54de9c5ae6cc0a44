"""Converts the .mat files of SVHN (cropped digits) to records.

The files are in MATLAB 5 format.  X, uint8 of shape [32, 32, 3, N], contains
the images; y, of shape [N, 1], contains their labels: 1 to 9, and 10 for the
digit 0.  See http://ufldl.stanford.edu/housenumbers/.

scipy's reader can crash on a damaged file, so it is used only for files with
the size and SHA-256 of the published files.
"""

from collections.abc import Iterator
import os

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import files

TRAIN_FILE = 'train.bin'
TEST_FILE = 'test.bin'

# Number of images to convert at a time (3 MB).
_CHUNK = 1000


def write_batches(directory: str, train_mat: str, test_mat: str) -> None:
  """Writes the set's directory, which appears when complete.

  A record consists of the digit, one byte, and the red, green and blue planes,
  3,072 bytes.  The conversion takes several seconds, 0.7 GB of memory and 305
  MB of disk space.

  Args:
    directory: the set's directory: see files.whole_directory() with exist_ok.
    train_mat, test_mat: the paths of the two .mat files.

  Raises:
    DataError: a .mat file cannot be read or is not from SVHN.
    UsageError: scipy (extra `data`) is not installed.
    OSError: the files cannot be written.
  """
  with files.whole_directory(directory, exist_ok=True) as whole:
    for name, path in ((TRAIN_FILE, train_mat), (TEST_FILE, test_mat)):
      files.write(os.path.join(whole, name), _records(path))


def _records(path: str) -> Iterator[bytes]:
  """Yields the records of a .mat file in chunks of _CHUNK records."""
  images, labels = _load(path)
  digits = (labels % 10).astype(np.uint8).reshape(-1, 1)
  for i in range(0, len(digits), _CHUNK):
    # Transpose from [row, column, color, image] to [image, color, row, column].
    planes = images[..., i : i + _CHUNK].transpose(3, 2, 0, 1)
    chunk = digits[i : i + _CHUNK]
    yield np.hstack([chunk, planes.reshape(len(chunk), -1)]).tobytes()


def _load(path: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads and checks a .mat file.

  Returns:
    images: uint8 array of shape [32, 32, 3, N].
    labels: array of shape [N], 1 to 10.
  """
  mat = _read(path)
  for name in ('X', 'y'):
    errors.DataError.raise_if(
        name not in mat,
        f'{path} has no array {name}: it is not an SVHN file of cropped '
        'digits, which contains X and y',
    )
  images, labels = mat['X'], mat['y']
  errors.DataError.raise_if(
      images.dtype != np.uint8
      or images.ndim != 4
      or images.shape[:3] != (32, 32, 3)
      or not images.shape[3],
      f'{path}: X is {images.dtype} of shape {list(images.shape)}: expected '
      'cropped digits, uint8 of shape [32, 32, 3, N]',
  )
  n = images.shape[3]
  errors.DataError.raise_if(
      labels.size != n,
      f'{path}: y is {labels.dtype} of shape {list(labels.shape)}: expected '
      f'{n} labels of shape [{n}, 1]',
  )
  labels = labels.ravel()
  bad = np.flatnonzero(~np.isin(labels, np.arange(1, 11)))
  if bad.size:
    raise errors.DataError(
        f'{path}: image {bad[0]} (counted from 0) has label {labels[bad[0]]}: '
        'SVHN labels are 1 to 10'
    )
  return images, labels


def _read(path: str) -> dict[str, np.ndarray]:
  """Returns the arrays of a .mat file by name."""
  try:
    from scipy import io
  except ImportError as e:
    raise errors.UsageError(
        'scipy is not installed: pip install cifar10_compat[data]'
    ) from e
  try:
    f = open(path, 'rb')
  except OSError as e:
    raise errors.DataError(f'cannot read {path} ({e.strerror})') from e
  with f:
    try:
      return io.loadmat(f)
    except Exception as e:  # The reader's exceptions share no base class.
      raise errors.DataError(
          f'{path} is damaged or not a MATLAB 5 file ({e}): remove it, or '
          'replace it with an intact copy'
      ) from e
