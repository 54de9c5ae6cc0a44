"""Files and directories that appear whole or not at all."""

import contextlib
import errno
import os
import tempfile


def write(path, chunks):
  """Writes a file, and waits until it is on the disk.

  Args:
    path: str.
    chunks: iterable of bytes.

  Raises:
    OSError: the file cannot be written; what there is of it stays.
  """
  with open(path, 'wb') as f:
    for chunk in chunks:
      f.write(chunk)
    f.flush()
    os.fsync(f.fileno())


@contextlib.contextmanager
def whole_directory(directory, exist_ok=False):
  """Context that fills a directory, which gets its name at the last moment.

  When the context is left by an exception, nothing remains.

  Args:
    directory: str, need not exist; directories above it are made.
    exist_ok: bool, leave a directory of that name that has something in it as
      it is: another process has made the same one meanwhile.

  Yields:
    str, the path of an empty directory to write files into.

  Raises:
    OSError: the directory cannot be made, or has something in it already.
  """
  parent, name = os.path.split(os.path.abspath(directory))
  os.makedirs(parent, exist_ok=True)
  # Next to `directory`, as a directory cannot be renamed across file systems.
  with tempfile.TemporaryDirectory(prefix=name + '.tmp', dir=parent) as scratch:
    # One deeper, since `scratch` itself is closed to other users.
    whole = os.path.join(scratch, name)
    os.mkdir(whole)
    yield whole
    try:
      os.rename(whole, os.path.join(parent, name))
    except OSError as e:
      if not exist_ok or e.errno not in (errno.EEXIST, errno.ENOTEMPTY):
        raise
