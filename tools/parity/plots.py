"""Draws the plots of report.html, as SVG in the colors of the page.

Each plot is readable on a phone; wide pages show several plots side by side.
The original's line is wide and pale, and the port's line on top is narrow and
dark, so that both are visible where they agree.
"""

import numpy as np

from ..base import drawing

# The page's colors.
_ORIGINAL, _PORT = drawing.PALE, drawing.DARK


def bars(original, port, x_label):
  """Draws a bar chart of the counts of values.

  Args:
    original, port: dict from sortable values to counts.
    x_label: str.

  Returns:
    str, SVG.
  """

  def draw(axes):
    values = sorted(set(original) | set(port))
    for counts, shift, color in (
        (original, -0.2, _ORIGINAL),
        (port, 0.2, _PORT),
    ):
      axes.bar(
          np.arange(len(values)) + shift,
          [counts.get(value, 0) for value in values],
          0.4,
          color=color,
      )
    axes.set_xticks(range(len(values)), values)
    axes.grid(axis='x', visible=False)

  return drawing.svg(draw, x_label, 'images')


def histogram(original, port, *, x_label, bins=30):
  """Draws the distributions of two samples with common bins.

  Args:
    original, port: float arrays.
    x_label: str.
    bins: int.

  Returns:
    str, SVG.
  """

  def draw(axes):
    edges = np.histogram_bin_edges(np.concatenate([original, port]), bins)
    axes.stairs(
        np.histogram(original, edges)[0],
        edges,
        color=_ORIGINAL,
        fill=True,
        alpha=0.6,
    )
    axes.stairs(np.histogram(port, edges)[0], edges, color=_PORT, linewidth=1.5)

  return drawing.svg(draw, x_label, 'images')


def curves(original, port):
  """Plots values against steps.

  Args:
    original, port: sequence of (step, value); one of the two can be empty.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for points, color, width, alpha in (
        (original, _ORIGINAL, 6, 0.6),
        (port, _PORT, 1.5, 1),
    ):
      if points:
        axes.plot(
            *zip(*points),
            color=color,
            linewidth=width,
            alpha=alpha,
            marker='o' if len(points) < 50 else None,
            markersize=width + 2,
        )
    axes.set_ylim(*_limits([value for _, value in [*original, *port]]))

  return drawing.svg(draw, 'step', '')


def bands(original, port):
  """Plots means against steps, with bands of one standard deviation.

  Args:
    original, port: sequence of (step, mean, standard deviation); one of the two
      can be empty.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for points, color, width in ((original, _ORIGINAL, 4), (port, _PORT, 1.5)):
      if not points:
        continue
      steps, means, deviations = np.transpose(points)
      axes.fill_between(
          steps, means - deviations, means + deviations, color=color, alpha=0.3
      )
      axes.plot(steps, means, color=color, linewidth=width)

  return drawing.svg(draw, 'step', '')


def _limits(values):
  """Returns an axis range that shows differences but hides rounding errors."""
  low, high = min(values), max(values)
  margin = max(0.08 * (high - low), 1e-3 * max(abs(low), abs(high), 1))
  return low - margin, high + margin


def dots(rows, x_label):
  """Draws a dot plot with one value per row.

  Args:
    rows: sequence of (label, value, standard deviation, whether it is the
      original); a standard deviation of 0 gets no bar.
    x_label: str.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for y, (_, value, deviation, is_original) in enumerate(rows):
      axes.errorbar(
          [value],
          [y],
          xerr=[deviation] if deviation else None,
          fmt='o',
          color=_ORIGINAL if is_original else _PORT,
          capsize=3,
      )
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)

  return drawing.svg(draw, x_label, '')
