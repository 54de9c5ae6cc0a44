"""Compares complete runs of both trainers, and the runs' summary tags.

Each run draws its own weights and images.  The report therefore shows the
values without judging them, except the loss of the first step, which hardly
depends on weights or images.  Both sides must have the same tags.
"""

from collections.abc import Sequence
import os
import tempfile
from typing import NamedTuple, Optional

import numpy as np

from cifar10_compat import config as config_lib

from ..base import event_files
from ..base import processes
from ..base import training_log
from ..editions import scripts
from . import graph_diff
from . import mapping
from . import plots
from . import report
from . import sides

# The expected first loss is 4.676: ln 10 plus the decay of the initial weights.
# The first losses of different batches differ in the third digit.
FIRST_LOSS_TOLERANCE = 0.05
_LOSS = 'total_loss (raw)'
_ENDS = ('original, first', 'original, last', 'port, first', 'port, last')

# The step at which a session first writes its training speed.
COUNTED = 100

Points = list[tuple[int, float]]


class Result(NamedTuple):
  """The comparison of one run of each side.

  Attributes:
    curves: dict from the port's tag to the points of the original and of the
      port.
    renamed: listed Renames that occur.
    unmatched: (tag, 'original' or 'port') of each unexplained tag.
    stale: listed Renames that do not occur.
  """

  curves: dict[str, tuple[Points, Points]]
  renamed: list[graph_diff.Rename]
  unmatched: list[tuple[str, str]]
  stale: list[graph_diff.Rename]


def listed(
    edition: scripts.Edition, version: Optional[str] = None, *, run: bool = True
) -> tuple[graph_diff.Rename, ...]:
  """Returns the Renames of an edition's tags; '' stands for a missing tag.

  Args:
    edition: the original's edition.
    version: the old TensorFlow's version; None for today's TensorFlow.
    run: whether the tags come from a run of at least COUNTED steps, in which
      the session writes the training speed.
  """
  if version == '0.12.1':
    own = edition.name == 'tensorflow 0.12.1'
    found = mapping.load('on_0.12.1').tags
    return found + (mapping.load('0.12.1').tags if own else ())
  # The training speed is written by the session, not by a summary of the graph.
  return tuple(
      rename
      for rename in mapping.of_edition(edition.name).tags
      if run or rename.original != 'global_step/sec'
  )


def model_of(edition: scripts.Edition) -> str:
  """Returns the name of the port's model with an edition's initial weights."""
  later = edition.name == 'tensorflow 0.12.1' or edition.name.startswith(
      'tensorflow/models '
  )
  return config_lib.CIFAR10_LATER if later else config_lib.CIFAR10


def train(
    side: sides.Side,
    train_dir: str,
    steps: int,
    flags: Sequence[str] = (),
) -> event_files.Run:
  """Trains one side from scratch.

  Args:
    side: the side whose trainer runs.
    train_dir: the directory of the run, which must not exist.
    steps: the last step to train and log, a multiple of 10.
    flags: additional flags for the trainer.

  Raises:
    UsageError: the trainer failed.
  """
  module, args = side.program('cifar10_train')
  printed = processes.run(
      module,
      args
      + [
          '--data_dir=' + side.data_dir,
          '--train_dir=' + train_dir,
          '--max_steps=%d' % (steps + 1),
          *flags,
      ],
      'a run of %s failed' % ' '.join([module] + args),
  )
  log = {line.step: line.loss for line in training_log.parse(printed)}
  return event_files.read(train_dir)._replace(log=log)


def train_in_turn(
    original: sides.Side, port: sides.Side, *, runs: int, steps: int
) -> tuple[list[event_files.Run], list[event_files.Run]]:
  """Trains both sides from scratch, in turn.

  Args:
    original, port: the sides; the port's initial weights have the same standard
      deviation as the original's.
    runs: number of runs of each side.
    steps: the last step of each run, a multiple of 10.

  Raises:
    UsageError: a run failed.
  """
  found: tuple[list, list] = ([], [])
  for _ in range(runs):
    for side, done in zip((original, port), found):
      flags = [] if side.source else ['--model=' + model_of(original.edition)]
      with tempfile.TemporaryDirectory() as scratch:
        done.append(train(side, os.path.join(scratch, 'run'), steps, flags))
  return found


def compare(
    original: event_files.Run,
    port: event_files.Run,
    renames: Sequence[graph_diff.Rename] = (),
) -> Result:
  """Matches the tags of two runs.

  Args:
    original, port: the runs.
    renames: Renames of tags; an empty name marks a tag that only the other side
      has.
  """
  stale = [
      r
      for r in renames
      if (r.original and r.original not in original.tags)
      or (r.port and r.port not in port.tags)
  ]
  renamed = [r for r in renames if r not in stale]
  names = {r.original: r.port for r in renamed if r.original}
  matched = {names.get(tag, tag) for tag in original.tags}
  port_alone = {r.port for r in renamed if not r.original}
  unmatched = [
      (tag, 'original')
      for tag in original.tags
      if names.get(tag, tag) and names.get(tag, tag) not in port.tags
  ] + [(tag, 'port') for tag in port.tags - matched - port_alone]
  curves: dict = {}
  for n, run in enumerate((original, port)):
    for tag, points in run.scalars.items():
      # A curve that the port lacks is listed under the original's tag.
      name = tag if n else (names.get(tag) or tag)
      curves.setdefault(name, ([], []))[n].extend(points)
  return Result(curves, renamed, sorted(unmatched), stale)


