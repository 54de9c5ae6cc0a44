"""Files that are files, and directories that appear whole or not at all."""

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

# What may pass, or is in the way of this process alone.
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
# The end of TensorFlow's messages about them.
PASSING_MESSAGES = tuple(map(os.strerror, _PASSING))

# What the mode of a thing that is no file says it is.
_KINDS = {
    stat.S_IFDIR: 'a directory',
    stat.S_IFIFO: 'a pipe',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
}


def open_regular(path: str) -> io.BufferedReader:
  """Opens a file for reading, and nothing else that has a name.

  To open a pipe would wait until somebody writes into it, and a device need not
  have an end.

  Returns:
    A binary file.

  Raises:
    OSError: it cannot be opened, or is a directory, a pipe, a device or a
      socket; strerror says which.
  """
  # Without waiting; which changes nothing in the reading of a file.
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
  """Opens a file of a known name for reading and writing, made if need be.

  A link of that name, put there by somebody else, could lead to another file.

  Raises:
    OSError: it cannot be opened, is a link, or is no file; strerror says which.
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
      raise OSError(errno.EMLINK, 'it has another name', path)
    return os.fdopen(fd, 'r+b')
  except BaseException:
    os.close(fd)
    raise


def check_owner(path: str) -> None:
  """Checks that nobody else has put a directory where we would make our own.

  Args:
    path: exists.

  Raises:
    OSError: it is in a directory that is open to all, as /tmp, and another user's.
  """
  above = os.stat(os.path.dirname(os.path.abspath(path)))
  owner = os.stat(path).st_uid
  if above.st_mode & stat.S_ISVTX and owner not in (os.geteuid(), 0):
    raise OSError(errno.EPERM, f'it is of another user, {owner}', path)


def check_regular(path: str) -> None:
  """Raises OSError, as open_regular() does, unless it is a file to read."""
  open_regular(path).close()


def identity(path: str) -> tuple[int, int] | None:
  """Returns what tells a file or directory from another of its name.

  It is None if there is none.
  """
  with contextlib.suppress(OSError):
    status = os.stat(path)
    return status.st_dev, status.st_ino
  return None


def is_passing(error: OSError) -> bool:
  """Whether a file that cannot be read may be in order."""
  return error.errno in _PASSING


def remedy(error: OSError) -> str:
  """Returns what a user can do who has no file to read.

  Args:
    error: what check_regular() or open_regular() raised.
  """
  if isinstance(error, PermissionError):
    return 'let its owner give you the right to read it'
  return 'replace it with an intact copy'


def write(path: str, chunks: Iterable[bytes]) -> None:
  """Writes a file, and waits until it is on the disk.

  Raises:
    OSError: the file cannot be written; what there is of it stays.
  """
  with open(path, 'wb') as f:
    f.writelines(chunks)
    f.flush()
    os.fsync(f.fileno())


@contextlib.contextmanager
def locked_directory(directory: str) -> Iterator[None]:
  """Context that holds the lock of a directory, which is no link.

  Raises:
    BlockingIOError: another process, or another context, holds it.
    OSError: there are no locks there.
  """
  fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
  try:
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield
  finally:
    os.close(fd)


def _remove_abandoned(parent: str, prefix: str) -> None:
  """Removes what whole_directory() left where its process was killed."""
  for name in os.listdir(parent):
    # The rest is what tempfile draws.
    if re.fullmatch(re.escape(prefix) + r'\w{8}', name):
      path = os.path.join(parent, name)
      # It is held by a process that fills it, or is another user's.
      with contextlib.suppress(OSError), locked_directory(path):
        shutil.rmtree(path)


@contextlib.contextmanager
def whole_directory(directory: str, exist_ok: bool = False) -> Iterator[str]:
  """Context that fills a directory, which gets its name at the last moment.

  When the context is left by an exception, nothing remains.

  Args:
    directory: need not exist; directories above it are made.
    exist_ok: leave a directory of that name that has something in it as
      it is: another process has made the same one meanwhile.

  Yields:
    The path of an empty directory to write files into.

  Raises:
    OSError: the directory cannot be made, or has something in it already.
  """
  parent, name = os.path.split(os.path.abspath(directory))
  os.makedirs(parent, exist_ok=True)
  prefix = name + '.tmp'
  _remove_abandoned(parent, prefix)
  # Next to `directory`, as a directory cannot be renamed across file systems.
  with (
      tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as scratch,
      locked_directory(scratch),
  ):
    # One deeper, since `scratch` itself is closed to other users.
    whole = os.path.join(scratch, name)
    os.mkdir(whole)
    yield whole
    try:
      os.rename(whole, os.path.join(parent, name))
    except OSError as e:
      if not exist_ok or e.errno not in (errno.EEXIST, errno.ENOTEMPTY):
        raise
