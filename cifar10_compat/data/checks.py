"""Checks the files of an image set, before and while they are read.

TensorFlow's reader does not notice a truncated file, and searches empty files
for a record forever.  This module does not import TensorFlow.
"""

import dataclasses
import os
import zlib

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import description

# Number of records to read at a time (1.5 MB).
_CHUNK_RECORDS = 512


def check(dataset: description.Dataset, data_dir: str, eval_data: bool) -> int:
  """Checks files before they are read, in about 0.1 s per 50,000 records.

  The files may contain only part of a published set, but no more records than
  the complete set.

  Args:
    dataset: the set to which the files belong.
    data_dir: the directory that contains the set's directory.
    eval_data: True for the evaluation files, False for the training files.

  Returns:
    The total number of records.

  Raises:
    DataError: a file is missing, empty or filled with zeros, or has an
      incomplete record or a label out of range; or there are more records than
      in the set.  The message names the file and the record.
  """
  return watch(dataset, data_dir, eval_data).records


@dataclasses.dataclass
class _Content:
  """The number of records, status and checksum of a checked file."""

  records: int
  status: os.stat_result
  checksum: int  # CRC-32


class CheckedFiles:
  """Detects changes to checked files while they are read.

  TensorFlow's reader does not detect changes: it accepts a truncated file as
  complete, searches empty files for a record forever, and reads overwritten
  data.

  Attributes:
    records: int, total number of records in the files.
  """

  def __init__(self, contents: dict[str, _Content]) -> None:
    """Stores the initial content of each file, by path."""
    self._contents = contents
    self.records = sum(c.records for c in contents.values())

  @property
  def fingerprint(self) -> str:
    """8 hexadecimal digits that identify the files' content and order."""
    checksums = [c.checksum for c in self._contents.values()]
    return f'{zlib.crc32(repr(checksums).encode()):08x}'

  def check(self) -> None:
    """Checks that the files have not changed since they were first read.

    The check takes microseconds unless a file was written to or replaced.  A
    file that was written to is read again, and passes if its content is
    unchanged.

    Raises:
      DataError: a file is missing, or its size or content has changed; the
        message contains the path.
    """
    for path, content in self._contents.items():
      size = content.status.st_size
      try:
        now = os.stat(path)
        if _version(now) == _version(content.status):
          continue
        found = _checksum(path)
      except OSError as e:
        raise errors.DataError(
            f'{path} can no longer be read ({e.strerror}): replace it with an '
            'intact copy'
        ) from e
      errors.DataError.raise_if(
          now.st_size != size,
          f'{path} had {size} bytes when it was opened, but now it has '
          f'{now.st_size}: replace it with an intact copy',
      )
      errors.DataError.raise_if(
          found != content.checksum,
          f'{path} was overwritten while it was being read: replace it with an '
          'intact copy',
      )
      content.status = now


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
  """Returns the fields of a file's os.stat() that a write changes."""
  return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _checksum(path: str) -> int:
  """Returns the CRC-32 of a file's content; raises OSError."""
  checksum = 0
  with files.open_regular(path) as f:
    while chunk := f.read(1 << 20):
      checksum = zlib.crc32(chunk, checksum)
  return checksum


def watch(
    dataset: description.Dataset, data_dir: str, eval_data: bool = False
) -> CheckedFiles:
  """Checks files, and stores their checksums for later checks.

  Args:
    dataset, data_dir, eval_data: see check().

  Returns:
    CheckedFiles, for checks while the files are read.

  Raises:
    DataError: see check().
  """
  contents = {
      path: _check_file(path, dataset)
      for path in dataset.filenames(data_dir, eval_data)
  }
  checked = CheckedFiles(contents)
  expected = (
      dataset.num_examples_per_epoch_for_eval
      if eval_data
      else dataset.num_examples_per_epoch_for_train
  )
  longest = max(contents, key=lambda path: contents[path].records)
  errors.DataError.raise_if(
      checked.records > expected,
      f'{longest} has {contents[longest].records} records; all files together '
      f'have {checked.records}, but the set has {expected}: the file is too '
      'long; replace it with an intact copy',
  )
  return checked


def _check_file(path: str, dataset: description.Dataset) -> _Content:
  """Reads one file; raises DataError if the content is invalid."""
  record_bytes = dataset.record_bytes
  checksum = records = 0
  all_zero = True
  try:
    with files.open_regular(path) as f:
      status = os.fstat(f.fileno())
      errors.DataError.raise_if(
          not status.st_size, f'{path} is empty: replace it with an intact copy'
      )
      errors.DataError.raise_if(
          status.st_size % record_bytes,
          f'{path} has {status.st_size} bytes, which is not a multiple of the '
          f'{record_bytes} bytes of a record: it is truncated, or not part of '
          f'data set {dataset.name}; replace it with an intact copy',
      )
      while chunk := f.read(_CHUNK_RECORDS * record_bytes):
        checksum = zlib.crc32(chunk, checksum)
        # Ignore an incomplete record, in case another process truncates the
        # file.
        whole = np.frombuffer(
            chunk, np.uint8, len(chunk) // record_bytes * record_bytes
        )
        labels = whole[dataset.label_index :: record_bytes]
        bad = np.flatnonzero(labels >= dataset.num_classes)
        if bad.size:
          raise errors.DataError(
              f'{path}: record {records + bad[0]} (counted from 0) has label '
              f'{labels[bad[0]]}, but the highest is '
              f'{dataset.num_classes - 1}: the file is damaged or from another data set'
              + '; labels count from 0'
              * bool(labels[bad[0]] == dataset.num_classes)
          )
        all_zero = all_zero and not whole.any()
        records += len(labels)
  except OSError as e:
    remedy = (
        '--data_dir must be the directory above '
        + os.path.basename(os.path.dirname(path))
        if isinstance(e, FileNotFoundError)
        else files.remedy(e)
    )
    raise errors.DataError(
        f'cannot read {path} ({e.strerror}): {remedy}'
    ) from e
  errors.DataError.raise_if(
      all_zero,
      f'{path} has {status.st_size} bytes that are all zero: replace it with '
      'an intact copy',
  )
  return _Content(records, status, checksum)
