"""Progress bars for what takes long."""

import rich.console
import rich.progress


def bar(*columns, transient=False):
  """Returns a rich.progress.Progress on stderr, drawn on a terminal only.

  Args:
    *columns: rich.progress columns between the bar and the time left.
    transient: bool, whether the bar is erased at the end.
  """
  console = rich.console.Console(stderr=True)
  return rich.progress.Progress(
      rich.progress.TextColumn('{task.description}'),
      rich.progress.BarColumn(),
      *columns,
      rich.progress.TimeRemainingColumn(),
      console=console,
      disable=not console.is_terminal,
      transient=transient,
  )
