"""The picture in docs/results.md: precision against steps, and against time.

Absolute times are not the same on two days of one machine.  What is, is how many
steps of ours fit into one of the unmodified tutorial, when both run in turn:
docs/speed.md.  So time is counted in the tutorial's steps.
"""

import hashlib
import json
import statistics
from typing import NamedTuple, Tuple

from ..base import plots
from ..speed import targets
from . import learned
from . import results

_TITLES = {
    results.TUTORIAL: 'v0.7.0, unmodified',
    'fast': 'cifar10_compat --fast, mean ± deviation of %d runs',
    results.PUBLISHED: 'cifar10_compat --fast',
}
_COLORS = {
    results.TUTORIAL: '#999999',
    'fast': '#cc6677',
    results.PUBLISHED: '#4477aa',
}
_WEIGHTS = ('averaged', 'raw')
_RATIO = '--fast end to end / unmodified tutorial, float32, examples/s'
_SIZE_INCHES = (8, 8)
# Before that a curve is below the picture.
_LEAST_PRECISION = 0.65


class Content(NamedTuple):
  """What is drawn.

  Attributes:
    curves: tuple of (experiment, weights, points); points is a tuple of (step,
      mean, standard deviation, number of runs).
    ratio: float, how many steps of --fast take as long as one of the unmodified
      tutorial.
    processor: str, where that was measured.
  """

  curves: Tuple
  ratio: float
  processor: str


def content(runs, speed):
  """Collects what is to be drawn.

  Args:
    runs: see results.curve().
    speed: speed.results.Results.

  Returns:
    Content.
  """
  curves = []
  for name in _TITLES:
    for weights in _WEIGHTS:
      steps = {
          p['step'] for run in runs.get(name, ()) for p in run['precision']
      }
      points = []
      for step in sorted(steps):
        values = learned.precisions(runs[name], step, weights)
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        points.append(
            (
                step,
                round(statistics.mean(values), 4),
                round(deviation, 4),
                len(values),
            )
        )
      if points:
        curves.append((name, weights, tuple(points)))
  (line,) = [l for l in targets.lines(speed) if l.name == _RATIO]
  return Content(
      tuple(curves),
      round(line.summary.median, 3),
      speed.manifest['processor']['name'],
  )


def digest(drawn):
  """Returns what the picture of a Content has in it, a str.

  The same Content gives another file under another version of matplotlib.
  """
  text = json.dumps(drawn, separators=(',', ':'))
  return 'sha256 of what is drawn: %s' % (
      hashlib.sha256(text.encode()).hexdigest()
  )


def draw(drawn, path):
  """Draws a Content.

  Args:
    drawn: Content.
    path: str, ends with .svg.

  Raises:
    UsageError: matplotlib is missing, or the file cannot be written.
  """
  plots.check(path)
  # Only who draws needs it.
  import matplotlib
  from matplotlib import figure

  with matplotlib.rc_context(plots.STYLE):
    drawing = figure.Figure(_SIZE_INCHES, layout='constrained')
    against_steps, against_time = drawing.subplots(2)
    _chart(against_steps, drawn, 1.0)
    against_steps.set_title('against steps', loc='left', fontsize=10)
    against_steps.set_xlabel('steps')
    _chart(against_time, drawn, drawn.ratio)
    against_time.set_title('against time', loc='left', fontsize=10)
    against_time.set_xlabel(
        'time, in steps of the unmodified tutorial; %s, %.2f steps of --fast '
        'in one' % (drawn.processor, drawn.ratio)
    )
    plots.save(drawing, path, digest(drawn))


def _chart(axes, drawn, ratio):
  for name, weights, points in drawn.curves:
    steps, means, deviations, numbers = zip(*points)
    title = _TITLES[name]
    if '%d' in title:
      title %= max(numbers)
    shown = [
        step / (1.0 if name == results.TUTORIAL else ratio) for step in steps
    ]
    style = {
        'color': _COLORS[name],
        'label': '%s, %s' % (title, weights),
        'linestyle': '-' if weights == 'averaged' else ':',
        'linewidth': 1.5,
    }
    if any(deviations):
      # At so few steps that a line between them would be invented.
      style.update(linestyle='', marker='o' if weights == 'averaged' else 's')
      axes.errorbar(shown, means, deviations, capsize=3, markersize=3, **style)
    else:
      axes.plot(shown, means, **style)
  axes.set_ylim(bottom=_LEAST_PRECISION)
  axes.set_xlim(left=0)
  axes.set_ylabel('precision')
  axes.xaxis.set_major_formatter('{x:,.0f}')
  axes.grid(color='#dddddd', linewidth=0.5)
  axes.spines[['top', 'right']].set_visible(False)
  axes.legend(fontsize=8, loc='lower right')
