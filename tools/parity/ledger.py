"""Compares every number that the tutorial states with the value measured here.

  ledger --data_dir=DIR [--our_run=DIR] [--runtime=VERSION [--source=DIR]]

For each number, the program prints the tutorial's value, the value measured
here, whether the two values are equal, and if not, the reason.  Numbers are
counted in the port's graph or measured in a run of 201 steps; precisions come
from the newest checkpoint in the train_dir of --our_run.  With --runtime, the
program also counts the ops of the unmodified edition's graph on that old
TensorFlow.  The exit code is 0 if every difference has a reason, else 1.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoint_list

from ..base import command_line
from ..base import text_tables
from ..base import training_graph
from ..editions import runtimes
from ..editions import scripts
from . import report
from .claims import graph_claims
from .claims import layers
from .claims import measured
from .claims import original
from .claims import run_claims


def claims(training, *, run, saved, evaluated=None, on_original=None):
  """Creates the ledger.

  Args:
    training: training_graph.Training of the port's graph, whose variables are
      overwritten.
    run: measured.Run, from short_run().
    saved: tuple of ints, from measured.saved_steps().
    evaluated: the result of measured.precisions() for a longer run, or None.
    on_original: original.Counted of an old TensorFlow, or None.

  Returns:
    (list of stated.Claims, list of layers.Layers).
  """
  with tf.Graph().as_default():
    size = cifar10.IMAGE_SIZE
    counted = layers.count(cifar10.inference(tf.zeros([1, size, size, 3])))
  return (
      graph_claims.claims(training, counted)
      + original.claims(on_original)
      + run_claims.claims(run, saved=saved, evaluated=evaluated)
  ), counted


def section(found, counted):
  """Returns the ledger as a section of the report of //tools:compare.

  Args:
    found, counted: the result of claims().
  """
  unexplained = [claim for claim in found if claim.unexplained]
  kinds = [claim.same for claim in found]
  return report.section(
      'Ledger of claims',
      len(unexplained),
      text=[
          'The tutorial states %d numbers, or groups of numbers: %d are equal '
          'here, %d are different, and %d were not measured in this run.'
          % (
              len(found),
              kinds.count(True),
              kinds.count(False),
              kinds.count(None),
          ),
          'Differences without a reason: %d.' % len(unexplained),
          'All values are measured in this project on TensorFlow %s, except in '
          'rows that list another version.' % tf.__version__,
      ],
      tables=[
          report.table('Stated and measured values', COLUMNS, rows(found)),
          report.table(
              'Parameters and multiply-adds per image',
              layers.COLUMNS,
              layers.rows(counted),
          ),
      ],
  )


COLUMNS = (
    'claim',
    'stated',
    'measured',
    'same',
    'reason',
    'how measured',
    'where stated',
)


def rows(found):
  """Returns a table row for each Claim."""
  same = {True: 'yes', False: 'no', None: 'not measured'}
  return [
      (
          c.what,
          c.said,
          c.found,
          same[c.same],
          c.why or ('UNEXPLAINED' if c.unexplained else ''),
          c.how,
          c.where,
      )
      for c in found
  ]


def make(data_dir, our_run=None, *, meta_graph=None, on_original=None):
  """Runs the trainer and the evaluator as needed, and creates the ledger.

  TensorFlow 2 behavior must be disabled.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
    our_run: str, the train_dir of a longer run.
    meta_graph: MetaGraphDef, the port's training graph; None to build it.
    on_original: original.Counted of an old TensorFlow, or None.

  Returns:
    The result of claims().
  """
  evaluated = measured.precisions(data_dir, our_run) if our_run else None
  with training_graph.Training(
      meta_graph or training_graph.ours(data_dir)
  ) as training:
    return claims(
        training,
        run=measured.short_run(data_dir),
        saved=measured.saved_steps(),
        evaluated=evaluated,
        on_original=on_original,
    )


def _parser():
  parser = command_line.Parser(
      prog='ledger', description=__doc__.partition('\n')[0]
  )
  parser.add_data_dir()
  parser.add_argument(
      '--our_run',
      metavar='DIR',
      help='train_dir of a longer run, from which to measure the precisions',
  )
  parser.add_argument(
      '--runtime',
      metavar='VERSION',
      help='an old TensorFlow version, %s, on which to count the ops of the '
      'unmodified graph' % ' or '.join(r.version for r in runtimes.COMPARED),
  )
  parser.add_argument(
      '--source',
      metavar='DIR',
      help='directory of the unmodified historical files for --runtime '
      '(default: the files bundled with that TensorFlow)',
  )
  return parser


@command_line.program('ledger')
def main(argv):
  args = _parser().parse_args(argv)
  data_dir, our_run, source = map(
      command_line.path, (args.data_dir, args.our_run, args.source)
  )
  errors.UsageError.raise_if(
      source and not args.runtime,
      '--source=%s needs --runtime: add --runtime=VERSION of an old TensorFlow'
      % source,
  )
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, data_dir, eval_data)
  if our_run:
    try:
      checkpoint_list.newest(our_run)
    except errors.NoCheckpointError as e:
      raise errors.UsageError(
          '--our_run=%s has no checkpoint: specify the train_dir of a run'
          % our_run
      ) from e
  tf.disable_v2_behavior()
  on_original = None
  if args.runtime:
    runtime = runtimes.find(args.runtime, runtimes.COMPARED)
    on_original = original.count(
        *scripts.on_runtime('ledger', runtime, source), data_dir
    )
  found, counted = make(data_dir, our_run, on_original=on_original)
  content = section(found, counted)
  print(
      '%s\n\n%s\n'
      % (
          text_tables.text(rows(found), heads=COLUMNS),
          text_tables.text(layers.rows(counted), heads=layers.COLUMNS),
      )
  )
  print('\n'.join(content['text']))
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main())
