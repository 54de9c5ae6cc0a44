"""Charts for the pages, as SVG that takes its colors from the page.

Each is small enough to be read on a telephone; a page puts several side by side
where there is room.
"""

import io
import re
import zlib

# Names of the page's colors, under colors that nothing else here has.
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
  """Returns what a function draws, as SVG for a page's body, a str.

  Args:
    draw: function of matplotlib's axes.  Its colors are TEXT, LINE, PALE and DARK,
      so that the page's own light and dark are the chart's.
    x_label, y_label: str.
  """
  # Of an extra, which not everyone has who imports this module.
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
  drawn = text.getvalue()
  drawn = drawn[drawn.index('<svg') :].strip()
  drawn = re.sub(
      r' (xmlns(:\w+)?|version|width|height)="[^"]*"', '', drawn, count=5
  )
  # The style would hold for the whole page.
  drawn = re.sub(r'<style.*?</style>', '', drawn, flags=re.DOTALL)
  for color, name in _VARIABLES.items():
    drawn = drawn.replace(color, 'var(--%s)' % name)
  # The page's own font, in the plot's sizes.
  drawn = re.sub(r' font-family: [^;"]*;', '', drawn)
  return _own_ids(drawn.replace('xlink:href', 'href'))


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
