"""Opens only regular files; creates directories completely or not at all."""

from collections.abc import Iterable, Iterator
import contextlib
import errno
import fcntl
import io
import os
import re
import shutil
import stat
import tempfile
from typing import BinaryIO
import uuid

# Errors that may be temporary, or that affect only this process.
_PASSING = (
    errno.EACCES,
    errno.EAGAIN,
    errno.EINTR,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EPERM,
    errno.ESTALE,
    errno.ETIMEDOUT,
)
# TensorFlow's messages about temporary errors end with these strings.
PASSING_MESSAGES = tuple(map(os.strerror, _PASSING))

# Marks a directory that whole_directory() created.
_MARKER = '.incomplete_cifar10_compat'

# Names of file types other than regular files, by the type bits of st_mode.
_KINDS = {
    stat.S_IFDIR: 'a directory',
    stat.S_IFIFO: 'a pipe',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
}


def open_regular(path: str) -> io.BufferedReader:
  """Opens a regular file for reading, and rejects everything else.

  Opening a pipe would block until another process writes to it, and reading a
  device may never end.

  Returns:
    The file, opened in binary mode.

  Raises:
    OSError: the path cannot be opened, or is a directory, a pipe, a device or a
      socket; strerror contains the reason.
  """
  # O_NONBLOCK: do not wait for a pipe's writer.  The flag does not affect
  # regular files.
  fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
  try:
    _check_file(fd, path)
    return os.fdopen(fd, 'rb')
  except BaseException:
    os.close(fd)
    raise


def _check_file(fd: int, path: str) -> None:
  mode = os.fstat(fd).st_mode
  if not stat.S_ISREG(mode):
    kind = _KINDS.get(stat.S_IFMT(mode), 'something else')
    raise OSError(errno.EINVAL, f'it is {kind}, not a file', path)


def open_own(path: str) -> BinaryIO:
  """Opens a file for reading and writing; creates it if missing.

  Rejects links, because another user could have created a link to a different
  file.

  Raises:
    OSError: the path cannot be opened, is a link, or is not a regular file;
      strerror contains the reason.
  """
  flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
  try:
    fd = os.open(path, flags, 0o666)
  except OSError as e:
    if e.errno == errno.ELOOP:
      raise OSError(errno.ELOOP, 'it is a link, not a file', path) from e
    raise
  try:
    _check_file(fd, path)
    if os.fstat(fd).st_nlink > 1:
      raise OSError(errno.EMLINK, 'it has another hard link', path)
    return os.fdopen(fd, 'r+b')
  except BaseException:
    os.close(fd)
    raise


def check_owner(path: str) -> None:
  """Checks that another user did not place a directory or link at a path.

  Args:
    path: an existing path.

  Raises:
    OSError: the path is in a world-writable directory, such as /tmp, and
      belongs to another user, or links to another user's directory.
  """
  path = os.path.abspath(path)
  owners = {os.lstat(path).st_uid, os.stat(path).st_uid}
  others = owners - {os.geteuid(), 0}
  above = os.stat(os.path.dirname(path))
  if above.st_mode & stat.S_ISVTX and others:
    raise OSError(
        errno.EPERM, f'it belongs to another user, {others.pop()}', path
    )


def check_regular(path: str) -> None:
  """Raises OSError, as open_regular() does, unless path is a readable file."""
  open_regular(path).close()


def identity(path: str) -> tuple[int, int] | None:
  """Returns the device and inode numbers, which change if a file is replaced.

  Returns None if the path cannot be examined, for example if it does not exist.
  """
  with contextlib.suppress(OSError):
    status = os.stat(path)
    return status.st_dev, status.st_ino
  return None


def is_passing(error: OSError) -> bool:
  """Returns whether an unreadable file may be intact."""
  return error.errno in _PASSING


def remedy(error: OSError) -> str:
  """Returns a remedy for an unreadable file, to suggest to the user.

  Args:
    error: an error from check_regular() or open_regular().
  """
  if isinstance(error, PermissionError):
    return 'ask its owner for read permission'
  return 'replace it with an intact copy'


def write(path: str, chunks: Iterable[bytes]) -> None:
  """Writes a file and flushes it to the disk.

  Raises:
    OSError: the file cannot be written; an incomplete file may remain.
  """
  with open(path, 'wb') as f:
    f.writelines(chunks)
    f.flush()
    os.fsync(f.fileno())


