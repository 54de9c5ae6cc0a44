"""Creates the sections of the report, in order."""

import dataclasses
import os

from . import checkpoint_exchange
from . import curves
from . import distortions
from . import evaluators
from . import keys as keys_lib
from . import losses
from . import mapping
from . import outline
from . import report
from . import sides
from . import steps
from . import times
from . import today_side
from . import trainers


@dataclasses.dataclass(frozen=True)
class Sizes:
  """Sizes of the comparisons; 0 images, runs or rounds disable a section.

  Attributes:
    runtime_steps: number of steps on an old TensorFlow before the second
      comparison.
    runtime_images: number of images from each input pipeline and set of files.
    spread_runs: number of runs of each side.
    spread_steps: the last step of each run, a multiple of 10.
    time_rounds: number of rounds in which steps are timed.
  """

  runtime_steps: int = 200
  runtime_images: int = 4096
  spread_runs: int = 2
  spread_steps: int = 50
  time_rounds: int = 0


# Comparisons without an old TensorFlow have separate flags.
TODAY = Sizes(runtime_images=8192, spread_runs=0)


def of_sides(
    original: sides.Side, port: today_side.Today, sizes: Sizes, scratch: str
) -> list[dict]:
  """Creates the sections on values, images, checkpoints and scores.

  TensorFlow 2 behavior must be disabled.

  Args:
    original, port: the sides, whose variables are overwritten.
    sizes: the sizes of the comparisons.
    scratch: an existing directory.

  Raises:
    UsageError: a program failed.
  """
  keys = keys_lib.match(original.keys, port.keys, step_key=port.step_key)
  found = [checkpoint_exchange.section(original, port, keys)]
  looked = steps.compare(original, port, keys)
  trained = losses.train(original, port, keys, looked)
  found += [
      steps.section(original, port, looked),
      curves.tags_section(original, port),
      losses.section(original.where, *trained),
  ]
  if original.runtime:
    for side, whose in ((original, 'original'), (port, 'port')):
      directory = side.leave(os.path.join(scratch, whose), original.steps)
      found.append(
          evaluators.section(
              evaluators.evaluate(original, port, directory),
              'A checkpoint of the %s; the original scores it%s'
              % (whose, original.where),
              title='Eval of the %s,%s' % (whose, original.where),
          )
      )
  if sizes.runtime_images:
    drawn = [
        distortions.sample(side, sizes.runtime_images)
        for side in (original, port)
    ]
    found.append(
        distortions.section(
            distortions.compare(*drawn), 'Input' + original.where
        )
    )
  if sizes.spread_runs:
    runs = curves.train_in_turn(
        original, port, runs=sizes.spread_runs, steps=sizes.spread_steps
    )
    found.append(
        curves.section(
            *runs,
            curves.listed(
                original.edition,
                original.runtime,
                run=sizes.spread_steps >= curves.COUNTED,
            ),
            where=original.where,
            model=curves.model_of(original.edition),
        )
    )
  if sizes.time_rounds:
    found.append(
        times.section(original, times.measure(original, sizes.time_rounds))
    )
  return found


def graph_section(title, original, port, listed, *, all_tables=True):
  """Compares two graphs op by op.

  Args:
    title: str.
    original, port: GraphDef.
    listed: mapping.Mapping between the two graphs.
    all_tables: bool, whether to list the exempt differences too.

  Returns:
    A section of the report.
  """
  found = listed.compare(original, port)
  exemptions, renames = listed.exemptions, listed.renames
  columns = ('op', 'attribute', 'original', 'port')
  numbers = {e[:2] for e in exemptions if e.changes_numbers}
  return report.section(
      title,
      len(found.unexplained) + len(found.stale),
      text=[
          'The original has %d ops and the port %d. The ops were matched by '
          'name and compared in type, device, inputs, control inputs, '
          'attributes and output shapes. %d ops are listed as renamed.'
          % (found.original, found.port, len(renames)),
          '%d listed exemptions, each for one op and one attribute, explain %d '
          'differences; %d differences are unexplained, and %d exemptions and '
          'renames match nothing.'
          % (
              len(exemptions),
              len(found.explained),
              len(found.unexplained),
              len(found.stale),
          ),
          'Of these exemptions, %d change a number that is computed, drawn or '
          'saved: %s. The other %d change a name, a type, a device, or the way '
          'in which the same number is computed.'
          % (
              len(numbers),
              '; '.join(
                  dict.fromkeys(
                      e.reason for e in exemptions if e.changes_numbers
                  )
              )
              or 'none',
              len(exemptions) - len(numbers),
          ),
      ],
      tables=[
          report.table('Unexplained', columns, found.unexplained),
          report.table(
              'Exemptions and renames that match nothing',
              ('op', 'attribute or name', 'reason'),
              [entry[:3] for entry in found.stale],
          ),
          report.table(
              'Exempt',
              columns + ('reason', 'changes a number'),
              [
                  difference
                  + (reason, 'yes' if difference[:2] in numbers else 'no')
                  for difference, reason in found.explained * all_tables
              ],
          ),
          report.table(
              'Renamed ops',
              ('original', 'port', 'reason'),
              renames * all_tables,
          ),
      ],
  )


def outline_section(source):
  """Compares the order of calls in the original's and the port's files.

  Args:
    source: str, the directory of the original.

  Returns:
    A section of the report.
  """
  original, port = outline.read(source), outline.read(outline.PORT)
  files, tables = [], []
  for name in outline.FILES:
    found = outline.compare(original[name], port[name])
    kept = sum(c.kept for c in found.values())
    total = sum(c.total for c in found.values())
    added = sum(len(c.added) for c in found.values())
    files.append((name, len(found), total, kept, added))
    tables.append(
        report.table(
            name,
            (
                'function',
                'calls',
                'kept',
                'added',
                'missing calls',
                'added calls',
            ),
            [
                (
                    function if c.in_port else function + ' (not in the port)',
                    c.total,
                    c.kept,
                    len(c.added),
                    ', '.join(c.missing),
                    ', '.join(c.added),
                )
                for function, c in found.items()
            ],
        )
    )
  return report.section(
      'Outline',
      0,
      text=[
          'The outline of a function lists its calls in source order. The port '
          "keeps %d of the %d calls in the original's functions, in the same "
          'order, and adds %d.'
          % tuple(sum(file[column] for file in files) for column in (3, 2, 4)),
          'Names that TensorFlow has changed since 2016 count as equal. A '
          'missing call is not necessarily a missing step: the port can make '
          'the call in another function. Outlines are shown, not judged.',
      ],
      tables=[
          report.table(
              'Files',
              ('file', 'functions', 'calls', 'kept', 'added'),
              files,
          )
      ]
      + tables,
  )


def trainers_sections(data_dir, train):
  """Compares the port's other trainers with cifar10_train as the original.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
    train: GraphDef of the port's cifar10_train.

  Returns:
    list of sections of the report, which do not list the exempt differences.
  """
  return [
      graph_section(
          'Graph of %s, with the graph of cifar10_train as the original' % name,
          train,
          trainers.build(name, data_dir),
          mapping.load(name),
          all_tables=False,
      )
      for name in trainers.TRAINERS
  ]
