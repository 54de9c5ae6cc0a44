"""The tables of docs/results.md, from the files of runs in docs/data/runs/.

A run that is not there is in no table; where an experiment has several, there
are their mean and standard deviation (that of a sample).
"""

import statistics

from . import learned

# The experiment whose files hold the unmodified tutorial's curve, and ours that
# is held against it.
TUTORIAL = 'tutorial'
PUBLISHED = 'published'
# What every other experiment is held against.
_REFERENCE = 'fast'
# Ours of the same network.
_OURS = ('default', _REFERENCE, PUBLISHED)
# Moving averages of the variables, and the variables.
_WEIGHTS = ('averaged', 'raw')
# Steps between two rows.
_LONG = 10000
_SHORT = 5000


def images(runs):
  """Returns a line that says what the images of runs are, a str.

  Args:
    runs: list of dict, the contents of docs/data/runs/*.json.
  """
  found = sorted({run['images'] for run in runs})
  return 'Images: %s.\n' % '; '.join(found)


def spread(values):
  """Returns a mean with its deviation and number, or the one value, a str.

  Args:
    values: list of float; empty gives ''.
  """
  if not values:
    return ''
  if len(values) == 1:
    return '%.4f' % values[0]
  return '%.4f ± %.4f' % (statistics.mean(values), statistics.stdev(values))


def curve(runs):
  """Holds the long run against the unmodified tutorial's, step by step.

  Args:
    runs: dict from the name of an experiment to its list of runs.

  Returns:
    list of str, the column heads; and a list of rows, each a list of str.
  """
  names = [name for name in (TUTORIAL, PUBLISHED) if runs.get(name)]
  heads = ['steps']
  for name in names:
    title = 'v0.7.0, unmodified' if name == TUTORIAL else 'cifar10_compat'
    heads += ['%s, %s' % (title, weights) for weights in _WEIGHTS]
  if len(names) == 2:
    heads.append('difference, averaged')
  steps = _steps([run for name in names for run in runs[name]], _LONG)
  rows = []
  for step in steps:
    row = ['{:,}'.format(step)]
    found = {}
    for name in names:
      for weights in _WEIGHTS:
        values = learned.precisions(runs[name], step, weights)
        row.append(spread(values))
        if values:
          found[name, weights] = statistics.mean(values)
    if len(names) == 2:
      pair = [found.get((name, 'averaged')) for name in (PUBLISHED, TUTORIAL)]
      row.append('' if None in pair else '%+.4f' % (pair[0] - pair[1]))
    rows.append(row)
  return heads, rows


def summary(runs):
  """Shows the averaged precision of the tutorial's network, a row for each kind.

  Args:
    runs: see curve().

  Returns:
    As curve().
  """
  names = [n for n in (TUTORIAL, *_OURS) if runs.get(n)]
  everyone = [run for name in names for run in runs[name]]
  steps = sorted({*_steps(everyone, _LONG), *_steps(everyone, _SHORT)[:1]})
  rows = []
  for name in names:
    number = len(runs[name])
    title = runs[name][0]['experiment']
    rows.append(
        ['%s; %d runs' % (title, number) if number > 1 else title]
        + [spread(learned.precisions(runs[name], step)) for step in steps]
    )
  return ['steps'] + ['{:,}'.format(step) for step in steps], rows


def seeds(runs):
  """Shows each experiment's precision, and what the averaging is worth.

  A row for each experiment and step; of a single run only the steps at which there
  are others with several.

  Args:
    runs: see curve().

  Returns:
    As curve().
  """
  several = [run for found in runs.values() if len(found) > 1 for run in found]
  rows = []
  for step in _steps(several, _SHORT):
    for name, found in runs.items():
      averaged, raw = [
          learned.precisions(found, step, weights) for weights in _WEIGHTS
      ]
      if not averaged:
        continue
      reference = learned.precisions(runs.get(_REFERENCE, ()), step)
      difference = ''
      if name != _REFERENCE and min(len(averaged), len(reference)) > 1:
        difference = '%+.4f (%+.4f to %+.4f)' % learned.difference(
            averaged, reference
        )
      rows.append(
          [
              '{:,}'.format(step),
              found[0]['experiment'],
              str(len(averaged)),
              spread(averaged),
              spread(raw),
              spread([a - r for a, r in zip(averaged, raw)]),
              difference,
          ]
      )
  heads = ['steps', 'trained', 'runs', 'averaged', 'raw', 'averaged less raw']
  return heads + ['averaged, less that of `--fast`, 90% interval'], rows


def views(runs):
  """Shows what several views of an image are worth, where that was measured.

  Args:
    runs: see curve().

  Returns:
    As curve(); no rows where no run has views.
  """
  rows = []
  for found in runs.values():
    kinds = sorted(
        {
            (view['step'], view['views'])
            for run in found
            for view in run.get('views', ())
        }
    )
    for step, number in kinds:
      # One view and several of the same runs.
      pairs = [
          (learned.precisions([run], step)[0], view['averaged'])
          for run in found
          for view in run.get('views', ())
          if (view['step'], view['views']) == (step, number)
      ]
      one, several = zip(*pairs)
      rows.append(
          [
              found[0]['experiment'],
              '{:,}'.format(step),
              str(len(pairs)),
              spread(one),
              str(number),
              spread(several),
          ]
      )
  heads = ['trained', 'steps', 'runs', 'one view', 'views', 'several views']
  return heads, rows


def _steps(runs, every):
  """Returns the multiples of a number at which any of the runs was evaluated."""
  steps = {p['step'] for run in runs for p in run['precision']}
  return sorted(step for step in steps if step and step % every == 0)
