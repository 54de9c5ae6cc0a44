r"""Compares the port's training with the unmodified tutorial's.

  compare --source=DIR --data_dir=DIR --out=DIR [--steps=200]
      [--curve_steps=200] [--checkpoint_dir=DIR] [--their_run=DIR]
      [--our_run=DIR] [--runtime=VERSION] [--runtime_steps=200]
      [--runtime_images=4096] [--spread_runs=2] [--spread_steps=50]
      [--time_rounds=0]

--source accepts the same directories as //tools:historical.  The program writes
two files into the directory of --out: report.json, in which `unexplained` is
the number of unexplained differences, and report.html, a page with the same
content.  The exit code is 0 if `unexplained` is 0, else 1.

With --runtime, the edition also trains on an old TensorFlow, in an old
interpreter, and further sections of the report compare it with the port on
today's TensorFlow.  Without --source, the program uses the edition bundled with
the old TensorFlow, and the report contains only the sections about the old
TensorFlow: there is no list of exemptions for the graph that today's TensorFlow
builds from a bundled edition.

The historical code builds its graph in a separate process
(historical_graph.py), which returns a MetaGraphDef.
"""

from ..base import event_files

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoint_list

from ..base import command_line
from ..editions import old_scripts
from ..editions import runtimes
from ..editions import scripts
from . import comparison_flags
from . import curves
from . import evaluators
from . import ledger
from . import mapping
from . import old_side
from . import report
from . import sections
from . import today_side
from .claims import original as claims_lib


def runs_sections(
    original,
    port,
    *,
    curve_steps=0,
    checkpoint_dir=None,
    their_run=None,
    our_run=None,
):
  """Compares the evaluators and the event files of two runs.

  Args:
    original, port: sides.Side on today's TensorFlow.
    curve_steps: int, the number of steps to train for a run without a
      directory.
    checkpoint_dir: str, the directory whose newest checkpoint is scored; by
      default the original's run.
    their_run, our_run: str, directories of existing runs of the original and
      the port.

  Returns:
    list of sections of the report.  It has no curves if there are neither
    curve_steps nor runs, and no evaluation if there is no checkpoint.
  """
  with tempfile.TemporaryDirectory() as scratch:
    runs = []
    if curve_steps or (their_run and our_run):
      # Train the two sides one after the other: each run uses all cores.
      for side, there, name in (
          (original, their_run, 'original'),
          (port, our_run, 'port'),
      ):
        train_dir = there or os.path.join(scratch, name)
        checkpoint_dir = checkpoint_dir or train_dir
        runs.append(
            event_files.read(there)
            if there
            else curves.train(side, train_dir, curve_steps)
        )
    found = []
    if checkpoint_dir:
      scores = evaluators.evaluate(original, port, checkpoint_dir)
      newest = os.path.basename(checkpoint_list.newest(checkpoint_dir).path)
      found.append(evaluators.section(scores, newest))
    if runs:
      renames = curves.listed(original.edition)
      found.append(curves.section(*([run] for run in runs), renames))
    return found


def compare_today(original, port, *, scratch, on_original=None, **runs):
  """Runs all comparisons on today's TensorFlow.

  TensorFlow 2 behavior must be disabled.

  Args:
    original, port: today_side.Today.
    scratch: str, an existing directory.
    on_original: original.Counted on an old TensorFlow, for the ledger, or None.
    **runs: other arguments for runs_sections().

  Returns:
    list of sections of the report.

  Raises:
    UsageError: a program failed.
    ValueError: a file of the data_dir is missing.
  """
  return [
      sections.graph_section(
          'Graph',
          original.meta_graph.graph_def,
          port.meta_graph.graph_def,
          mapping.of_edition(original.edition.name),
      ),
      sections.outline_section(original.source),
      *sections.of_sides(original, port, sections.TODAY, scratch),
      *sections.trainers_sections(port.data_dir, port.meta_graph.graph_def),
      *runs_sections(original, port, **runs),
      ledger.section(
          *ledger.make(
              port.data_dir,
              runs.get('our_run'),
              meta_graph=port.meta_graph,
              on_original=on_original,
          )
      ),
  ]


