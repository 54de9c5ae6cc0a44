"""Creates the tables and the picture of runs for the documentation.

A run is the content of a file in docs/data/runs/; a run without a file appears
in no table.  For experiments with several runs, the tables show the mean and
the sample standard deviation.

A difference of means is shown with its 90% confidence interval by Welch's
t-test, which does not assume equal variances.  Two experiments count as
equivalent if the interval is within a given margin (two one-sided tests, each
at 5%).

Absolute times differ from day to day on the same machine.  The number of port
steps per step of the unmodified tutorial is stable if both run in turn: see
docs/benchmark.md.  The picture therefore measures time in steps of the
tutorial.
"""

from collections.abc import Collection, Iterable, Sequence
import hashlib
import json
import statistics
from typing import NamedTuple

from ..base import plots
from ..speed import results as speed_results
from ..speed import targets

# The experiments with the unmodified tutorial's curve, and with the port's
# curve to compare.
TUTORIAL = 'tutorial'
PUBLISHED = 'published'
# The experiment with which all other experiments are compared.
_REFERENCE = 'fast'
# The port's experiments with the tutorial's network.
_OURS = ('default', _REFERENCE, PUBLISHED)
# The evaluated weights: the moving averages, or the variables themselves.
_WEIGHTS = ('averaged', 'raw')
# Number of steps between two rows of a table.
_LONG = 10000
_SHORT = 5000
# The table in the README has few columns, to fit a narrow page.
_SUMMARY = (5000, 10000, 20000, 50000, 80000, 100000)

# The title and color of each experiment in the picture.
_DRAWN = {
    TUTORIAL: ('v0.7.0, unmodified', '#999999'),
    'fast': ('cifar10_compat --fast, mean ± deviation of %d runs', '#cc6677'),
    PUBLISHED: ('cifar10_compat --fast', '#4477aa'),
}
_RATIO = '--fast end to end / unmodified tutorial, float32, examples/s'
_SIZE_INCHES = (8, 8)
# The lower limit of the precision axis in the picture.
_LEAST_PRECISION = 0.65

# Dict from the name of an experiment to its runs.
Runs = dict[str, list[dict]]
# A table: the column heads and the rows of cells.
Table = tuple[list[str], list[list[str]]]


class Difference(NamedTuple):
  """A difference of two means, with its confidence interval."""

  mean: float
  low: float  # lower limit of the 90% interval
  high: float

  def __str__(self) -> str:
    return '%+.4f (%+.4f to %+.4f)' % self


def precisions(
    runs: Iterable[dict], step: int, weights: str = 'averaged'
) -> list[float]:
  """Returns the precision of each run at a step.

  Args:
    runs: runs of one experiment.
    step: the step; runs that were not evaluated at this step are skipped.
    weights: one of _WEIGHTS.
  """
  return [
      p[weights] for run in runs for p in run['precision'] if p['step'] == step
  ]


def difference(ours: Sequence[float], others: Sequence[float]) -> Difference:
  """Compares the means of two samples of at least two values.

  Returns:
    The mean of `ours` minus the mean of `others`.
  """
  # SciPy is optional: only extras install it.
  import scipy.stats

  test = scipy.stats.ttest_ind(ours, others, equal_var=False)
  interval = test.confidence_interval(0.9)
  mean = statistics.mean(ours) - statistics.mean(others)
  return Difference(mean, float(interval.low), float(interval.high))


def images(runs: Iterable[dict]) -> str:
  """Returns a line that describes the image sets of runs."""
  found = sorted({run['images'] for run in runs})
  return 'Images: %s.\n' % '; '.join(found)


def spread(values: Collection[float]) -> str:
  """Returns the mean with the standard deviation, a single value, or ''."""
  if not values:
    return ''
  mean = f'{statistics.mean(values):.4f}'
  return mean if len(values) == 1 else f'{mean} ± {_deviation(values):.4f}'


def _deviation(values):
  return statistics.stdev(values) if len(values) > 1 else 0.0


def learned(runs: Runs) -> Table:
  """Returns a table that compares --fast with the default."""
  rows = []
  for step in (5000, 10000):
    for weights in _WEIGHTS:
      ours, others = [
          precisions(runs.get(name, ()), step, weights)
          for name in (_REFERENCE, 'default')
      ]
      row = [f'{step:,}', weights]
      for found in (others, ours):
        row.append(f'{spread(found)} ({len(found)} runs)' if found else '')
      row.append(str(difference(ours, others)) if ours and others else '')
      rows.append(row)
  heads = ['step', 'weights', 'default', '`--fast`']
  return heads + ['`--fast` minus default, 90% interval'], rows


def curve(runs: Runs) -> Table:
  """Returns a table that compares the long run with the tutorial's run."""
  names = [name for name in (TUTORIAL, PUBLISHED) if runs.get(name)]
  heads = ['steps']
  for name in names:
    title = 'v0.7.0, unmodified' if name == TUTORIAL else 'cifar10_compat'
    heads += [f'{title}, {weights}' for weights in _WEIGHTS]
  if len(names) == 2:
    heads.append('difference, averaged')
  rows = []
  for step in _steps([run for name in names for run in runs[name]], _LONG):
    row = [f'{step:,}']
    averaged = []
    for name in names:
      found = [precisions(runs[name], step, weights) for weights in _WEIGHTS]
      row += map(spread, found)
      averaged += [statistics.mean(found[0])] if found[0] else []
    if len(names) == 2:
      both = len(averaged) == 2
      row.append(f'{averaged[1] - averaged[0]:+.4f}' if both else '')
    rows.append(row)
  return heads, rows


