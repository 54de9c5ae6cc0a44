"""Writes the generated parts of the documentation.

  docs [--check]

Rewrites the parts of README.md and docs/*.md between the lines `<!-- generated:
NAME -->` and `<!-- end -->`, and the picture docs/results.svg; --check only
lists parts that are out of date.  GENERATORS contains a function for each NAME:
`flags` is the table of all programs' flags, as declared in config.py; the
tables of results and the picture come from the files in docs/data/.
"""

# Import first: the programs import TensorFlow, which reads its log levels at
# load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import functools
import glob
import json
import os
import pathlib
import re
import sys

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from cifar10_compat.data import datasets

from ..base import command_line
from ..base import manifest
from ..editions import table as time_machine
from ..experiments import plan
from ..experiments import report
from ..parity import fast_network
from ..robustness import endurance
from ..robustness import fault_table
from ..run import predictions
from ..speed import results as speed_results
from ..speed import tables

_PICTURE = 'results.svg'
# The file of measured speeds, by which the picture scales time.
_PICTURE_SPEED = 'speed_avx512_bf16.json'

_PROGRAMS = {
    'train': config_lib.Train,
    'multi_gpu_train': config_lib.MultiGpuTrain,
    'distributed_train': config_lib.DistributedTrain,
    'eval': config_lib.Eval,
    'predict': config_lib.Predict,
    'export': config_lib.Export,
}

_BLOCK = re.compile(
    r'(<!-- generated: (\w+) -->\n).*?(<!-- end -->\n)', re.DOTALL
)


def read_data(name, root=manifest.ROOT):
  """Returns the content of docs/data/NAME.json."""
  path = os.path.join(root, 'docs', 'data', name + '.json')
  return json.loads(pathlib.Path(path).read_text(encoding='utf-8'))


def markdown_table(columns, rows):
  """Returns a Markdown table of the given cells, which must be str."""

  def line(cells):
    return '| %s |\n' % ' | '.join(c.replace('|', '\\|') for c in cells)

  rule = '|%s\n' % ('---|' * len(columns))
  return line(columns) + rule + ''.join(line(row) for row in rows)


def flags_table():
  """Returns a Markdown table of the flags and of the programs with each flag.

  A flag whose default or help differs between programs has several rows.
  """
  rows = {}  # Dict from (name, default, help) to the programs with this flag.
  for program, config in _PROGRAMS.items():
    for name, field in settings.fields(config).items():
      default = field.default
      if isinstance(default, bool):
        default = 'yes' if default else 'no'
      elif name == 'dataset':
        default = default.name
      elif default is None or default == ():
        default = ''
      text = ' '.join(field.metadata['help'].split())
      if field.metadata['choices']:
        text = '<%s>: %s' % ('|'.join(field.metadata['choices']), text)
      rows.setdefault((name, str(default), text), []).append(program)
  return markdown_table(
      ('flag', 'default', 'programs', 'meaning'),
      [
          (
              '`--%s`' % name,
              default,
              'all' if len(programs) == len(_PROGRAMS) else ', '.join(programs),
              text,
          )
          for (name, default, text), programs in sorted(rows.items())
      ],
  )


def precision_table(root=manifest.ROOT):
  """Returns a Markdown table of the precisions in docs/data/precision.json."""
  data = read_data('precision', root)
  return markdown_table(
      ['steps'] + ['{:,}'.format(step) for step in data['steps']],
      [
          [name] + ['%.3f' % value for value in values]
          for name, values in data['precision'].items()
      ],
  )


def _table(make, name, root=manifest.ROOT):
  """Returns a function's table for docs/data/NAME.json, as Markdown."""
  return markdown_table(*make(read_data(name, root)))


def _fast_network_table(index, root=manifest.ROOT):
  """Returns one of the tables of docs/data/fast_network.json, as Markdown."""
  return markdown_table(
      *fast_network.tables(read_data('fast_network', root))[index]
  )


def runs(kind, root=manifest.ROOT):
  """Returns the contents of docs/data/runs/KIND_*.json, sorted by seed."""
  paths = glob.glob(
      os.path.join(root, 'docs', 'data', 'runs', kind + '_*.json')
  )
  names = [os.path.splitext(os.path.basename(p))[0] for p in paths]
  found = [read_data(os.path.join('runs', name), root) for name in names]
  if kind in plan.EXPERIMENTS:
    # Older files contain other names of experiments.
    title = plan.EXPERIMENTS[kind].title
    found = [dict(run, experiment=title) for run in found]
  # The unmodified tutorial has no seed.
  return sorted(found, key=lambda run: run['manifest']['seed'] or 0)


def learned_table():
  """Returns a Markdown table of the precision of default and fast runs."""
  return markdown_table(*report.learned(all_runs()))


def all_runs(root=manifest.ROOT):
  """Returns a dict from experiment to list of runs, read from docs/data/runs/.

  The unmodified tutorial comes first.
  """
  paths = glob.glob(os.path.join(root, 'docs', 'data', 'runs', '*_*.json'))
  names = {os.path.basename(path).rpartition('_')[0] for path in paths}
  ordered = sorted(names, key=lambda name: (name != report.TUTORIAL, name))
  return {name: runs(name, root) for name in ordered}


