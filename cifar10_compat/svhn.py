"""Turns the .mat files of SVHN (cropped digits) into records of one format.

The files are of MATLAB 5 format.  X, uint8 of shape [32, 32, 3, N], has the
images; y, of shape [N, 1], their labels: 1 to 9, and 10 for the digit 0.
http://ufldl.stanford.edu/housenumbers/ has them and says so.

scipy reads such files, too, but a damaged one can end the process (scipy 1.17,
segmentation fault); so the few lines it takes are here.  The format is that of
"MAT-File Format" by The MathWorks, "Level 5 MAT-Files".
"""

import os
import struct
import zlib

import numpy as np

from cifar10_compat import errors
from cifar10_compat import files

TRAIN_FILE = 'train.bin'
TEST_FILE = 'test.bin'

# Images that are rearranged at once: 3 MB.
_CHUNK = 1000

# What begins a file of that format, in the byte order of a PC, and where.
_HEADER_BYTES = 128
_SIGNATURE = b'\x00\x01IM'
# Types of an element, by number: those of numbers, and two of others.
_NUMBERS = {1: 'i1', 2: 'u1', 3: '<i2', 4: '<u2', 5: '<i4', 6: '<u4',
            7: '<f4', 9: '<f8', 12: '<i8', 13: '<u8'}
_MATRIX = 14
_COMPRESSED = 15
# Classes of an array, by number, that are numbers.
_CLASSES = {6: 'f8', 7: 'f4', 8: 'i1', 9: 'u1', 10: 'i2', 11: 'u2', 12: 'i4',
            13: 'u4', 14: 'i8', 15: 'u8'}
# No variable of SVHN has more than a quarter of this, unpacked.
_MAX_BYTES = 1 << 30


def write_batches(directory, train_mat, test_mat):
  """Writes the set's directory, which appears when it is whole.

  A record is one byte, the digit, and 3,072 bytes, the red, green and blue
  plane.  Takes some seconds, 0.7 GB of memory and 305 MB of disk.

  Args:
    directory: str; see files.whole_directory(), with exist_ok.
    train_mat, test_mat: str, paths of the two .mat files.

  Raises:
    DataError: a .mat file cannot be read or is not one of SVHN.
    OSError: the files cannot be written.
  """
  with files.whole_directory(directory, exist_ok=True) as whole:
    for name, path in ((TRAIN_FILE, train_mat), (TEST_FILE, test_mat)):
      files.write(os.path.join(whole, name), _records(path))


def _records(path):
  """Yields the records of a .mat file, _CHUNK of them at a time, as bytes."""
  images, labels = _load(path)
  digits = (labels % 10).astype(np.uint8).reshape(-1, 1)
  for i in range(0, len(digits), _CHUNK):
    # From [row, column, color, image] to [image, color, row, column].
    planes = images[..., i:i + _CHUNK].transpose(3, 2, 0, 1)
    chunk = digits[i:i + _CHUNK]
    yield np.hstack([chunk, planes.reshape(len(chunk), -1)]).tobytes()


def _load(path):
  """Reads and checks a .mat file.

  Args:
    path: str.

  Returns:
    images: uint8 array of shape [32, 32, 3, N].
    labels: array of shape [N], 1 to 10.
  """
  try:
    # A number that the array's class does not have is found to be none below.
    with open(path, 'rb') as f, np.errstate(invalid='ignore'):
      mat = _arrays(memoryview(f.read()))
  except OSError as e:
    raise errors.DataError('cannot read %s (%s): restore it' %
                           (path, e.strerror)) from e
  except (ValueError, LookupError, struct.error, zlib.error) as e:
    raise errors.DataError('%s is damaged or no MATLAB 5 file (%s): restore or '
                           'remove it' % (path, e)) from e
  for name in ('X', 'y'):
    if name not in mat:
      raise errors.DataError('%s has no array %s: it is not of SVHN, whose '
                             'cropped digits are X and y' % (path, name))
  images, labels = mat['X'], mat['y']
  if (images.dtype != np.uint8 or images.ndim != 4 or
      images.shape[:3] != (32, 32, 3) or not images.shape[3]):
    raise errors.DataError(
        '%s: X is %s of shape %s: cropped digits of SVHN are uint8 of shape '
        '[32, 32, 3, N]' % (path, images.dtype, list(images.shape)))
  if labels.size != images.shape[3]:
    raise errors.DataError(
        '%s: y is %s of shape %s: the labels of %d images are numbers of shape '
        '[%d, 1]' % (path, labels.dtype, list(labels.shape), images.shape[3],
                     images.shape[3]))
  labels = labels.ravel()
  bad = np.flatnonzero(~np.isin(labels, np.arange(1, 11)))
  if bad.size:
    raise errors.DataError(
        '%s: image %d (counted from 0) has label %s: SVHN has 1 to 10' %
        (path, bad[0], labels[bad[0]]))
  return images, labels


def _arrays(data):
  """Returns {name: array} of the arrays of numbers in a MATLAB 5 file.

  Args:
    data: memoryview of the whole file.

  Raises:
    ValueError, LookupError, struct.error, zlib.error: it is damaged.
  """
  if data[_HEADER_BYTES - len(_SIGNATURE):_HEADER_BYTES] != _SIGNATURE:
    raise ValueError('it does not begin like one')
  arrays = {}
  offset = _HEADER_BYTES
  while offset < len(data):
    kind, content, offset = _element(data, offset)
    if kind == _COMPRESSED:
      stream = zlib.decompressobj()
      content = memoryview(stream.decompress(content, _MAX_BYTES))
      if not stream.eof:
        raise ValueError('a variable is cut off or has more than %d bytes' %
                         _MAX_BYTES)
      kind, content, _ = _element(content, 0)
    if kind != _MATRIX:
      raise ValueError('it has an element of type %d' % kind)
    _, flags, end = _element(content, 0)
    dtype = _CLASSES.get(flags[0])
    if dtype:
      _, shape, end = _element(content, end)
      _, name, end = _element(content, end)
      kind, numbers, _ = _element(content, end)
      # A type that takes less room than the array's class may be in the file.
      arrays[bytes(name).decode('latin-1')] = np.frombuffer(
          numbers, _NUMBERS[kind]).reshape(
              np.frombuffer(shape, '<i4'), order='F').astype(dtype, copy=False)
  return arrays


def _element(data, offset):
  """Reads one element: a tag, its content, and what fills up 8 bytes.

  Returns:
    int, memoryview, int: the type, the content, and the offset of the next.
  """
  kind, size = struct.unpack_from('<II', data, offset)
  start = offset + 8
  if kind >> 16:  # Up to 4 bytes lie within the tag.
    kind, size = kind & 0xFFFF, kind >> 16
    start = offset + 4
  end = start + size
  if end > len(data):
    raise ValueError('it is cut off')
  padding = 0 if kind == _COMPRESSED else (offset - end) % 8
  return kind, data[start:end], end + padding
