"""Gets an image set's files; nothing else in the package uses the network."""

import contextlib
import fcntl
import gzip
import io
import os
import re
import shutil
import tarfile
import zlib

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import signals
from cifar10_compat.data import datasets
from cifar10_compat.data import fetch

# In data_dir, and left there: who holds it is the one who writes.
_LOCK = '.download.lock'

# All that may come out of an archive, in bytes: CIFAR-10 has 184 MB.
_MAX_UNPACKED = 512 << 20

# Names of files that an archive may have: any system can write them.
_FILE_NAME = re.compile(r'[\w-][\w.-]{0,99}', re.ASCII)


def maybe_download_and_extract(
    data_dir, *, dataset=datasets.CIFAR10, mirrors=(), stop=None
):
  """Downloads or makes a set, unless its directory is in data_dir.

  A source that lies in data_dir already is used if its size and SHA-256 are
  right, and replaced if not.  Files and directories get their names when they
  are whole; of several processes one does the work, and the others wait.

  Args:
    data_dir: str, made if need be.
    dataset: description.Dataset.
    stop: signals.StopRequest, ends the download, or the waiting.
    mirrors: list of str, URLs of directories that have the sources' files; they
      are asked before the set's own host.

  Raises:
    DataError: a source cannot be had, or is not the file that it should be; or
      the download was stopped.
    UsageError: data_dir cannot be written.
  """
  stop = stop or signals.StopRequest()
  directory = os.path.join(data_dir, dataset.directory)
  if os.path.isdir(directory):
    return  # checks.check() tells what is missing in it.
  try:
    os.makedirs(data_dir, exist_ok=True)
    with _lock(os.path.join(data_dir, _LOCK), stop):
      if os.path.isdir(directory):
        return
      paths = []
      for source in dataset.sources:
        name = os.path.basename(source.url)
        paths.append(os.path.join(data_dir, name))
        if not fetch.is_whole(paths[-1], source.size, source.sha256):
          fetch.fetch(
              [mirror.rstrip('/') + '/' + name for mirror in mirrors]
              + [source.url],
              paths[-1],
              size=source.size,
              sha256=source.sha256,
              stop=stop,
          )
      if dataset.make:
        print(
            'Writing the %s images into %s.' % (dataset.name, directory),
            flush=True,
        )
      (dataset.make or extract)(directory, *paths)
  except OSError as e:
    raise errors.UsageError(
        'cannot write to data_dir %s (%s): choose another with --data_dir'
        % (
            data_dir,
            '%s: %s' % (e.filename, e.strerror) if e.filename else e.strerror,
        )
    ) from e


@contextlib.contextmanager
def _lock(path, stop):
  """Context that one process at a time is in; it ends with the process, too."""
  with open(path, 'a', opener=_without_waiting) as f:
    told = False
    while True:
      try:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
      except BlockingIOError as e:
        if not told:
          print(
              'Waiting for another process, which fills %s.'
              % os.path.dirname(path),
              flush=True,
          )
          told = True
        if stop.wait(0.2):
          raise errors.DataError(
              'stopped waiting for another process, which fills %s'
              % os.path.dirname(path)
          ) from e
    yield  # Closing the file lets the next one in.


class _BoundedGzip(gzip.GzipFile):
  """Raises DataError where more than _MAX_UNPACKED bytes would come out."""

  def read(self, size=-1):
    left = _MAX_UNPACKED - self.tell()
    data = super().read(left + 1 if size < 0 else min(size, left + 1))
    if len(data) > left:
      raise self._too_large()
    return data

  def seek(self, offset, whence=io.SEEK_SET):
    if whence == io.SEEK_SET and offset > _MAX_UNPACKED:
      raise self._too_large()
    return super().seek(offset, whence)

  def _too_large(self):
    return errors.DataError(
        '%s unpacks to more than %d MB, and is none of the sets: remove it'
        % (self.name, _MAX_UNPACKED >> 20)
    )


def _without_waiting(path, flags):
  """Opens a file as open() does, but no pipe that nobody reads."""
  return os.open(path, flags | os.O_NONBLOCK, 0o666)


def extract(directory, archive):
  """Unpacks an archive's files of one directory.

  Args:
    directory: str, appears when it is whole; the last part of its name is what
      the archive calls it.
    archive: str, the path of a .tar.gz file.

  Raises:
    DataError: it is not an archive, is cut off or damaged, lacks the directory,
      or has a link, a device, or a name that leads out of it; or it becomes
      larger than any set.
    OSError: the directory cannot be written.
  """
  name = os.path.basename(directory)
  found = False
  try:
    with (
        files.whole_directory(directory) as scratch,
        _BoundedGzip(archive) as unpacked,
        tarfile.open(fileobj=unpacked, mode='r:') as tar,
    ):
      for member in tar:
        parts = member.name.split('/')
        if '..' in parts or not parts[0]:
          raise errors.DataError(
              '%s has %r, which leads out of it: remove it'
              % (archive, member.name)
          )
        if not member.isreg() and not member.isdir():
          raise errors.DataError(
              '%s has %r, a link or a device: remove it'
              % (archive, member.name)
          )
        if member.isreg() and parts[:-1] == [name]:
          if not _FILE_NAME.fullmatch(parts[-1]):
            raise errors.DataError(
                '%s has %r, no usual name of a file: remove '
                'it' % (archive, member.name)
            )
          found = True
          with tar.extractfile(member) as source:
            with open(os.path.join(scratch, parts[-1]), 'wb') as f:
              shutil.copyfileobj(source, f)
      while unpacked.read(1 << 16):
        pass  # To the end, where the checksum of it all is.
      if not found:
        raise errors.DataError(
            '%s has no files of %s: remove it' % (archive, name)
        )
  except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as e:
    raise errors.DataError(
        '%s cannot be unpacked (%s): remove it' % (archive, e)
    ) from e
