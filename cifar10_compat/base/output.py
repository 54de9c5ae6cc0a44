"""Sees to it that what a program prints arrives, or that it says why not."""

from collections.abc import Callable, Iterator
import contextlib
import io
import signal
import sys
from typing import cast
import unicodedata

# Control and format characters, surrogates, separators of lines and paragraphs.
_UNPRINTABLE = ('Cc', 'Cf', 'Cs', 'Zl', 'Zp')


def printable(text: str) -> str:
  """Returns a text of somebody else for a line of a terminal or a table.

  What could end the line or move the cursor becomes an escape, and so does a byte
  of a file's name that is no text: \\t, \\x1b, \\xff.
  """
  return ''.join(
      _escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c
      for c in text
  )


def _escaped(character: str) -> str:
  # Python has a byte that is no text as a surrogate.
  if '\udc80' <= character <= '\udcff':
    return f'\\x{ord(character) - 0xDC00:02x}'
  return character.encode('unicode_escape').decode()


@contextlib.contextmanager
def arrives(
    program: str, stopped_by: Callable[[], int | None] = lambda: None
) -> Iterator[None]:
  """Context of a whole program, at whose end all it printed has been written.

  Where the reader of a pipe has gone, as `head` does, it ends the program with
  the code of one that died of SIGPIPE, and without a word, as shells expect.
  Where the output cannot be written for another reason, it prints one line on
  stderr and ends with exit code 1.  A program that was told to stop ends with the
  code of that signal all the same: `| tee` dies of the same Ctrl-C.

  Args:
    program: the program's name, for that line.
    stopped_by: returns the signal that told the program to stop, or None.

  Raises:
    SystemExit: see above.
  """
  stdout = cast(io.TextIOWrapper, sys.stdout)  # But for a test's.
  raw = _watch(stdout)
  if raw is None:
    yield
    return
  error: BaseException | None = None
  try:
    yield
  except BaseException as e:  # SystemExit, too.
    error = e
  with contextlib.suppress(OSError):  # Of which raw.failure tells.
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
        'make room where it goes',
        file=sys.stderr,
    )
    sys.exit(128 + signum if signum else 1)


class _Raw(io.FileIO):
  """Remembers the first error, which looks like that of any other file."""

  failure: OSError | None = None
  # What is left in a buffer then has nowhere to go: Python 3.13 would say so.
  over = False

  # Before Python 3.12 buffers of all kinds have no common name.
  def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
    if self.over:
      return len(data)
    try:
      return super().write(data)
    except OSError as e:
      self.failure = self.failure or e
      raise


def _watch(stdout: io.TextIOWrapper) -> _Raw | None:
  """Puts a stream like `stdout` into its place.

  Args:
    stdout: what sys.stdout is.

  Returns:
    What the stream writes to, or None if `stdout` is no file.
  """
  try:
    number = stdout.fileno()
  except (AttributeError, OSError):  # A test's, or closed by who started us.
    return None
  stdout.flush()
  raw = _Raw(number, 'w', closefd=False)
  sys.stdout = io.TextIOWrapper(
      raw if stdout.write_through else io.BufferedWriter(raw),
      encoding=stdout.encoding,
      # A character that the encoding does not have is no reason to fail.
      errors='backslashreplace',
      line_buffering=stdout.line_buffering,
      write_through=stdout.write_through,
  )
  return raw
