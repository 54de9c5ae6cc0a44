"""Checks the files of an image set, before and while they are read.

TensorFlow's reader takes the end of a file that was cut off for a normal one,
and looks for a record in empty files for ever.  Nothing here needs TensorFlow.
"""

import os
from typing import NamedTuple
import zlib

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import files

# Records that are looked at together: 1.5 MB.
_CHUNK_RECORDS = 512


def check(dataset, data_dir, eval_data):
  """Checks files before a thread reads them: about 0.1 s for 50,000 records.

  A part of a published set is accepted; more than the whole set is an error.

  Args:
    dataset: description.Dataset.
    data_dir: str, the directory that holds the set's directory.
    eval_data: bool, the files for evaluation instead of those for training.

  Returns:
    int, the number of records in all these files together.

  Raises:
    DataError: a file is missing, empty, filled with zeros, no whole number of
      records, or has a label out of range; or there are more records than the
      set has.  The message names the file and the record.
  """
  return sum(c.records for c in _check(dataset, data_dir, eval_data).values())


class _Content(NamedTuple):
  """What was found in a file."""

  records: int
  status: os.stat_result
  checksum: int  # CRC-32


def _check(dataset, data_dir, eval_data):
  """Does what check() does; returns a dict from path to _Content."""
  contents = {
      path: _check_file(path, dataset)
      for path in dataset.filenames(data_dir, eval_data)
  }
  total = sum(c.records for c in contents.values())
  expected = (
      dataset.num_examples_per_epoch_for_eval
      if eval_data
      else dataset.num_examples_per_epoch_for_train
  )
  if total > expected:
    longest = max(contents, key=lambda path: contents[path].records)
    raise errors.DataError(
        '%s has %d records, and with its like %d, but the whole set has %d: it '
        'is too long; replace it with an intact copy'
        % (longest, contents[longest].records, total, expected)
    )
  return contents


class Unchanged(object):
  """Notices when a file that is being read changes.

  TensorFlow's reader does not: it takes the end of a file that was cut off for
  a normal one, looks for ever for a record in files that became empty, and
  trains on whatever was written over a file.

  Attributes:
    records: int, how many the files hold together.
  """

  def __init__(self, versions, records=0):
    """Remembers files as they were when they were read.

    Args:
      versions: dict from path to (os.stat_result, CRC-32 of the content).
      records: int, how many these files hold together.
    """
    self._files = dict(versions)
    self.records = records

  def check(self):
    """Compares the files with what they were.

    Takes microseconds, unless a file was written to or replaced: then it is
    read, and passes if its content is the same.

    Raises:
      DataError: a file has another size or content, or is gone; it is named.
    """
    for path, (before, checksum) in self._files.items():
      try:
        now = os.stat(path)
        if _version(now) == _version(before):
          continue
        found = _checksum(path)
      except OSError as e:
        raise errors.DataError(
            '%s can no longer be read (%s): replace it with an intact copy'
            % (path, e.strerror)
        ) from e
      if now.st_size != before.st_size:
        raise errors.DataError(
            '%s had %d bytes when it was opened and has %d now: replace it with '
            'an intact copy' % (path, before.st_size, now.st_size)
        )
      if found != checksum:
        raise errors.DataError(
            '%s was overwritten while it was being read: replace it with an '
            'intact copy' % path
        )
      self._files[path] = now, checksum


def _version(status):
  """Returns what changes in a file's os.stat() when it is written to."""
  return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _checksum(path):
  """Returns the CRC-32 of a file's content, an int; raises OSError."""
  checksum = 0
  with files.open_regular(path) as f:
    while chunk := f.read(1 << 20):
      checksum = zlib.crc32(chunk, checksum)
  return checksum


def watch(dataset, data_dir, eval_data=False):
  """Checks files, and remembers what they are.

  Args:
    dataset, data_dir, eval_data: see check().

  Returns:
    Unchanged, for the time in which they are read.

  Raises:
    DataError: see check().
  """
  contents = _check(dataset, data_dir, eval_data)
  return Unchanged(
      {p: (c.status, c.checksum) for p, c in contents.items()},
      sum(c.records for c in contents.values()),
  )


def _check_file(path, dataset):
  """Reads one file; returns its _Content, or raises DataError."""
  record_bytes = dataset.record_bytes
  checksum = records = 0
  all_zero = True
  try:
    with files.open_regular(path) as f:
      status = os.fstat(f.fileno())
      if not status.st_size:
        raise errors.DataError(
            '%s is empty: replace it with an intact copy' % path
        )
      if status.st_size % record_bytes:
        raise errors.DataError(
            '%s has %d bytes, which is not a multiple of the %d bytes of a '
            'record: it is cut off, or not of the data set %s; replace it with '
            'an intact copy'
            % (path, status.st_size, record_bytes, dataset.name)
        )
      while chunk := f.read(_CHUNK_RECORDS * record_bytes):
        checksum = zlib.crc32(chunk, checksum)
        # But for the end of a file that is being cut off.
        length = len(chunk) // record_bytes * record_bytes
        whole = np.frombuffer(chunk, np.uint8)[:length]
        whole = whole.reshape(-1, record_bytes)
        labels = whole[:, dataset.label_index]
        bad = np.flatnonzero(labels >= dataset.num_classes)
        if bad.size:
          raise errors.DataError(
              '%s: record %d (counted from 0) has label %d, the highest is %d: '
              'the file is damaged or of another data set'
              % (
                  path,
                  records + bad[0],
                  labels[bad[0]],
                  dataset.num_classes - 1,
              )
          )
        all_zero = all_zero and not whole.any()
        records += len(whole)
  except OSError as e:
    raise errors.DataError(
        'cannot read %s (%s): %s'
        % (
            path,
            e.strerror,
            '--data_dir must name the directory above %s'
            % os.path.basename(os.path.dirname(path))
            if isinstance(e, FileNotFoundError)
            else files.remedy(e),
        )
    ) from e
  if all_zero:
    raise errors.DataError(
        '%s has %d bytes that are all zero: replace it with an intact copy'
        % (path, status.st_size)
    )
  return _Content(records, status, checksum)
