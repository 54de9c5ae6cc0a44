"""Compares the event files of an unmodified training run with those of ours.

Two runs draw different weights and images, so their values are shown, not
judged, except for the loss of the first step, which hardly depends on either.
Both must have the same tags.
"""

from typing import NamedTuple

from ..base import event_files
from ..base import processes
from ..base import training_log
from . import plots
from . import report

# The first loss is ln 10 and the decay of the initial weights, 4.676; that of a
# batch differs in the third digit.
FIRST_LOSS_TOLERANCE = 0.05
_LOSS = 'total_loss (raw)'

_LAST_LOG_STEP = 50  # The tutorial prints as many.


class Result(NamedTuple):
  """What compare() found."""

  curves: dict  # from our tag to two lists of (step, value), theirs and ours
  renamed: tuple  # of Renames that apply
  unmatched: tuple  # of (tag, 'theirs' or 'ours'), those that nothing explains
  stale: tuple  # of Renames that do not apply
  first_losses: tuple  # theirs and ours; None where a run began elsewhere


def train(module, args, *, data_dir, train_dir, steps):
  """Runs a trainer from the start.

  Args:
    module: str, the program.
    args: list of str, its arguments before its own flags.
    data_dir: str, the directory above cifar-10-batches-bin.
    train_dir: str, not there yet.
    steps: int, the last step to be made and logged, a multiple of 10.

  Returns:
    event_files.Run.

  Raises:
    UsageError: it failed.
  """
  printed = processes.run(
      module,
      args
      + [
          '--data_dir=' + data_dir,
          '--train_dir=' + train_dir,
          '--max_steps=%d' % (steps + 1),
      ],
      'a run of %s failed' % ' '.join([module] + args),
  )
  log = {line.step: line.loss for line in training_log.parse(printed)}
  return event_files.read(train_dir)._replace(log=log)


def compare(theirs, ours, renames=()):
  """Matches the tags of two runs.

  Args:
    theirs, ours: event_files.Run.
    renames: sequence of compare_graph.Renames, of tags; an empty name stands
      for a tag that the other side alone has.

  Returns:
    Result.
  """
  stale = [
      r
      for r in renames
      if (r.theirs and r.theirs not in theirs.tags)
      or (r.ours and r.ours not in ours.tags)
  ]
  renamed = [r for r in renames if r not in stale]
  names = {r.theirs: r.ours for r in renamed if r.theirs}
  matched = {names.get(tag, tag) for tag in theirs.tags}
  ours_alone = {r.ours for r in renamed if not r.theirs}
  unmatched = sorted(
      [
          (tag, 'theirs')
          for tag in theirs.tags
          if names.get(tag, tag) and names.get(tag, tag) not in ours.tags
      ]
      + [(tag, 'ours') for tag in ours.tags - matched - ours_alone]
  )
  curves = {}
  for n, run in enumerate((theirs, ours)):
    for tag, points in run.scalars.items():
      # A curve that theirs alone has keeps its own name.
      name = (names.get(tag) or tag) if n == 0 else tag
      curves.setdefault(name, ([], []))[n].extend(points)
  return Result(
      curves,
      tuple(renamed),
      tuple(unmatched),
      tuple(stale),
      tuple(
          _first_loss(run, curves.get(_LOSS, ([], []))[n])
          for n, run in enumerate((theirs, ours))
      ),
  )


def _first_loss(run, points):
  """Returns a run's first loss, from its log or else its event files."""
  if run.log:
    return run.log.get(0)
  # Some trainers stamp their first summary 0, others 1.
  return points[0][1] if points and points[0][0] <= 1 else None


def first_loss_differs(result):
  """Whether the two first losses are known and lie too far apart."""
  theirs, ours = result.first_losses
  return (
      theirs is not None
      and ours is not None
      and abs(theirs - ours) > FIRST_LOSS_TOLERANCE
  )


def unexplained(result):
  """Returns how many tags, listed names and first losses are not as meant."""
  return len(result.unmatched) + len(result.stale) + first_loss_differs(result)


def section(theirs, ours, result):
  """Returns a section of the report.

  Args:
    theirs, ours: event_files.Run.
    result: Result, of both.
  """
  first = [
      'unknown' if loss is None else '%.3f' % loss
      for loss in result.first_losses
  ]
  drawn = [
      (tag, plots.curves(*points))
      for tag, points in sorted(result.curves.items())
  ]
  if theirs.log or ours.log:
    logs = (sorted(run.log.items()) for run in (theirs, ours))
    drawn.insert(0, ('The loss that the logs print.', plots.curves(*logs)))
  return report.section(
      'Curves',
      unexplained(result),
      text=[
          'Event files of a run of theirs, with %d tags, %d of them of scalars, '
          'and of one of ours, with %d and %d. %d tags are listed, each with its '
          'reason, because they have another name or one side alone has them; %d '
          'have no reason, and %d listed ones do not apply.'
          % (
              len(theirs.tags),
              len(theirs.scalars),
              len(ours.tags),
              len(ours.scalars),
              len(result.renamed),
              len(result.unmatched),
              len(result.stale),
          ),
          'Each run draws its own weights and images, so their values are shown '
          'and not judged, but for the first loss: %s and %s. A difference above '
          '%g is unexplained.' % (*first, FIRST_LOSS_TOLERANCE),
      ],
      tables=_tables(theirs, ours, result),
      plots=drawn,
  )


def _tables(theirs, ours, result):
  """Returns the tables of section()."""
  steps = sorted(set(theirs.log) | set(ours.log))
  return [
      report.table(
          'Tags that nothing explains', ('tag', 'in'), result.unmatched
      ),
      report.table(
          'Listed tags that do not apply',
          ('theirs', 'ours', 'reason'),
          result.stale,
      ),
      report.table(
          'Loss in the logs',
          ('step', 'theirs', 'ours'),
          [
              (step, *(_loss(run, step) for run in (theirs, ours)))
              for step in steps
              if step <= _LAST_LOG_STEP
          ],
      ),
      report.table(
          'Scalars',
          ('tag', 'theirs, first', 'theirs, last', 'ours, first', 'ours, last'),
          [
              (tag, *(text for points in both for text in _ends(points)))
              for tag, both in sorted(result.curves.items())
          ],
      ),
      report.table(
          'Tags under another name',
          ('theirs', 'ours', 'reason'),
          [
              (r.theirs or '(none)', r.ours or '(none)', r.reason)
              for r in result.renamed
          ],
      ),
  ]


def _loss(run, step):
  return '%.2f' % run.log[step] if step in run.log else ''


def _ends(points):
  """Returns the first and the last point of a curve as texts."""
  if not points:
    return '', ''
  return tuple(
      '%.4g (step %d)' % (value, step)
      for step, value in (points[0], points[-1])
  )
