"""Reports failed writes to stdout, and escapes unprintable characters."""

from collections.abc import Callable, Iterator
import contextlib
import io
import os
import signal
import sys
from typing import cast, TextIO
import unicodedata

# Control and format characters, surrogates, line and paragraph separators.
_UNPRINTABLE = ('Cc', 'Cf', 'Cs', 'Zl', 'Zp')


def printable(text: str) -> str:
  """Makes external text safe to print on a terminal or in a table.

  Escapes characters that could end the line or move the cursor, and undecodable
  bytes in file names, for example as \\t, \\x1b or \\xff.
  """
  return ''.join(
      _escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c
      for c in text
  )


def _escaped(character: str) -> str:
  # Python represents an undecodable byte as a surrogate.
  if '\udc80' <= character <= '\udcff':
    return f'\\x{ord(character) - 0xDC00:02x}'
  return character.encode('unicode_escape').decode()


def say(message: str, file: TextIO | None = None) -> None:
  """Prints one line and flushes it; escapes external text with printable().

  Args:
    message: the line.
    file: the stream; stdout by default.
  """
  print(printable(message), file=file, flush=True)


def is_lost(error: OSError) -> bool:
  """Returns whether an error is a failed write to stdout, within arrives()."""
  buffer = getattr(sys.stdout, 'buffer', None)
  raw = getattr(buffer, 'raw', buffer)
  return isinstance(raw, _Raw) and error is raw.failure


@contextlib.contextmanager
def arrives(
    program: str, stopped_by: Callable[[], int | None] = lambda: None
) -> Iterator[None]:
  """Context for an entire program, which reports failed writes to stdout.

  If the reader of a pipe has exited, as `head` does, the program ends silently
  with the exit code of SIGPIPE, as shells expect.  If a write fails for another
  reason, the program prints one line on stderr and exits with code 1.  After a
  stop signal, the exit code is always that signal's, even if a write fails: the
  same Ctrl-C also ends a `| tee`.

  Args:
    program: the program's name, for the error line.
    stopped_by: function that returns the stop signal received, or None.

  Raises:
    SystemExit: a write to stdout failed.
  """
  # A stream that was closed before the program started is None.
  sys.stdout = sys.stdout or open(os.devnull, 'w')
  sys.stderr = sys.stderr or open(os.devnull, 'w')
  stdout = cast(io.TextIOWrapper, sys.stdout)  # Tests may use another type.
  raw = _watch(stdout)
  if raw is None:
    yield
    return
  error: BaseException | None = None
  try:
    yield
  except BaseException as e:  # BaseException includes SystemExit.
    error = e
  with contextlib.suppress(OSError):  # The error is in raw.failure.
    sys.stdout.flush()
  raw.over = True
  sys.stdout = stdout
  if (
      error
      and error is not raw.failure
      and not (raw.failure and isinstance(error, SystemExit))
  ):
    raise error
  signum = stopped_by()
  if isinstance(raw.failure, BrokenPipeError):
    sys.exit(128 + (signum or signal.SIGPIPE))
  if raw.failure:
    print(
        f'{program}: error: cannot write the output ({raw.failure.strerror}): '
        'free disk space, or redirect it elsewhere',
        file=sys.stderr,
    )
    sys.exit(128 + signum if signum else 1)


class _Raw(io.FileIO):
  """A raw file that records its first failed write."""

  failure: OSError | None = None
  # Drop the rest of the buffer: otherwise Python 3.13 would report an error.
  over = False

  # Before Python 3.12, buffers have no common type.
  def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
    if self.over:
      return len(data)
    try:
      return super().write(data)
    except OSError as e:
      self.failure = self.failure or e
      raise


def _watch(stdout: io.TextIOWrapper) -> _Raw | None:
  """Replaces sys.stdout with a similar stream.

  Args:
    stdout: the value of sys.stdout.

  Returns:
    The raw file of the new stream, or None if `stdout` is not a file.
  """
  try:
    number = stdout.fileno()
  except (AttributeError, OSError):  # A closed stream, or that of a test.
    return None
  stdout.flush()
  raw = _Raw(number, 'w', closefd=False)
  sys.stdout = io.TextIOWrapper(
      raw if stdout.write_through else io.BufferedWriter(raw),
      encoding=stdout.encoding,
      # A character that cannot be encoded must not end the program.
      errors='backslashreplace',
      line_buffering=stdout.line_buffering,
      write_through=stdout.write_through,
  )
  return raw
