"""Draws charts for the pages, as SVG in the colors of the page.

Each chart is readable on a phone; wide pages show several charts side by side.
"""

import io
import re
import zlib

from . import plots

# From a placeholder color to the name of a page color.
_VARIABLES = {
    '#010101': 'text',
    '#020202': 'line',
    '#030303': 'theirs',
    '#040404': 'ours',
}
TEXT, LINE, PALE, DARK = _VARIABLES
_STYLE = {
    'font.size': 9,
    'svg.fonttype': 'none',
    'svg.hashsalt': 'cifar10_compat',
    'text.color': TEXT,
    'axes.labelcolor': TEXT,
    'xtick.color': LINE,
    'ytick.color': LINE,
    'xtick.labelcolor': TEXT,
    'ytick.labelcolor': TEXT,
    'axes.edgecolor': LINE,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'grid.color': LINE,
    'grid.linewidth': 0.5,
    'axes.formatter.limits': (-4, 5),
    'axes.formatter.useoffset': False,
}
_INCHES = (4, 2.6)


def svg(draw, x_label, y_label):
  """Returns what a function draws, as an SVG str for the body of a page.

  Args:
    draw: function that draws on matplotlib axes.  The function must use the
      colors TEXT, LINE, PALE and DARK, so that the chart follows the page's
      light or dark scheme.
    x_label, y_label: str.
  """
  with plots.figure(_INCHES, _STYLE) as fig:
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
  drawn = text.getvalue()
  drawn = drawn[drawn.index('<svg') :].strip()
  drawn = re.sub(
      r' (xmlns(:\w+)?|version|width|height)="[^"]*"', '', drawn, count=5
  )
  # Remove the style, which would apply to the entire page.
  drawn = re.sub(r'<style.*?</style>', '', drawn, flags=re.DOTALL)
  for color, name in _VARIABLES.items():
    drawn = drawn.replace(color, 'var(--%s)' % name)
  # Use the page's font family, but the font sizes of the plot.
  drawn = re.sub(r' font-family: [^;"]*;', '', drawn)
  return _own_ids(drawn.replace('xlink:href', 'href'))


def _own_ids(svg):
  """Removes unused ids, and makes the remaining ids unique on a page."""
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
