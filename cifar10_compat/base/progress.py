"""Progress bars for long operations."""

import rich.console
import rich.progress


def bar(
    *columns: rich.progress.ProgressColumn, transient: bool = False
) -> rich.progress.Progress:
  """Returns a progress display on stderr, drawn only if stderr is a terminal.

  Args:
    *columns: the columns between the bar and the time left.
    transient: whether to erase the bar at the end.
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