def _results_table(table, root=manifest.ROOT):
  """Returns a table of report.py as Markdown, with a line about the images."""
  found = all_runs(root)
  columns, rows = table(found)
  if not rows:
    return ''
  everyone = [run for some in found.values() for run in some]
  return '%s\n%s' % (report.images(everyone), markdown_table(columns, rows))


def confusion_table(root=manifest.ROOT):
  """Returns the published network's confusion matrix, as Markdown."""
  path = os.path.join(root, 'tests', 'published', 'golden.json')
  golden = json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
  return markdown_table(
      *predictions.confusion_table(
          datasets.CIFAR10.class_names, golden['confusion']
      )
  )


# Dict from the NAME of a part to a function without arguments that returns the
# part's text.  To add a table, add a function to the dict, and the figures to
# docs/data/.
GENERATORS = {
    'endurance': functools.partial(_table, endurance.table, 'endurance'),
    'endurance_arenas': functools.partial(
        _table, endurance.table, 'endurance_arenas'
    ),
    'fast_losses': functools.partial(_fast_network_table, 1),
    'fast_parts': functools.partial(_fast_network_table, 0),
    'faults': functools.partial(_table, fault_table.outcomes, 'faults'),
    'flags': flags_table,
    'learned': learned_table,
    'mutants': functools.partial(_table, fault_table.mutants, 'faults'),
    'precision': precision_table,
    'results_confusion': confusion_table,
    'results_curve': functools.partial(_results_table, report.curve),
    'results_seeds': functools.partial(_results_table, report.seeds),
    'results_summary': functools.partial(_results_table, report.summary),
    'results_views': functools.partial(_results_table, report.views),
    'time_machine': functools.partial(
        _table, time_machine.matrix, 'time_machine'
    ),
    'time_machine_broken': functools.partial(
        _table, time_machine.broken, 'time_machine'
    ),
    'time_machine_limits': functools.partial(
        _table, time_machine.limits, 'time_machine'
    ),
    'speed': lambda: tables.speed_tables(
        os.path.join(manifest.ROOT, 'docs', 'data')
    ),
}


def fresh(text, path):
  """Returns the text of a page with up-to-date generated parts.

  Args:
    text: str, the text of the page.
    path: str, the path of the page, for error messages.

  Raises:
    UsageError: there is no generator for a part.
  """

  def generate(match):
    name = match[2]
    if name not in GENERATORS:
      raise errors.UsageError(
          '%s: %r is not a generated part: choose one of %s'
          % (path, name, ', '.join(sorted(GENERATORS)))
      )
    return match[1] + GENERATORS[name]() + match[3]

  return _BLOCK.sub(generate, text)


def stale(root=manifest.ROOT):
  """Returns a dict from the path of each outdated page to the new text.

  Raises:
    UsageError: see fresh(); or no page has a generated part.
  """
  found = {}
  parts = 0
  pages = [os.path.join(root, 'README.md')]
  pages += sorted(glob.glob(os.path.join(root, 'docs', '*.md')))
  for path in pages:
    text = pathlib.Path(path).read_text(encoding='utf-8')
    parts += len(_BLOCK.findall(text))
    new = fresh(text, path)
    if new != text:
      found[path] = new
  if not parts:
    raise errors.UsageError('no page in %s has a generated part' % root)
  return found


def picture(root=manifest.ROOT):
  """Returns the report.Content that docs/results.svg shows."""
  speed = speed_results.read(os.path.join(root, 'docs', 'data', _PICTURE_SPEED))
  return report.content(all_runs(root), speed)


def picture_is_stale(root=manifest.ROOT):
  """Returns whether docs/results.svg is out of date or missing."""
  path = os.path.join(root, 'docs', _PICTURE)
  if not os.path.exists(path):
    return True
  drawn = pathlib.Path(path).read_text(encoding='utf-8')
  return report.digest(picture(root)) not in drawn


@command_line.program('docs')
def main(argv):
  parser = command_line.Parser(
      prog='docs',
      description=__doc__,
  )
  parser.add_argument(
      '--check',
      action='store_true',
      help='list outdated pages without rewriting them',
  )
  args = parser.parse_args(argv)
  pages = stale()
  for path, text in pages.items():
    print('%s %s' % (path, 'is stale' if args.check else 'was rewritten'))
    if not args.check:
      pathlib.Path(path).write_text(text, encoding='utf-8')
  stale_picture = picture_is_stale()
  if stale_picture:
    path = os.path.join(manifest.ROOT, 'docs', _PICTURE)
    print('%s %s' % (path, 'is stale' if args.check else 'was drawn'))
    if not args.check:
      report.draw(picture(), path)
  return 1 if (pages or stale_picture) and args.check else 0


if __name__ == '__main__':
  sys.exit(main())
