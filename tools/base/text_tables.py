"""Formats tables for a terminal or a file."""

from collections.abc import Iterable, Sequence
import io

import rich.console
import rich.table


def text(
    rows: Iterable[Sequence[object]],
    *,
    heads: Sequence[str] = (),
    title: str = '',
    numbers: bool = False,
) -> str:
  """Returns a table as lines of text with aligned columns.

  Args:
    rows: rows of equal length; cells are converted to str.
    heads: the column heads.
    title: the line above the table.
    numbers: whether to right-align all columns except the first.
  """
  table = rich.table.Table(
      box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(heads)
  )
  rows = [[str(cell) for cell in row] for row in rows]
  for n in range(len(heads or rows[0])):
    table.add_column(
        heads[n] if heads else '',
        justify='right' if numbers and n else 'left',
        no_wrap=True,
    )
  for row in rows:
    table.add_row(*row)
  printed = io.StringIO()
  # Wide enough for any table: if the output is not a terminal, rich wraps lines
  # at 80 columns.
  console = rich.console.Console(
      file=printed, width=10_000, highlight=False, markup=False, emoji=False
  )
  console.print(table)
  lines = [line.rstrip() for line in printed.getvalue().splitlines()]
  return '\n'.join([title] * bool(title) + lines)
