r"""Compares our training with that of the unmodified historical tutorial.

  compare --source=DIR --data_dir=DIR --out=DIR [--steps=200]
      [--curve_steps=200] [--checkpoint_dir=DIR] [--their_run=DIR]
      [--our_run=DIR] [--runtime=VERSION] [--runtime_steps=200]
      [--runtime_images=4096] [--spread_runs=2] [--spread_steps=50]
      [--time_rounds=0]

DIR of --source is what //tools:historical takes.  It writes two files into
DIR of --out: report.json, in which `unexplained` is the number of differences
that nothing explains, and report.html, the same as a page.  The exit code is 0 if that number is 0,
else 1.

With --runtime the edition also trains on that TensorFlow of the time, in an old
interpreter, and further sections say how far ours, on today's, is from it.
Without --source it is the edition that this TensorFlow brings, and these
sections are all: the graph that today's makes of it has no list of exemptions.

The historical code builds its graph in a process of its own
(historical_graph.py) and hands over a MetaGraphDef.
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
from cifar10_compat.training import checkpoints

from ..base import command_line
from ..base import processes
from ..base import training_graph
from ..editions import environments
from ..editions import historical_graph
from ..editions import old_scripts
from ..editions import runtimes
from ..editions import scripts
from . import comparison_flags
from . import curves
from . import evaluators
from . import exemptions
from . import ledger
from . import mapping
from . import old_runtime
from . import report
from . import sections
from . import trainers
from .claims import original


def runs_sections(
    source,
    data_dir,
    *,
    edition,
    curve_steps=0,
    checkpoint_dir=None,
    their_run=None,
    our_run=None,
):
  """Compares the evaluators and the event files of two runs.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    edition: scripts.Edition of the source.
    curve_steps: int, how long to train each run that is not there.
    checkpoint_dir: str, whose newest checkpoint is scored; by default that of
      their run.
    their_run, our_run: str, directories of runs.

  Returns:
    list of sections of the report: without curve_steps and runs there are no
    curves, and without any checkpoint no evaluation.
  """
  with tempfile.TemporaryDirectory() as scratch:
    runs = []
    if curve_steps or (their_run and our_run):
      # One after the other: each takes the whole machine.
      for module, args, there, name in (
          (
              processes.tool('editions.scripts'),
              old_scripts.arguments(source, 'cifar10_train'),
              their_run,
              'theirs',
          ),
          ('cifar10_compat.cifar10_train', [], our_run, 'ours'),
      ):
        train_dir = there or os.path.join(scratch, name)
        checkpoint_dir = checkpoint_dir or train_dir
        runs.append(
            event_files.read(there)
            if there
            else curves.train(
                module,
                args,
                data_dir=data_dir,
                train_dir=train_dir,
                steps=curve_steps,
            )
        )
    found = []
    if checkpoint_dir:
      scores = evaluators.evaluate(source, data_dir, checkpoint_dir)
      newest = os.path.basename(checkpoints.newest(checkpoint_dir).path)
      found.append(evaluators.section(scores, newest))
    if runs:
      tags = exemptions.TAGS.get(edition.name, ())
      found.append(curves.section(*runs, curves.compare(*runs, tags)))
    return found


def compare(source, data_dir, *, steps, edition, on_original=None, **runs):
  """Makes all comparisons.

  TensorFlow 2's behavior stays off in this process.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, how many steps to train.
    edition: scripts.Edition of the source.
    on_original: original.Counted on a TensorFlow of the time, for the ledger, or
      None.
    **runs: what runs_sections() takes besides.

  Returns:
    dict, a report of report.py.

  Raises:
    UsageError: the historical graph cannot be built, or a program failed.
    ValueError: the data_dir lacks a file.
  """
  tf.disable_v2_behavior()
  their_meta_graph = historical_graph.build_apart(source, data_dir)
  our_meta_graph = training_graph.ours(data_dir)
  found = [
      sections.graph_section(
          their_meta_graph,
          our_meta_graph,
          exemptions=exemptions.EXEMPTIONS.get(edition.name, ())
          + mapping.load(trainers.SESSION).exemptions,
          renames=exemptions.RENAMES.get(edition.name, ()),
      ),
      sections.outline_section(source),
  ]
  with training_graph.Training(their_meta_graph) as a:
    with training_graph.Training(our_meta_graph) as b:
      values = sections.values_section(a, b, data_dir=data_dir, steps=steps)
      found += [sections.checkpoints_section(a, b), values]
  found.append(sections.trainers_section(data_dir, our_meta_graph))
  found.append(
      sections.input_section(
          source,
          data_dir,
          their_meta_graph=their_meta_graph,
          our_meta_graph=our_meta_graph,
      )
  )
  found += runs_sections(source, data_dir, edition=edition, **runs)
  found.append(
      ledger.section(
          *ledger.make(
              data_dir,
              runs.get('our_run'),
              meta_graph=our_meta_graph,
              on_original=on_original,
          )
      )
  )
  return report.report(edition.name, tf.__version__, found)


def compare_on(
    environment, source, data_dir, *, sizes, edition, our_meta_graph=None
):
  """Compares ours with the edition on a TensorFlow of the time.

  TensorFlow 2's behavior stays off in this process.

  Args:
    environment: environments.Environment.
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    sizes: old_runtime.Sizes, how much is compared.
    edition: scripts.Edition of the source.
    our_meta_graph: MetaGraphDef of ours, or None to make it.

  Returns:
    list of sections of the report.

  Raises:
    UsageError: the edition cannot be trained there.
  """
  tf.disable_v2_behavior()
  return old_runtime.make_sections(
      source,
      environment,
      edition,
      data_dir,
      sizes=sizes,
      our_meta_graph=our_meta_graph or training_graph.ours(data_dir),
  )


def _make(directory):
  """Makes a directory that can be written; raises UsageError."""
  try:
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
      pass
  except OSError as e:
    raise errors.UsageError(
        '--out=%s cannot be written (%s): name another directory'
        % (directory, e.strerror)
    ) from e


def _check_files(args):
  """Raises UsageError or DataError if what the paths name is not there.

  Args:
    args: argparse.Namespace, whose paths are absolute.
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
      checkpoints.newest(args.checkpoint_dir)
    except errors.NoCheckpointError as e:
      raise errors.UsageError(
          '--checkpoint_dir=%s has no checkpoint' % args.checkpoint_dir
      ) from e