def spread(runs: Sequence[event_files.Run]) -> list[tuple[int, float, float]]:
  """Returns (step, mean, standard deviation) of the losses in the logs of runs.

  Args:
    runs: runs of equal length; the standard deviation of a single run is 0.
  """
  return [
      (
          step,
          float(np.mean([run.log[step] for run in runs])),
          float(np.std([run.log[step] for run in runs], ddof=len(runs) > 1)),
      )
      for step in sorted(runs[0].log)
  ]


def _first_loss(runs, points):
  """Returns the mean first loss from the logs, else from a curve, else None."""
  if runs[0].log:
    return spread(runs)[0][1] if 0 in runs[0].log else None
  # Some trainers write the first summary with step 0, others with step 1.
  return points[0][1] if points and points[0][0] <= 1 else None


def tags_tables(result: Result) -> list[dict]:
  """Returns the tables that list the tags of a Result."""
  return [
      report.table('Unexplained tags', ('tag', 'in'), result.unmatched),
      *(
          report.table(
              caption,
              ('original', 'port', 'reason'),
              [
                  (r.original or '(none)', r.port or '(none)', r.reason)
                  for r in renames
              ],
          )
          for caption, renames in (
              ('Listed renames that do not occur', result.stale),
              ('Renamed tags, and tags on one side only', result.renamed),
          )
      ),
  ]


def tags_section(original: sides.Side, port: sides.Side) -> dict:
  """Returns a section of the report on the summary tags of both sides."""
  runs = [event_files.Run({}, {}, side.tags) for side in (original, port)]
  found = compare(*runs, listed(original.edition, original.runtime, run=False))
  return report.section(
      'Tags' + original.where,
      len(found.unmatched) + len(found.stale),
      text=[
          'The original has %d summary tags, the port %d. Of these tags, %d '
          'are listed as renamed or as present on one side only, and %d are '
          'unexplained; %d listed renames do not occur.'
          % (
              *(len(run.tags) for run in runs),
              len(found.renamed),
              len(found.unmatched),
              len(found.stale),
          )
      ],
      tables=tags_tables(found),
  )


def section(
    originals: Sequence[event_files.Run],
    ports: Sequence[event_files.Run],
    renames: Sequence[graph_diff.Rename] = (),
    *,
    where: str = '',
    model: str = config_lib.CIFAR10,
) -> dict:
  """Returns a section of the report on runs of both sides.

  Args:
    originals, ports: one or more runs of each side.  Tags and curves come from
      the first run; the losses in the logs come from all runs.
    renames: Renames of tags.
    where: the originals' TensorFlow, as shown in the title.
    model: the ports' model.
  """
  both = originals, ports
  firsts = original, port = originals[0], ports[0]
  result = compare(original, port, renames)
  means = [spread(runs) if runs[0].log else [] for runs in both]
  losses = [
      _first_loss(runs, points)
      for runs, points in zip(both, result.curves.get(_LOSS, ([], [])))
  ]
  # A NaN is outside any tolerance.
  apart = None not in losses and not (
      abs(losses[0] - losses[1]) <= FIRST_LOSS_TOLERANCE
  )
  last = [
      'At step %d of the logs, the mean losses are %.3f and %.3f, and their '
      'standard deviations over the runs %.3f and %.3f.'
      % (step, mean, port_mean, deviation, port_deviation)
      for (step, mean, deviation), (_, port_mean, port_deviation) in zip(
          *(side[-1:] for side in means)
      )
  ]
  drawn = [
      (tag, plots.curves(*points))
      for tag, points in sorted(result.curves.items())
  ]
  if any(means):
    caption = 'Mean loss in the logs; bands: one standard deviation.'
    drawn.insert(0, (caption, plots.bands(*means)))
  return report.section(
      'Curves' + where,
      len(result.unmatched) + len(result.stale) + apart,
      text=[
          'Runs of both trainers, in turn: %d of the original and %d of the '
          'port with --model=%s. Each run draws its own weights and images. '
          "The event files of the original's first run contain %d tags, %d of "
          "them scalars; the event files of the port's first run contain %d "
          'tags, %d of them scalars. %d tags are renamed or appear on one side '
          'only, each listed with a reason; %d are unexplained, and %d listed '
          'renames do not occur.'
          % (
              *map(len, both),
              model,
              *(len(t) for run in firsts for t in (run.tags, run.scalars)),
              len(result.renamed),
              len(result.unmatched),
              len(result.stale),
          ),
          'Only the mean first losses are judged: %s and %s. A difference '
          'above %g counts as unexplained. The fill level of the shuffling '
          'queue varies: reading its size races with dequeuing the batch of '
          'the summaries.'
          % (
              *('unknown' if l is None else '%.3f' % l for l in losses),
              FIRST_LOSS_TOLERANCE,
          ),
          *last,
      ],
      tables=[
          *tags_tables(result),
          report.table(
              'Mean and standard deviation of the loss in the logs',
              ('step', 'original', 'deviation', 'port', 'deviation'),
              _loss_rows(*means),
          ),
          report.table(
              'Scalars',
              ('tag', *_ENDS),
              [
                  (tag, *(text for points in pair for text in _ends(points)))
                  for tag, pair in sorted(result.curves.items())
              ],
          ),
      ],
      plots=drawn,
  )


def _loss_rows(*means):
  """Returns a row of mean losses for every step in a log."""
  sides_rows = [{step: values for step, *values in side} for side in means]
  return [
      (
          step,
          *(
              '%.3f' % value if value is not None else ''
              for side in sides_rows
              for value in side.get(step, (None, None))
          ),
      )
      for step in sorted(set().union(*sides_rows))
  ]


def _ends(points):
  """Returns the first and the last point of a curve as text."""
  if not points:
    return '', ''
  return tuple(
      '%.4g (step %d)' % (value, step)
      for step, value in (points[0], points[-1])
  )