def replace(path: str, content: bytes) -> None:
  """Writes a file under a temporary name, then renames it.

  A link at the path is replaced, not followed, and the file is never
  incomplete.

  Raises:
    OSError: the file cannot be written; an existing file is unchanged.
  """
  is_of_system = os.path.islink(path) and os.path.dirname(path) == '/dev'
  if os.path.lexists(path) and (not os.path.isfile(path) or is_of_system):
    raise OSError(errno.EINVAL, 'it is not a regular file', path)
  temporary = f'{path}.tmp{uuid.uuid4().hex}'
  try:
    write(temporary, [content])
    os.replace(temporary, path)
  except OSError:
    with contextlib.suppress(OSError):
      os.remove(temporary)
    raise


@contextlib.contextmanager
def locked_directory(directory: str) -> Iterator[None]:
  """Context that locks a directory, which must not be a link.

  Raises:
    BlockingIOError: another process or context has locked the directory.
    OSError: the file system does not support locks.
  """
  fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
  try:
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield
  finally:
    os.close(fd)


@contextlib.contextmanager
def made_directory(path: str) -> Iterator[None]:
  """Context that creates a directory and its missing parents.

  On exit, the context removes the created directories that are still empty, so
  that a program that rejects its settings leaves nothing behind.

  Raises:
    OSError: the directory cannot be created.
  """
  missing = []
  above = os.path.abspath(path)
  while not os.path.lexists(above):
    missing.append(above)
    above = os.path.dirname(above)
  try:
    os.makedirs(path, exist_ok=True)
    yield
  finally:
    for directory in missing:
      with contextlib.suppress(OSError):
        os.rmdir(directory)


def _remove_abandoned(parent: str, prefix: str) -> None:
  """Removes incomplete directories that killed processes left behind."""
  for name in os.listdir(parent):
    # tempfile chooses the 8 random characters.  A user's directory whose name
    # happens to match contains no marker.
    path = os.path.join(parent, name)
    if re.fullmatch(re.escape(prefix) + r'[a-z0-9_]{8}', name) and (
        os.path.lexists(os.path.join(path, _MARKER))
    ):
      # If locking fails, another process is filling the directory, or the
      # directory belongs to another user.
      with contextlib.suppress(OSError), locked_directory(path):
        shutil.rmtree(path)


def is_free(directory: str) -> bool:
  """Returns whether a directory is missing or contains only abandoned files."""
  if not os.path.isdir(directory):
    return not os.path.lexists(directory)
  _remove_abandoned(directory, _prefix(directory))
  return not os.listdir(directory)


def _prefix(directory: str) -> str:
  return os.path.basename(os.path.abspath(directory)) + '.tmp'


@contextlib.contextmanager
def whole_directory(directory: str, exist_ok: bool = False) -> Iterator[str]:
  """Context that creates a directory, which appears only when complete.

  If an exception ends the context, everything written is removed.

  Args:
    directory: missing or empty; missing parents are created.  An existing
      directory keeps its owner and permissions; it may be a link or a mount
      point.
    exist_ok: whether to keep an existing non-empty directory, which another
      process has created in the meantime.

  Yields:
    The path of an empty directory to write files to.

  Raises:
    OSError: the directory cannot be created, or is not empty.
  """
  directory = os.path.abspath(directory)
  parent, name = os.path.split(directory)
  exists = os.path.isdir(directory)
  with contextlib.ExitStack() as stack:
    stack.enter_context(made_directory(parent))
    # Create the scratch directory on the target's file system: a rename cannot
    # move files between file systems.
    place = directory if exists else parent
    _remove_abandoned(place, _prefix(directory))
    scratch = stack.enter_context(
        tempfile.TemporaryDirectory(prefix=_prefix(directory), dir=place)
    )
    stack.enter_context(locked_directory(scratch))
    write(os.path.join(scratch, _MARKER), ())
    # Use a subdirectory, since other users have no access to `scratch` itself.
    whole = os.path.join(scratch, name)
    os.mkdir(whole)
    yield whole
    try:
      if exists and os.listdir(directory) == [os.path.basename(scratch)]:
        # Move files last, so that a SavedModel's file appears after its
        # directories.
        for entry in sorted(os.scandir(whole), key=os.DirEntry.is_file):
          os.rename(entry.path, os.path.join(directory, entry.name))
      else:
        os.rename(whole, directory)
    except OSError as e:
      if not exist_ok or e.errno not in (errno.EEXIST, errno.ENOTEMPTY):
        raise


def remove(directory: str, patterns: Iterable[str]) -> None:
  """Removes the files in a directory whose names match one of the patterns."""
  for name in os.listdir(directory) if os.path.isdir(directory) else ():
    file = os.path.join(directory, name)
    # Keep directories: the programs never create one with a matching name.
    if any(re.fullmatch(pattern, name) for pattern in patterns) and (
        os.path.islink(file) or not os.path.isdir(file)
    ):
      os.remove(file)