def _content(args, edition, runtime):
  """Returns the report's content: see report.report().

  Args:
    args: argparse.Namespace, checked.
    edition: scripts.Edition of --source, or None without it.
    runtime: runtimes.Runtime of --runtime, or None without it.
  """
  environment = runtime and environments.make(
      runtime, tell=lambda line: print('compare: ' + line, file=sys.stderr)
  )
  if edition:
    source = args.source
    content = compare(
        source,
        args.data_dir,
        steps=args.steps,
        edition=edition,
        curve_steps=args.curve_steps,
        checkpoint_dir=args.checkpoint_dir,
        their_run=args.their_run,
        our_run=args.our_run,
        on_original=environment
        and original.count(source, environment, edition, args.data_dir),
    )
  else:
    source = old_scripts.bundled(environment)
    edition = scripts.find_edition(source)
    claims = original.claims(
        original.count(source, environment, edition, args.data_dir)
    )
    content = report.report(
        edition.name, tf.__version__, [ledger.section(claims, [])]
    )
  if not environment:
    return content
  return report.report(
      edition.name,
      '%s, and theirs on %s where a section says so'
      % (tf.__version__, runtime.version),
      content['sections']
      + compare_on(
          environment,
          source,
          args.data_dir,
          sizes=comparison_flags.sizes(args),
          edition=edition,
      ),
  )


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
  # All that can be wrong is noticed before the minutes of work.
  runtime = (
      runtimes.find(args.runtime, runtimes.COMPARED) if args.runtime else None
  )
  edition = scripts.find_edition(args.source) if args.source else None
  if edition and runtime:
    old_scripts.check(edition, runtime)
  _check_files(args)
  _make(args.out)
  content = _content(args, edition, runtime)
  try:
    report.write(content, args.out)
  except OSError as e:
    raise errors.UsageError(
        '--out=%s cannot be written (%s)' % (args.out, e.strerror)
    ) from e
  print(
      '%s; see %s'
      % (report.verdict(content), os.path.join(args.out, 'report.html'))
  )
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main())