def _make(directory):
  """Creates a directory; raises UsageError unless it is writable."""
  try:
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
      pass
  except OSError as e:
    raise errors.UsageError(
        '--out=%s cannot be written (%s): choose another directory'
        % (directory, e.strerror)
    ) from e


def _check_files(args):
  """Raises UsageError or DataError if a path lacks data, a run or a checkpoint.

  Args:
    args: argparse.Namespace with absolute paths.
  """
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, args.data_dir, eval_data)
  for flag in ('their_run', 'our_run'):
    if getattr(args, flag):
      try:
        event_files.read(getattr(args, flag))
      except errors.UsageError as e:
        raise errors.UsageError('--%s: %s' % (flag, e)) from e
  if args.checkpoint_dir:
    try:
      checkpoint_list.newest(args.checkpoint_dir)
    except errors.NoCheckpointError as e:
      raise errors.UsageError(
          '--checkpoint_dir=%s has no checkpoint: specify the train_dir of a '
          'run' % args.checkpoint_dir
      ) from e


def _content(args, runtime):
  """Runs the comparisons; returns the result of report.report().

  Disables TensorFlow 2 behavior for the rest of the process.

  Args:
    args: argparse.Namespace, checked.
    runtime: the runtimes.Runtime that --runtime selects, or None without the
      flag.
  """
  data_dir, versions, counted = args.data_dir, tf.__version__, None
  if runtime:
    environment, source, edition = scripts.on_runtime(
        'compare', runtime, args.source
    )
    counted = claims_lib.count(environment, source, edition, data_dir)
  else:
    source, edition = args.source, scripts.find_edition(args.source)
  tf.disable_v2_behavior()
  with (
      tempfile.TemporaryDirectory() as scratch,
      today_side.Today.port(data_dir, directory=scratch) as port,
  ):
    if args.source:
      with today_side.Today.original(
          source, edition, data_dir, directory=scratch, steps=args.steps
      ) as original:
        found = compare_today(
            original,
            port,
            scratch=scratch,
            on_original=counted,
            curve_steps=args.curve_steps,
            checkpoint_dir=args.checkpoint_dir,
            their_run=args.their_run,
            our_run=args.our_run,
        )
    else:
      found = [ledger.section(claims_lib.claims(counted), [])]
    if runtime:
      sizes = comparison_flags.sizes(args)
      old = old_side.Old(
          source, environment, edition, data_dir, steps=sizes.runtime_steps
      ).ask(port, scratch)
      found += sections.of_sides(old, port, sizes, scratch)
      versions += (
          ', and the original on %s in the sections with this version in the '
          'title' % (runtime.version)
      )
  return report.report(edition.name, versions, found)


@command_line.program('compare')
def main(argv):
  parser = comparison_flags.parser(__doc__.partition('\n')[0])
  args = parser.parse_args(argv)
  comparison_flags.check(args)
  for name in (
      'source',
      'data_dir',
      'out',
      'checkpoint_dir',
      'their_run',
      'our_run',
  ):
    setattr(args, name, command_line.path(getattr(args, name)))
  # Check everything before starting minutes of work.
  runtime = (
      runtimes.find(args.runtime, runtimes.COMPARED) if args.runtime else None
  )
  edition = scripts.find_edition(args.source) if args.source else None
  if edition and runtime:
    old_scripts.check(edition, runtime)
  _check_files(args)
  _make(args.out)
  content = _content(args, runtime)
  try:
    report.write(content, args.out)
  except OSError as e:
    raise errors.UsageError(
        '--out=%s cannot be written (%s): choose another directory'
        % (args.out, e.strerror)
    ) from e
  print(
      '%s; see %s'
      % (report.verdict(content), os.path.join(args.out, 'report.html'))
  )
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main())
