"""Downloads an image set; nothing else in the package uses the network."""

from collections.abc import Iterator, Sequence
import contextlib
import fcntl
import gzip
import os
import re
import shutil
import tarfile
import zlib

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.base import paths as paths_lib
from cifar10_compat.base import signals
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import fetch

# Lock file in data_dir, never deleted.  Only the process that holds the lock
# writes.
_LOCK = '.download.lock'

# Maps a set's directory to the directory of the set's Python version, whose
# files are pickles.
_FOR_PYTHON = {
    datasets.CIFAR10.directory: 'cifar-10-batches-py',
    datasets.CIFAR100.directory: 'cifar-100-python',
}

# Maximum size of an unpacked archive in bytes; CIFAR-10 takes up 184 MB.
_MAX_UNPACKED = 512 << 20

# Pattern for the file names in an archive: every file system can store them.
_FILE_NAME = re.compile(r'[\w-][\w.-]{0,99}', re.ASCII)


def maybe_download_and_extract(
    data_dir: str,
    *,
    dataset: description.Dataset = datasets.CIFAR10,
    mirrors: Sequence[str] = (),
    stop: signals.StopRequest = signals.NEVER,
) -> None:
  """Downloads or generates a set, unless its directory is in data_dir.

  A source file already in data_dir is used if its size and SHA-256 are correct,
  and otherwise replaced.  Files and directories are renamed into place when
  complete.  If several processes call this function, one downloads, and the
  others wait.

  Args:
    data_dir: created if missing.
    dataset: the set to download or generate.
    mirrors: URLs of directories that contain the source files, tried before the
      set's own host.
    stop: request that ends the download or the wait for another process.

  Raises:
    DataError: a source is unavailable or differs from the expected file, or the
      download was stopped.
    UsageError: data_dir cannot be written, or contains another version of the
      set.
  """
  directory = os.path.join(data_dir, dataset.directory)
  if os.path.isdir(directory):
    return  # checks.check() reports missing files.
  paths_lib.check_link(directory)
  errors.UsageError.raise_if(
      any(
          os.path.exists(os.path.join(data_dir, name))
          for name in dataset.train_files
      ),
      f'{data_dir} itself contains the files of {dataset.name}: rename it to '
      f'{dataset.directory}, and set --data_dir to the directory above it',
  )
  paths = [
      os.path.join(data_dir, os.path.basename(source.url))
      for source in dataset.sources
  ]
  for_python = _FOR_PYTHON.get(dataset.directory, '')
  errors.UsageError.raise_if(
      for_python
      and os.path.isdir(os.path.join(data_dir, for_python))
      and not any(map(os.path.exists, paths)),
      f'{data_dir} contains {for_python}, the version for Python, but the '
      'programs read the binary version: put '
      f'{"".join(map(os.path.basename, paths))} there, or choose another '
      '--data_dir to download it',
  )
  try:
    os.makedirs(data_dir, exist_ok=True)
    files.check_owner(data_dir)
    with _lock(os.path.join(data_dir, _LOCK), stop):
      if os.path.isdir(directory):
        return
      for source, path in zip(dataset.sources, paths):
        if not fetch.is_whole(path, source.size, source.sha256):
          fetch.fetch(
              [
                  f"{mirror.rstrip('/')}/{os.path.basename(path)}"
                  for mirror in mirrors
              ]
              + [source.url],
              path,
              size=source.size,
              sha256=source.sha256,
              stop=stop,
          )
      if dataset.make:
        output.say(f'Writing the {dataset.name} images to {directory}.')
      (dataset.make or extract)(directory, *paths)
  except OSError as e:
    if output.is_lost(e):
      raise
    reason = f'{e.filename}: {e.strerror}' if e.filename else e.strerror
    raise errors.UsageError(
        f'cannot write to data_dir {data_dir} ({reason}): choose another with '
        '--data_dir'
    ) from e


@contextlib.contextmanager
def _lock(path: str, stop: signals.StopRequest) -> Iterator[None]:
  """Context that one process enters at a time."""
  with files.open_own(path) as f:
    other = f'another process, which is filling {os.path.dirname(path)}'
    if not _take(f.fileno()):
      output.say(f'Waiting for {other}.')
    while not _take(f.fileno()):
      errors.DataError.raise_if(stop.sleep(0.2), f'stopped waiting for {other}')
    yield  # Closing the file releases the lock.


def _take(fd: int) -> bool:
  """Tries to lock a file; returns whether the lock was acquired."""
  try:
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  return True


class _BoundedGzip(gzip.GzipFile):
  """A GzipFile that raises DataError after _MAX_UNPACKED unpacked bytes."""

  def read(self, size: int | None = -1) -> bytes:
    # tarfile reads the archive as a stream, so this is only one block.
    data = super().read(size)
    errors.DataError.raise_if(
        self.tell() > _MAX_UNPACKED,
        f'{self.name} unpacks to more than {_MAX_UNPACKED >> 20} MB, more than '
        'any of the sets: remove it',
    )
    return data


def extract(directory: str, archive: str) -> None:
  """Unpacks one directory of an archive.

  Args:
    directory: the path to create, which appears when complete.  The last
      component is the name of the directory in the archive.
    archive: the path of a .tar.gz file.

  Raises:
    DataError: the file is not an archive, is truncated or damaged, or is larger
      than any set; or the archive does not contain the directory, or contains a
      link, a device, or a name that leads out of the directory.
    OSError: the directory cannot be written.
  """
  name = os.path.basename(directory)
  try:
    with (
        files.whole_directory(directory) as scratch,
        _BoundedGzip(archive) as unpacked,
        # Read no further than the current member, so that an error in this
        # member is reported before errors in later members.
        tarfile.open(
            fileobj=unpacked, mode='r|', bufsize=tarfile.BLOCKSIZE
        ) as tar,
    ):
      for member in tar:
        parts = member.name.split('/')
        wanted = member.isreg() and parts[:-1] == [name]
        for wrong, what in (
            ('..' in parts or not parts[0], 'which leads out of the archive'),
            (not member.isreg() and not member.isdir(), 'a link or a device'),
            (
                wanted and not _FILE_NAME.fullmatch(parts[-1]),
                'which is not a valid file name',
            ),
        ):
          errors.DataError.raise_if(
              wrong, f'{archive} contains {member.name!r}, {what}: remove it'
          )
        if wanted:
          # extractfile() does not return None, since the member is a regular
          # file.
          with (
              tar.extractfile(member) as source,  # type: ignore[union-attr]
              open(os.path.join(scratch, parts[-1]), 'wb') as f,
          ):
            shutil.copyfileobj(source, f)
      while unpacked.read(1 << 16):
        pass  # Read to the end, to verify the checksum of the archive.
      errors.DataError.raise_if(
          not os.listdir(scratch),
          f'{archive} contains no files of {name}: remove it',
      )
  except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as e:
    raise errors.DataError(
        f'{archive} cannot be unpacked ({e}): remove it'
    ) from e