def summary(runs: Runs) -> Table:
  """Returns a table of averaged precisions, with a row per experiment."""
  names = [n for n in (TUTORIAL, *_OURS) if runs.get(n)]
  everyone = [run for name in names for run in runs[name]]
  steps = [s for s in _steps(everyone, _SHORT) if s in _SUMMARY]
  rows = []
  for name in names:
    number = len(runs[name])
    title = runs[name][0]['experiment']
    rows.append(
        [f'{title}; {number} runs' if number > 1 else title]
        + [spread(precisions(runs[name], step)) for step in steps]
    )
  return ['steps'] + [f'{step:,}' for step in steps], rows


def seeds(runs: Runs) -> Table:
  """Returns a table of the precisions and of the gain from averaging.

  The table has a row for each experiment and step, for steps that experiments
  with several runs have reached.
  """
  several = [run for found in runs.values() if len(found) > 1 for run in found]
  rows = []
  for step in _steps(several, _SHORT):
    for name, found in runs.items():
      averaged, raw = [precisions(found, step, weights) for weights in _WEIGHTS]
      if not averaged:
        continue
      reference = precisions(runs.get(_REFERENCE, ()), step)
      compared = ''
      if name != _REFERENCE and min(len(averaged), len(reference)) > 1:
        compared = str(difference(averaged, reference))
      rows.append(
          [
              f'{step:,}',
              found[0]['experiment'],
              str(len(averaged)),
              spread(averaged),
              spread(raw),
              spread([a - r for a, r in zip(averaged, raw)]),
              compared,
          ]
      )
  heads = [
      'steps',
      'experiment',
      'runs',
      'averaged',
      'raw',
      'averaged minus raw',
  ]
  return heads + ['averaged minus that of `--fast`, 90% interval'], rows


def views(runs: Runs) -> Table:
  """Returns a table of the gain from several views of an image, if measured."""
  rows = []
  for found in runs.values():
    # Use the precision of the same runs with one view and with several views.
    pairs = {}
    for run in found:
      for view in run.get('views', ()):
        pairs.setdefault((view['step'], view['views']), []).append(
            (precisions([run], view['step'])[0], view['averaged'])
        )
    for (step, number), values in sorted(pairs.items()):
      one, several = zip(*values)
      rows.append(
          [
              found[0]['experiment'],
              f'{step:,}',
              str(len(values)),
              spread(one),
              str(number),
              spread(several),
          ]
      )
  heads = ['experiment', 'steps', 'runs', 'one view', 'views', 'several views']
  return heads, rows


def _steps(runs, every):
  """Returns the multiples of `every` at which any run was evaluated."""
  steps = {p['step'] for run in runs for p in run['precision']}
  return sorted(step for step in steps if step and step % every == 0)


class Content(NamedTuple):
  """The content of the picture.

  Attributes:
    curves: tuple of (experiment, weights, points); points is a tuple of (step,
      mean, standard deviation, number of runs).
    ratio: float, number of --fast steps in the time of one step of the
      unmodified tutorial.
    processor: str, the processor on which the ratio was measured.
  """

  curves: tuple
  ratio: float
  processor: str


def content(runs: Runs, speed: speed_results.Results) -> Content:
  """Collects the content of the picture."""
  curves = []
  for name in _DRAWN:
    found = runs.get(name, [])
    for weights in _WEIGHTS:
      points = []
      for step in sorted(
          {p['step'] for run in found for p in run['precision']}
      ):
        values = precisions(found, step, weights)
        mean, deviation = statistics.mean(values), _deviation(values)
        points.append((step, round(mean, 4), round(deviation, 4), len(values)))
      if points:
        curves.append((name, weights, tuple(points)))
  (line,) = [l for l in targets.lines(speed) if l.name == _RATIO]
  return Content(
      tuple(curves),
      round(line.summary.median, 3),
      speed.manifest['processor']['name'],
  )


def digest(drawn: Content) -> str:
  """Returns the digest of a Content, for the metadata of its picture.

  Different versions of matplotlib draw different files for equal Contents.
  """
  text = json.dumps(drawn, separators=(',', ':'))
  return f'sha256 of what is drawn: {hashlib.sha256(text.encode()).hexdigest()}'


def draw(drawn: Content, path: str) -> None:
  """Draws a Content to a file.

  Args:
    drawn: the content of the picture.
    path: the file; its name ends with .svg.

  Raises:
    UsageError: matplotlib is missing, or the file cannot be written.
  """
  plots.check(path)
  with plots.figure(_SIZE_INCHES) as drawing:
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
    title, color = _DRAWN[name]
    if '%d' in title:
      title %= max(numbers)
    shown = [step / (1.0 if name == TUTORIAL else ratio) for step in steps]
    style = {
        'color': color,
        'label': f'{title}, {weights}',
        'linestyle': '-' if weights == 'averaged' else ':',
        'linewidth': 1.5,
    }
    if any(deviations):
      # Draw only markers: there are too few points for a line.
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
