"""Runs a tool's main() in this process, and checks its errors."""

from collections.abc import Callable
import contextlib
import io
from typing import NamedTuple

from absl.testing import absltest


class Ran(NamedTuple):
  """A tool's exit code and output."""

  code: int
  out: str
  err: str


def run(main: Callable[[list[str]], int], *args: str) -> Ran:
  """Runs a tool with a command line."""
  with (
      contextlib.redirect_stdout(io.StringIO()) as out,
      contextlib.redirect_stderr(io.StringIO()) as err,
  ):
    code = main(list(args))
  return Ran(code, out.getvalue(), err.getvalue())


def assert_refused(
    test: absltest.TestCase,
    main: Callable[[list[str]], int],
    args: list[str],
    *parts: str,
) -> None:
  """Checks that a tool ends with 1 and one line on stderr.

  Args:
    test: provides the assertions.
    main: the tool's.
    args: the tool's command line.
    *parts: strings that the line must contain.
  """
  ran = run(main, *args)
  test.assertEqual((1, ''), (ran.code, ran.out), args)
  test.assertRegex(ran.err, r'\A[a-z_]+: error: .*\n\Z', args)
  for part in parts:
    test.assertIn(part, ran.err, args)
