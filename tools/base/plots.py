"""Shared by the tools' plots."""

import os

from cifar10_compat.base import errors

from . import command_line

_SUFFIXES = ('.png', '.svg')
# For reproducible files.
STYLE = {'svg.fonttype': 'none', 'svg.hashsalt': 'cifar10_compat'}


def check(path):
  """Checks before a measurement that a plot can be drawn into a file.

  Raises:
    UsageError: the file has another extension, or matplotlib is missing.
  """
  if os.path.splitext(path)[1] not in _SUFFIXES:
    raise errors.UsageError(
        '--plot=%s: it must end with %s' % (path, ' or '.join(_SUFFIXES))
    )
  try:
    import matplotlib  # noqa: F401
  except ImportError as e:
    raise errors.UsageError(
        '--plot needs matplotlib, which is not installed: run '
        "pip install 'cifar10_compat[benchmark]'"
    ) from e


def save(drawing, path, description=None):
  """Writes a drawing.

  Args:
    drawing: matplotlib.figure.Figure.
    path: str, ends with .png or .svg.
    description: str or None, the description in the metadata of an .svg.

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
