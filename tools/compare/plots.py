"""Plots for report.html, as SVG that takes its colors from the page.

Each is small enough to be read on a telephone; the page puts several side by
side where there is room.  In all of them theirs is broad and pale, and ours
narrow and dark on top of it, so that both show where they agree.
"""

import io
import re
import zlib

import numpy as np

# Names of the page's colors, under colors that nothing else here has.
_VARIABLES = {
    '#010101': 'text',
    '#020202': 'line',
    '#030303': 'theirs',
    '#040404': 'ours',
}
_TEXT, _LINE, _THEIRS, _OURS = _VARIABLES
_STYLE = {
    'font.size': 9,
    'svg.fonttype': 'none',
    'svg.hashsalt': 'cifar10_compat',
    'text.color': _TEXT,
    'axes.labelcolor': _TEXT,
    'xtick.color': _LINE,
    'ytick.color': _LINE,
    'xtick.labelcolor': _TEXT,
    'ytick.labelcolor': _TEXT,
    'axes.edgecolor': _LINE,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'grid.color': _LINE,
    'grid.linewidth': 0.5,
    'axes.formatter.limits': (-4, 5),
    'axes.formatter.useoffset': False,
}
_INCHES = (4, 2.6)


def bars(theirs, ours, x_label):
  """Draws how often values were counted.

  Args:
    theirs, ours: dict from value, anything that can be sorted, to a number.
    x_label: str.

  Returns:
    str, SVG.
  """

  def draw(axes):
    values = sorted(set(theirs) | set(ours))
    for counts, shift, color in ((theirs, -0.2, _THEIRS), (ours, 0.2, _OURS)):
      axes.bar(
          np.arange(len(values)) + shift,
          [counts.get(value, 0) for value in values],
          0.4,
          color=color,
      )
    axes.set_xticks(range(len(values)), values)
    axes.grid(axis='x', visible=False)

  return _svg(draw, x_label, 'images')


def histogram(theirs, ours, *, x_label, bins=30):
  """Draws the distributions of two samples, which share the bins.

  Args:
    theirs, ours: float arrays.
    x_label: str.
    bins: int.

  Returns:
    str, SVG.
  """

  def draw(axes):
    edges = np.histogram_bin_edges(np.concatenate([theirs, ours]), bins)
    axes.stairs(
        np.histogram(theirs, edges)[0],
        edges,
        color=_THEIRS,
        fill=True,
        alpha=0.6,
    )
    axes.stairs(np.histogram(ours, edges)[0], edges, color=_OURS, linewidth=1.5)

  return _svg(draw, x_label, 'images')


def curves(theirs, ours):
  """Draws values over steps.

  Args:
    theirs, ours: sequence of (step, value); one of them may be empty.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for points, color, width, alpha in (
        (theirs, _THEIRS, 6, 0.6),
        (ours, _OURS, 1.5, 1),
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
    axes.set_ylim(*_limits([value for _, value in [*theirs, *ours]]))

  return _svg(draw, 'step', '')


def _limits(values):
  """Returns a range that shows what differs, but no rounding error large."""
  low, high = min(values), max(values)
  margin = max(0.08 * (high - low), 1e-3 * max(abs(low), abs(high), 1))
  return low - margin, high + margin


def dots(rows, x_label):
  """Draws one value a row.

  Args:
    rows: sequence of (label, value, deviation, whether it is theirs); a
      deviation of 0 has no bar.
    x_label: str.

  Returns:
    str, SVG.
  """

  def draw(axes):
    for y, (_, value, deviation, is_theirs) in enumerate(rows):
      axes.errorbar(
          [value],
          [y],
          xerr=[deviation] if deviation else None,
          fmt='o',
          color=_THEIRS if is_theirs else _OURS,
          capsize=3,
      )
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)

  return _svg(draw, x_label, '')


def _svg(draw, x_label, y_label):
  """Returns what a function draws on axes, as SVG for a page's body."""
  # Of the extra `compare`, which not everyone has who imports this module.
  import matplotlib
  from matplotlib import figure

  with matplotlib.rc_context(_STYLE):
    fig = figure.Figure(_INCHES, layout='constrained')
    axes = fig.add_subplot()
    draw(axes)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    text = io.StringIO()
    fig.savefig(
        text,
        format='svg',
        transparent=True,
        metadata={'Date': None, 'Creator': None, 'Format': None, 'Type': None},
    )
  svg = text.getvalue()
  svg = svg[svg.index('<svg') :].strip()
  svg = re.sub(
      r' (xmlns(:\w+)?|version|width|height)="[^"]*"', '', svg, count=5
  )
  # The style would hold for the whole page.
  svg = re.sub(r'<style.*?</style>', '', svg, flags=re.DOTALL)
  for color, name in _VARIABLES.items():
    svg = svg.replace(color, 'var(--%s)' % name)
  # The page's own font, in the plot's sizes.
  svg = re.sub(r' font-family: [^;"]*;', '', svg)
  return _own_ids(svg.replace('xlink:href', 'href'))


def _own_ids(svg):
  """Drops ids that nothing refers to; the others must differ on a page."""
  used = set(re.findall(r'(?:href="|url\()#(\w+)', svg))
  prefix = 'p%08x' % zlib.crc32(svg.encode())
  svg = re.sub(
      r' id="([^"]*)"',
      lambda m: ' id="%s%s"' % (prefix, m.group(1))
      if m.group(1) in used
      else '',
      svg,
  )
  return re.sub(r'((?:href="|url\()#)', r'\g<1>' + prefix, svg)
