"""Plots a results file: a chart for each quantity, with a bar for each row."""

from cifar10_compat.base import errors

from ..base import plots
from . import pairs
from . import tables

_WIDTH_INCHES = 8
_ROW_INCHES = 0.3
_CHART_INCHES = 0.8
_COLORS = {'tutorial': '#999999', 'literal': '#4477aa', 'fast': '#cc6677'}
_OTHER_COLOR = '#bbccee'


def draw(results, path):
  """Plots the medians as bars, with lines from the minimum to the maximum.

  Args:
    results: results.Results.
    path: str, the file to write; its name ends with .png or .svg.

  Raises:
    UsageError: see plots.check(); there are no results; the file cannot be
      written.
  """
  plots.check(path)
  charts = []
  for quantity in tables.QUANTITIES:
    summaries = {
        name: pairs.summary(
            results.values(quantity.measurement, name, quantity.key).values()
        )
        for name in results.contestants(quantity.measurement)
    }
    summaries = {name: s for name, s in summaries.items() if s}
    if summaries:
      charts.append((quantity, summaries))
  if not charts:
    raise errors.UsageError('--plot: there are no results to draw')
  _draw(charts, path)


def _draw(charts, path):
  heights = [
      _CHART_INCHES + _ROW_INCHES * len(summaries) for _, summaries in charts
  ]
  with plots.figure((_WIDTH_INCHES, sum(heights))) as drawing:
    all_axes = drawing.subplots(
        len(charts), squeeze=False, height_ratios=heights
    )
    for axes, (quantity, summaries) in zip(all_axes[:, 0], charts):
      _chart(axes, quantity, summaries)
    plots.save(drawing, path)


def _chart(axes, quantity, summaries):
  names = list(summaries)
  medians = [s.median for s in summaries.values()]
  axes.barh(
      [tables.label(name) for name in names],
      medians,
      xerr=[
          [s.median - s.least for s in summaries.values()],
          [s.most - s.median for s in summaries.values()],
      ],
      color=[_COLORS.get(name, _OTHER_COLOR) for name in names],
      ecolor='#333333',
  )
  axes.invert_yaxis()  # Put the first row at the top.
  axes.set_title(quantity.title, loc='left', fontsize=10)
  axes.spines[['top', 'right']].set_visible(False)
  axes.set_xlim(left=0)
  axes.locator_params(axis='x', nbins=6)
  axes.xaxis.set_major_formatter('{x:,.10g}')
