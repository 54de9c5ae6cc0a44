"""Downloads a file of known size and SHA-256 from unreliable hosts.

Downloaded bytes are kept in PATH.part, so that only the rest is downloaded
after an interruption or in the next run.  The complete file is renamed to PATH.
"""

from collections.abc import Callable, Sequence
import hashlib
import os
import re
import time

import requests
import rich.progress
import urllib3

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.base import progress
from cifar10_compat.base import signals

# Timeouts in seconds: for connecting to a host, and between two reads.
TIMEOUT_SECS = (10, 60)
# Consecutive failures after which the next host is tried.  Receiving a chunk,
# or a hundredth of a small file, counts as success.
MAX_FUTILE_TRIES = 6
_MAX_WAIT_SECS = 30
_CHUNK_BYTES = 1 << 16

# 4xx status codes that may change on a retry.
_PASSING = (408, 425, 429)


class _Useless(errors.DataError):
  """A failure that would recur if this URL were retried."""


def is_whole(path: str, size: int, sha256: str) -> bool:
  """Returns whether a file exists and has this size and SHA-256."""
  if not os.path.isfile(path) or os.path.getsize(path) != size:
    return False
  digest = hashlib.sha256()
  with open(path, 'rb') as f:
    while chunk := f.read(_CHUNK_BYTES):
      digest.update(chunk)
  return digest.hexdigest() == sha256


