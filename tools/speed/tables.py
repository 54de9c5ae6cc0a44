"""Formats the tables of a results file, as text and as Markdown."""

import glob
import os
from typing import Callable, NamedTuple, Tuple

from ..base import text_tables
from . import pairs
from . import parts
from . import results as results_lib
from . import targets


class Quantity(NamedTuple):
  """A measured value that is shown in a separate table."""

  measurement: str
  key: str
  title: str
  form: Callable[[float], str]
  baselines: Tuple[
      str, ...
  ]  # the baseline is the first contestant here that was measured


def _number(digits):
  return ('{:,.%df}' % digits).format


_STEP = _number(4)
QUANTITIES = (
    Quantity(
        'input',
        'examples_per_second',
        'Input alone, examples/s',
        _number(0),
        ('tutorial', 'literal'),
    ),
    Quantity(
        'constant',
        'seconds_per_step',
        'One constant batch, seconds/step',
        _STEP,
        ('literal',),
    ),
    Quantity(
        'end_to_end',
        'seconds_per_step',
        'End to end, seconds/step',
        _STEP,
        ('tutorial', 'literal'),
    ),
    Quantity(
        'start',
        'seconds_less_import',
        'Start to the first step, minus TensorFlow import, seconds',
        _number(2),
        ('tutorial', 'literal'),
    ),
    Quantity(
        'start',
        'seconds',
        'Start to the first step, seconds',
        _number(2),
        ('tutorial', 'literal'),
    ),
    Quantity(
        'eval',
        'seconds_less_import',
        'Evaluation, minus TensorFlow import, seconds',
        _number(2),
        ('tutorial', 'literal'),
    ),
    Quantity(
        'eval',
        'seconds',
        'Evaluation, seconds',
        _number(2),
        ('tutorial', 'literal'),
    ),
    Quantity(
        'scaling',
        'seconds_per_example',
        'Cost per example with --fast, end to end, seconds',
        _number(6),
        ('batch_128',),
    ),
)

_LABELS = {
    'tutorial': 'unmodified tutorial',
    'literal': 'default',
    'fast': '--fast',
    'fast_bfloat16': '--fast --precision=bfloat16',
    'tf_data': 'tf.data',
    'keras': 'Keras 3',
    'pytorch': 'PyTorch',
    'matrix_product_float32': 'limit: 13.48 GFLOP as float32 matrix products',
    'matrix_product_bfloat16': 'limit: 13.48 GFLOP as bfloat16 matrix products',
}


class Table(NamedTuple):
  """A table of strings."""

  title: str
  header: Tuple[str, ...]
  rows: Tuple[Tuple[str, ...], ...]


def label(contestant):
  """Returns a contestant's name as shown in tables."""
  if contestant in parts.PARTS:
    return 'default with ' + parts.PARTS[contestant].help
  return _LABELS.get(contestant, contestant.replace('_', ' '))


def baseline(quantity, results):
  """Returns the contestant to which ratios of a Quantity refer, or None."""
  run = results.contestants(quantity.measurement)
  return next((name for name in quantity.baselines if name in run), None)


def tables(results):
  """Returns the Tables of Results: one for each quantity, and the targets."""
  found = []
  for quantity in QUANTITIES:
    contestants = results.contestants(quantity.measurement)
    base = baseline(quantity, results)
    if contestants:
      found.append(
          Table(
              quantity.title,
              (
                  '',
                  'runs',
                  'median',
                  'min to max',
                  'paired ratio to ' + label(base) if base else 'paired ratio',
                  'peak MB',
                  'disturbed',
              ),
              tuple(_row(quantity, c, base, results) for c in contestants),
          )
      )
  if found:
    found.append(_targets(results))
  return found


def _row(quantity, contestant, base, results):
  values = results.values(quantity.measurement, contestant, quantity.key)
  found = pairs.summary(values.values())
  if found is None:
    return (label(contestant),) + ('',) * 6
  ratio = None
  if base is not None and contestant != base:
    ratio = pairs.summary(
        pairs.ratios(
            values, results.values(quantity.measurement, base, quantity.key)
        )
    )
  memory = pairs.summary(
      results.values(
          quantity.measurement, contestant, 'peak_memory_bytes'
      ).values()
  )
  return (
      label(contestant),
      str(found.count),
      quantity.form(found.median),
      '%s to %s' % (quantity.form(found.least), quantity.form(found.most)),
      _ratio(ratio),
      '{:,.0f}'.format(memory.median / 1e6),
      _disturbed(results.counted(quantity.measurement, contestant)),
  )


def _ratio(found):
  if found is None:
    return ''
  return '%.3f (%.3f to %.3f)' % (found.median, found.least, found.most)


def _disturbed(runs):
  """Returns the number of disturbed runs; '?' if unknown."""
  known = [run['disturbance'] for run in runs if run['disturbance']]
  if len(known) < len(runs):
    return '?'
  count = sum(disturbance['disturbed'] for disturbance in known)
  return '%d of %d' % (count, len(runs)) if count else ''


def _targets(results):
  rows = []
  for line in targets.lines(results):
    rows.append(
        (
            line.name,
            line.target,
            _ratio(line.summary),
            str(line.summary.count) if line.summary else '0',
            {True: 'yes', False: 'no', None: 'open' if line.target else ''}[
                line.met
            ],
        )
    )
  return Table(
      'Targets',
      (
          'paired ratio',
          'target',
          'median (min to max)',
          'pairs',
          'met',
      ),
      tuple(rows),
  )


def machine(results):
  """Returns a sentence about the machine, the versions and the threshold."""
  manifest = results.manifest
  processor = manifest['processor']
  return (
      '%s (%s), %s cores, %d threads; TensorFlow %s, Python %s; commit %s%s. '
      'A run counts as disturbed if other work used more than %.0f%% of the '
      "processor's time during the run."
      % (
          processor['name'],
          ' '.join(processor['features']),
          processor['cores'] or 'unknown',
          processor['threads'],
          manifest['versions'].get('tensorflow'),
          manifest['versions'].get('python'),
          (manifest['commit'] or 'unknown')[:12],
          ' with changes' if manifest['dirty'] else '',
          100 * results.to_json()['disturbed_above'],
      )
  )


def text(results):
  """Returns all tables as lines of text for a terminal."""
  blocks = [machine(results)]
  for table in tables(results):
    blocks.append(
        text_tables.text(
            table.rows, heads=table.header, title=table.title, numbers=True
        )
    )
  return '\n\n'.join(blocks) + '\n'


def speed_table(document):
  """Returns the tables of docs/benchmark.md.

  Args:
    document: dict, the content of a results file.

  Returns:
    str, Markdown, with a newline at the end of each line.

  Raises:
    UsageError: the document has no results.
  """
  results = results_lib.from_json(document)
  blocks = [machine(results)]
  for table in tables(results):
    rows = [table.header, ('---',) * len(table.header)]
    rows += [tuple(c.replace('|', '\\|') for c in row) for row in table.rows]
    blocks.append('**%s**' % table.title)
    blocks.append('\n'.join('| %s |' % ' | '.join(row) for row in rows))
  return '\n\n'.join(blocks) + '\n'


def speed_tables(directory):
  """Returns the tables of all results files in a directory.

  Args:
    directory: str, with a file speed*.json for each processor.

  Returns:
    str, Markdown, with the tables of each file in the order of the file names.

  Raises:
    UsageError: a file has no results.
  """
  paths = sorted(glob.glob(os.path.join(glob.escape(directory), 'speed*.json')))
  return '\n'.join(
      speed_table(results_lib.read(path).to_json()) for path in paths
  )
