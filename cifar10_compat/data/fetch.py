"""Downloads a file of known size and SHA-256 from hosts that may fail.

What has come stays in PATH.part, so that after a cut, or in the next run, only
the rest is asked for.  The file gets its name when it is whole.
"""

import hashlib
import os

import requests
import rich.progress
import urllib3

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import progress

# A host may stall, but not for ever: seconds to connect, and between reads.
TIMEOUT_SECS = (10, 60)
# How often in a row a host may fail before it has sent a single byte.
MAX_FUTILE_TRIES = 6
_MAX_WAIT_SECS = 30
_CHUNK_BYTES = 1 << 16

# Answers that another try may change, though they are 4xx.
_PASSING = (408, 425, 429)


class _Useless(Exception):
  """Another try at this URL would end as this one did."""


def is_whole(path, size, sha256):
  """Whether a file exists and has this size and this SHA-256."""
  if not os.path.isfile(path) or os.path.getsize(path) != size:
    return False
  with open(path, 'rb') as f:
    digest = hashlib.sha256()
    for chunk in iter(lambda: f.read(_CHUNK_BYTES), b''):
      digest.update(chunk)
  return digest.hexdigest() == sha256


def fetch(
    urls,
    path,
    *,
    size,
    sha256,
    stop,
    first_wait_secs=1.0,
    timeout_secs=TIMEOUT_SECS,
):
  """Downloads to `path`, from the first URL that serves the file.

  One process at a time may do so; see download.py.

  Args:
    urls: list of str, tried in this order; one that was cut off is asked for
      the rest, after a pause that doubles up to 30 seconds.
    path: str, replaced when the file is complete.
    size: int, bytes.
    sha256: str, hexadecimal.
    stop: signals.StopRequest, ends the download.
    first_wait_secs: number, the first pause.
    timeout_secs: (number, number), to connect, and between two reads.

  Raises:
    DataError: no URL serves the file, and why; or the download was stopped.
      What has arrived is kept.
    OSError: the file cannot be written.
  """
  part = path + '.part'
  if os.path.lexists(part):
    files.check_regular(part)  # To write into a pipe would wait for ever.
  reasons = []
  with progress.bar(
      rich.progress.DownloadColumn(), rich.progress.TransferSpeedColumn()
  ) as bar:
    task = bar.add_task('Downloading ' + os.path.basename(path), total=size)

    def advance(completed):
      bar.update(task, completed=completed)
      if stop.requested:
        raise errors.DataError(
            'stopped downloading %s at %d of %d bytes, which are kept: the '
            'same command goes on from there' % (path, completed, size)
        )

    for url in urls:
      try:
        _fetch_from(
            url,
            part,
            size=size,
            sha256=sha256,
            advance=advance,
            stop=stop,
            wait_secs=first_wait_secs,
            timeout_secs=timeout_secs,
        )
      except _Useless as e:
        reasons.append('%s (%s)' % (url, e))
      else:
        os.replace(part, path)
        return
  raise _cannot_download(path, reasons)


def _cannot_download(path, reasons):
  """Returns the DataError that tells why each URL failed, and what to do."""
  return errors.DataError(
      'cannot download %s: try again later, which goes on from where it '
      'stopped; name a mirror with --data_url; put the file into %s by hand; '
      'or train on --dataset=synthetic'
      % (', nor '.join(reasons), os.path.dirname(path))
  )


def _fetch_from(
    url, part, *, size, sha256, advance, stop, wait_secs, timeout_secs
):
  """Completes a part from one URL; raises _Useless if it cannot."""
  # What an earlier run or another host left may be of another file.
  is_ours = _size(part) == 0
  futile = 0
  pause = wait_secs
  while True:
    before = _size(part)
    reason = 'it ended'
    try:
      if before < size:
        _continue(
            url, part, size=size, advance=advance, timeout_secs=timeout_secs
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError) as e:
      reason = _innermost(e)
      # ValueError: it is not a URL.
      if isinstance(e, (ValueError, requests.TooManyRedirects)):
        raise _Useless(reason) from e
    done = _size(part)
    if done >= size:
      if is_whole(part, size, sha256):
        return
      os.remove(part)
      if is_ours:
        raise _Useless(
            'its %d bytes do not have the SHA-256 %s' % (done, sha256)
        )
      is_ours = True
      continue
    if done > before:
      futile, pause = 0, wait_secs
    else:
      futile += 1
    reason += ', after %d of %d bytes' % (done, size)
    if futile == MAX_FUTILE_TRIES:
      raise _Useless(reason)
    print(
        '%s: %s; trying again in %g seconds.' % (url, reason, pause), flush=True
    )
    stop.wait(pause)
    advance(done)
    pause = min(2 * pause, _MAX_WAIT_SECS)


def _continue(url, part, *, size, advance, timeout_secs):
  """Appends what one answer gives to a part, or starts the part again.

  Raises:
    _Useless, requests.RequestException, urllib3.exceptions.HTTPError.
  """
  done = _size(part)
  # As it is: a .tar.gz is not to be unpacked on the way.
  headers = {'Accept-Encoding': 'identity'}
  if done:
    headers['Range'] = 'bytes=%d-' % done
  with requests.get(
      url, headers=headers, stream=True, timeout=timeout_secs
  ) as response:
    status = response.status_code
    if status == 416:
      raise _Useless('it has no byte %d' % done)
    if 400 <= status < 500 and status not in _PASSING:
      raise _Useless('%d %s' % (status, response.reason))
    response.raise_for_status()
    if status == 206:
      span, _, total = response.headers.get('Content-Range', '').partition('/')
      if not span.startswith('bytes %d-' % done):
        raise _Useless('asked for byte %d and on, it sent %r' % (done, span))
    else:
      done = 0  # It knows no ranges: from the beginning, once more.
      total = response.headers.get('Content-Length', '')
    if total.isdigit() and int(total) != size:
      raise _Useless('its file has %s bytes, not %d' % (total, size))
    with open(part, 'ab') as f:
      f.truncate(done)
      for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        if done + len(chunk) > size:
          raise _Useless('it sends more than %d bytes' % size)
        f.write(chunk)
        done += len(chunk)
        advance(done)


def _size(path):
  """Returns a file's size, 0 if there is none."""
  return os.path.getsize(path) if os.path.exists(path) else 0


def _innermost(error):
  """Returns the innermost cause of an error, in a few words."""
  while error.__cause__ or error.__context__:
    error = error.__cause__ or error.__context__
  return str(error) or type(error).__name__