def fetch(
    urls: Sequence[str],
    path: str,
    *,
    size: int,
    sha256: str,
    stop: signals.StopRequest,
    first_wait_secs: float = 1.0,
    timeout_secs: tuple[float, float] = TIMEOUT_SECS,
) -> None:
  """Downloads to `path` from the first URL that serves the file.

  Only one process at a time may call this function; see download.py.

  Args:
    urls: the URLs to try, in this order.  After an interruption, the rest of
      the file is requested after a pause, which doubles up to 30 seconds.
    path: the destination, which is replaced when the file is complete.
    size: the file's size in bytes.
    sha256: the file's SHA-256, hexadecimal.
    stop: request that ends the download.
    first_wait_secs: seconds of the first pause.
    timeout_secs: seconds allowed for connecting, and between two reads.

  Raises:
    DataError: no URL serves the file (the message lists the reasons), or the
      download was stopped.  Downloaded bytes are kept.
    OSError: the file cannot be written.
  """
  part = path + '.part'
  files.open_own(part).close()  # Raises OSError for a pipe or a link.
  reasons = []
  with progress.bar(
      rich.progress.DownloadColumn(), rich.progress.TransferSpeedColumn()
  ) as bar:
    task = bar.add_task('Downloading ' + os.path.basename(path), total=size)

    def advance(completed: int) -> None:
      bar.update(task, completed=completed)
      errors.DataError.raise_if(
          stop.requested,
          f'stopped downloading {path} at {completed} of {size} bytes, which '
          'are kept: the same command resumes the download',
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
        reasons.append(_shown(f'{url} ({e})'))
      else:
        os.replace(part, path)
        return
  raise errors.DataError(
      f"cannot download {', nor '.join(reasons)}: try again later to resume; "
      'choose a mirror with --data_url; copy the file to '
      f'{os.path.dirname(path)} yourself; or train on --dataset=synthetic'
  )


def _fetch_from(
    url: str,
    part: str,
    *,
    size: int,
    sha256: str,
    advance: Callable[[int], None],
    stop: signals.StopRequest,
    wait_secs: float,
    timeout_secs: tuple[float, float],
) -> None:
  """Completes a .part file from one URL; raises _Useless if that fails."""
  # A .part file from an earlier run or another host may belong to another file.
  is_ours = _size(part) == 0
  futile, pause = 0, wait_secs
  while True:
    before = _size(part)
    reason = 'the response ended'
    try:
      if before < size:
        _continue(
            url, part, size=size, advance=advance, timeout_secs=timeout_secs
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError) as e:
      reason = _innermost(e)
      # ValueError: the URL is invalid.
      _Useless.raise_if(
          isinstance(e, (ValueError, requests.TooManyRedirects)), reason
      )
    done = _size(part)
    if done >= size:
      if is_whole(part, size, sha256):
        return
      os.remove(part)
      _Useless.raise_if(
          is_ours, f'the {done} bytes do not have the SHA-256 {sha256}'
      )
      is_ours = True
      continue
    if done - before >= min(_CHUNK_BYTES, 1 + size // 100):
      futile, pause = 0, wait_secs
    else:
      futile += 1
    reason += f', after {done} of {size} bytes'
    _Useless.raise_if(futile == MAX_FUTILE_TRIES, reason)
    print(
        _shown(
            f'{url}: {output.printable(reason)}; trying again in {pause:g} '
            'seconds.'
        ),
        flush=True,
    )
    stop.sleep(pause)
    advance(done)
    pause = min(2 * pause, _MAX_WAIT_SECS)


def _continue(
    url: str,
    part: str,
    *,
    size: int,
    advance: Callable[[int], None],
    timeout_secs: tuple[float, float],
) -> None:
  """Appends the bytes of one response to a .part file, or restarts the file.

  Raises:
    _Useless, requests.RequestException, urllib3.exceptions.HTTPError: the
    download failed.
  """
  done = _size(part)
  # Request the file unchanged: otherwise a server could unpack a .tar.gz file.
  headers = {'Accept-Encoding': 'identity'}
  if done:
    headers['Range'] = f'bytes={done}-'
  try:
    response = requests.get(
        url, headers=headers, stream=True, timeout=timeout_secs
    )
  except requests.RequestException:
    raise
  # REQUESTS_CA_BUNDLE names a missing file, or a redirect has an invalid URL.
  except (OSError, ValueError) as e:
    raise _Useless(str(e)) from e
  with response:
    status = response.status_code
    _Useless.raise_if(
        status == 416,
        f"the server's file has at most {done} bytes, not {size}",
    )
    _Useless.raise_if(
        400 <= status < 500 and status not in _PASSING,
        f'{status} {response.reason}',
    )
    response.raise_for_status()
    if status == 206:
      span, _, total = response.headers.get('Content-Range', '').partition('/')
      _Useless.raise_if(
          not span.startswith(f'bytes {done}-'),
          f'bytes from {done} on were requested, but the server sent {span!r}',
      )
    else:
      done = 0  # The server does not support ranges: start over.
      total = response.headers.get('Content-Length', '')
    _Useless.raise_if(
        total.isdigit() and int(total) != size,
        f'the file has {total} bytes, not {size}',
    )
    with files.open_own(part) as f:
      f.truncate(done)
      f.seek(done)
      began = done
      deadline = time.monotonic() + timeout_secs[1]
      while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        _Useless.raise_if(
            done + len(chunk) > size,
            f'the server sent more than {size} bytes',
        )
        f.write(chunk)
        done += len(chunk)
        advance(done)
        if done - began >= _CHUNK_BYTES:
          began, deadline = done, time.monotonic() + timeout_secs[1]
        elif time.monotonic() > deadline:
          raise requests.ReadTimeout(
              f'the server sent {done - began} bytes in {timeout_secs[1]:g} '
              'seconds'
          )


def _shown(text: str) -> str:
  """Removes user names and passwords from the URLs in a text."""
  return re.sub(r'//[^/\s]*@', '//', text)


def _size(path: str) -> int:
  """Returns a file's size in bytes, 0 if it is missing."""
  return os.path.getsize(path) if os.path.exists(path) else 0


def _innermost(error: BaseException) -> str:
  """Returns the innermost cause of an error as a short text."""
  while cause := error.__cause__ or error.__context__:
    error = cause
  return str(error) or type(error).__name__
