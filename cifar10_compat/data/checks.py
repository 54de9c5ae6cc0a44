"""Checks the files of an image set, before and while they are read.

TensorFlow's reader takes the end of a file that was cut off for a normal one,
and looks for a record in empty files for ever.  Nothing here needs TensorFlow.
"""

import dataclasses
import os
import zlib

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import description

# Records that are looked at together: 1.5 MB.
_CHUNK_RECORDS = 512


def check(dataset: description.Dataset, data_dir: str, eval_data: bool) -> int:
  """Checks files before a thread reads them: about 0.1 s for 50,000 records.

  A part of a published set is accepted; more than the whole set is an error.

  Args:
    dataset: the set that the files are of.
    data_dir: the directory that holds the set's directory.
    eval_data: the files for evaluation instead of those for training.

  Returns:
    The number of records in all these files together.

  Raises:
    DataError: a file is missing, empty, filled with zeros, no whole number of
      records, or has a label out of range; or there are more records than the
      set has.  The message names the file and the record.
  """
  return watch(dataset, data_dir, eval_data).records


@dataclasses.dataclass
class _Content:
  """What was found in a file."""

  records: int
  status: os.stat_result
  checksum: int  # CRC-32


class CheckedFiles:
  """Notices when a file that was checked, and is being read, changes.

  TensorFlow's reader does not: it takes the end of a file that was cut off for
  a normal one, looks for ever for a record in files that became empty, and
  trains on whatever was written over a file.

  Attributes:
    records: int, how many the files hold together.
  """

  def __init__(self, contents: dict[str, _Content]) -> None:
    """Remembers by path what was found when the files were read."""
    self._contents = contents
    self.records = sum(c.records for c in contents.values())

  def check(self) -> None:
    """Compares the files with what they were.

    Takes microseconds, unless a file was written to or replaced: then it is
    read, and passes if its content is the same.

    Raises:
      DataError: a file has another size or content, or is gone; it is named.
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
          f'{path} had {size} bytes when it was opened and has {now.st_size} '
          'now: replace it with an intact copy',
      )
      errors.DataError.raise_if(
          found != content.checksum,
          f'{path} was overwritten while it was being read: replace it with an '
          'intact copy',
      )
      content.status = now


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
  """Returns what changes in a file's os.stat() when it is written to."""
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
  """Checks files, and remembers what they are.

  Args:
    dataset, data_dir, eval_data: see check().

  Returns:
    What watches them, for the time in which they are read.

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
      f'{longest} has {contents[longest].records} records, and with its like '
      f'{checked.records}, but the whole set has {expected}: it is too long; '
      'replace it with an intact copy',
  )
  return checked


def _check_file(path: str, dataset: description.Dataset) -> _Content:
  """Reads one file; raises DataError."""
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
          f'{record_bytes} bytes of a record: it is cut off, or not of the '
          f'data set {dataset.name}; replace it with an intact copy',
      )
      while chunk := f.read(_CHUNK_RECORDS * record_bytes):
        checksum = zlib.crc32(chunk, checksum)
        # But for the end of a file that is being cut off.
        whole = np.frombuffer(
            chunk, np.uint8, len(chunk) // record_bytes * record_bytes
        )
        labels = whole[dataset.label_index :: record_bytes]
        bad = np.flatnonzero(labels >= dataset.num_classes)
        if bad.size:
          raise errors.DataError(
              f'{path}: record {records + bad[0]} (counted from 0) has label '
              f'{labels[bad[0]]}, the highest is {dataset.num_classes - 1}: '
              'the file is damaged or of another data set'
              + '; labels count from 0'
              * bool(labels[bad[0]] == dataset.num_classes)
          )
        all_zero = all_zero and not whole.any()
        records += len(labels)
  except OSError as e:
    remedy = (
        '--data_dir must name the directory above '
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
