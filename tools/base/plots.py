"""Code that the plots of the tools share."""

import contextlib
import os

from cifar10_compat.base import errors

from . import command_line

_SUFFIXES = ('.png', '.svg')
# A fixed salt makes the files reproducible.
STYLE = {'svg.fonttype': 'none', 'svg.hashsalt': 'cifar10_compat'}


def check(path):
  """Checks, before a measurement, that a plot can be written to a file.

  Raises:
    UsageError: the file extension is unsupported, or matplotlib is missing.
  """
  if os.path.splitext(path)[1] not in _SUFFIXES:
    raise errors.UsageError(
        '--plot=%s: the file name must end with %s'
        % (path, ' or '.join(_SUFFIXES))
    )
  try:
    _matplotlib()
  except ImportError as e:
    raise errors.UsageError(
        '--plot needs matplotlib, which is not installed: run '
        "pip install 'cifar10_compat[benchmark]'"
    ) from e


def _matplotlib():
  """Imports matplotlib with default settings.

  A user's settings could require missing software, such as LaTeX or the backend
  that a notebook sets.
  """
  os.environ['MPLBACKEND'] = 'agg'
  import matplotlib  # matplotlib is optional: only extras install it.
  import matplotlib.figure

  matplotlib.rcdefaults()
  return matplotlib


@contextlib.contextmanager
def figure(inches, style=STYLE):
  """Context that yields a matplotlib figure.

  Args:
    inches: (width, height) of the figure.
    style: dict of matplotlib settings that apply while the figure is drawn and
      saved.
  """
  matplotlib = _matplotlib()
  with matplotlib.rc_context(style):
    yield matplotlib.figure.Figure(inches, layout='constrained')


def save(drawing, path, description=None):
  """Writes a drawing to a file.

  Args:
    drawing: matplotlib.figure.Figure.
    path: str, the file to write; its name ends with .png or .svg.
    description: str or None, the description in the metadata of an .svg file.

  Raises:
    UsageError: the file cannot be written.
  """
  with command_line.writing(path, '--plot'):
    drawing.savefig(
        path,
        metadata={'Date': None, 'Description': description}
        if path.endswith('.svg')
        else None,
    )
