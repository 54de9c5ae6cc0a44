"""Draws the charts on the page of a run."""

from ..base import drawing

# Styles of a wide, pale line, and of a narrow, dark line on top.
_PALE = {'color': drawing.PALE, 'linewidth': 2.5, 'alpha': 0.6}
_DARK = {'color': drawing.DARK, 'linewidth': 1.5}


def _count_steps(axes):
  axes.locator_params(axis='x', nbins=5)
  axes.xaxis.set_major_formatter('{x:,.0f}')


def curves(pale, dark, y_label=''):
  """Plots values against steps.

  Args:
    pale, dark: lists of (step, value), with `pale` drawn behind `dark`; one of
      the two can be empty.
    y_label: str.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for points, style in ((pale, _PALE), (dark, _DARK)):
      if points:
        marker = 'o' if len(points) < 2 else None
        axes.plot(*zip(*points), marker=marker, **style)
    _count_steps(axes)

  return drawing.svg(draw, 'step', y_label)


def speed(points, marked):
  """Plots examples per second against steps.

  Args:
    points: list of (step, examples per second).
    marked: list of the points to mark.

  Returns:
    str, SVG.
  """

  def draw(axes):
    axes.plot(*zip(*points), color=drawing.DARK, linewidth=0.7)
    if marked:
      axes.plot(
          *zip(*marked),
          color=drawing.PALE,
          linestyle='',
          marker='o',
          markersize=3,
      )
    axes.set_ylim(bottom=0)
    _count_steps(axes)

  return drawing.svg(draw, 'step', 'examples per second')


def reliability(bins):
  """Plots the fraction of correct answers against the answers' probability.

  Args:
    bins: sequence of predictions.Bin.

  Returns:
    str, SVG.
  """

  def draw(axes):
    axes.plot([0, 1], [0, 1], color=drawing.PALE, linewidth=4, alpha=0.6)
    axes.plot(
        [b.probability for b in bins],
        [b.precision for b in bins],
        color=drawing.DARK,
        marker='o',
        markersize=4,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)

  return drawing.svg(draw, 'probability of the answer', 'fraction correct')
