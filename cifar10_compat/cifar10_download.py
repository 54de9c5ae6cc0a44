"""Gets an image set's files; nothing else in the package uses the network."""

import hashlib
import os
import shutil
import tarfile
import tempfile

import requests
import rich.progress

from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import progress

# The host may stall, but not for ever: seconds to connect, and between reads.
_TIMEOUT_SECS = (10, 60)
_CHUNK_BYTES = 1 << 16


def maybe_download_and_extract(data_dir, dataset=datasets.CIFAR10, stop=None):
  """Downloads or makes a set, unless its directory is in data_dir.

  A source that lies in data_dir already is used if its size and SHA-256 are
  right, and replaced if not.  Files get their names only when they are whole.

  Args:
    data_dir: str, made if need be.
    dataset: datasets.Dataset.
    stop: signals.StopRequest, ends a download.

  Raises:
    DataError: a source cannot be had, or is not the file that it should be; or
      the download was stopped.
    UsageError: data_dir cannot be written.
  """
  directory = os.path.join(data_dir, dataset.directory)
  if os.path.isdir(directory):
    return  # datasets.check() tells what is missing in it.
  try:
    os.makedirs(data_dir, exist_ok=True)
    paths = []
    for source in dataset.sources:
      paths.append(os.path.join(data_dir, os.path.basename(source.url)))
      if not _is_whole(paths[-1], source):
        try:
          _download(paths[-1], source, stop)
        except requests.RequestException as e:
          raise errors.DataError(
              'cannot download %s (%s): name a --data_dir that has %s, put the '
              'file into %s by hand, or train on --dataset=synthetic' %
              (source.url, _reason(e), dataset.directory, data_dir)) from e
    if dataset.make:
      print('Writing the %s images into %s.' % (dataset.name, directory),
            flush=True)
    (dataset.make or _extract)(directory, *paths)
  except OSError as e:
    raise errors.UsageError('cannot write to data_dir %s (%s): choose another '
                            'with --data_dir' % (data_dir, e.strerror)) from e


def _reason(error):
  """Returns the innermost cause of a requests error, in a few words."""
  while error.__cause__ or error.__context__:
    error = error.__cause__ or error.__context__
  return str(error) or type(error).__name__


def _is_whole(path, source):
  """Whether the file at `path` is the RemoteFile."""
  if not os.path.exists(path) or os.path.getsize(path) != source.size:
    return False
  digest = hashlib.sha256()
  with open(path, 'rb') as f:
    for chunk in iter(lambda: f.read(_CHUNK_BYTES), b''):
      digest.update(chunk)
  return digest.hexdigest() == source.sha256


def _download(path, source, stop):
  """Downloads a RemoteFile to `path`, which appears only when it is whole."""
  handle, temporary = tempfile.mkstemp(
      dir=os.path.dirname(path), prefix=os.path.basename(path) + '.')
  try:
    with os.fdopen(handle, 'wb') as f, requests.get(
        source.url, stream=True, timeout=_TIMEOUT_SECS) as response:
      response.raise_for_status()
      with progress.bar(rich.progress.DownloadColumn(),
                        rich.progress.TransferSpeedColumn()) as bar:
        task = bar.add_task('Downloading ' + os.path.basename(path),
                            total=source.size)
        for chunk in response.iter_content(_CHUNK_BYTES):
          if stop and stop.requested:
            raise errors.DataError('stopped downloading %s' % source.url)
          f.write(chunk)
          bar.advance(task, len(chunk))
    if not _is_whole(temporary, source):
      raise errors.DataError(
          '%s gave %d bytes that are not the %d bytes expected (SHA-256 %s): '
          'try again' % (source.url, os.path.getsize(temporary), source.size,
                         source.sha256))
    os.replace(temporary, path)
  finally:
    if os.path.exists(temporary):
      os.remove(temporary)


def _extract(directory, path):
  """Unpacks what an archive has of `directory`, which appears when whole."""
  temporary = tempfile.mkdtemp(dir=os.path.dirname(path), prefix='extract.')
  try:
    with tarfile.open(path, 'r:gz') as tar:
      # Plain files of that directory only: no links, no way out of it.
      name = os.path.basename(directory)
      members = [m for m in tar.getmembers()
                 if m.isreg() and os.path.dirname(m.name) == name]
      for member in members:
        target = os.path.join(temporary, os.path.basename(member.name))
        with tar.extractfile(member) as source, open(target, 'wb') as f:
          shutil.copyfileobj(source, f)
    os.chmod(temporary, 0o755)
    os.rename(temporary, directory)
  except (tarfile.TarError, EOFError) as e:
    raise errors.DataError('%s cannot be unpacked (%s): remove it' %
                           (path, e)) from e
  finally:
    shutil.rmtree(temporary, ignore_errors=True)
