"""Evaluates several checkpoints in one process, and prints JSON.

  checkpoint_scores --data_dir=DIR --model=NAME [--fast] [--noaveraged]
      [--views=N] CHECKPOINT...

For tools/experiment_run.py, in a process of its own, so that TensorFlow is loaded
with the settings that the training had.  The counting is cifar10_eval's: each test
image once.
A line for each checkpoint, {"step": 1000, "precision": 0.3141}, follows what
cifar10_eval prints of it.
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import json
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import models
from cifar10_compat.base import event_writer
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints

from . import command_line


def scores(paths, *, data_dir, dataset, model, averaged, num_views):
  """Evaluates checkpoints, one after the other.

  Args:
    paths: iterable of str, of checkpoints, each ends with -STEP.
    data_dir: str, the directory that holds the set's directory.
    dataset: description.Dataset.
    model: models.Model.
    averaged: bool, evaluate the moving averages of the variables, not their
      values.
    num_views: int, 1 or 10 crops of each image.

  Yields:
    (step, precision): int and float, 0 to 1, of each.

  Raises:
    UsageError, DataError, CheckpointError: see cifar10_eval.evaluate().
  """
  cifar10_eval.check_views(num_views, dataset=dataset, count=cifar10_eval.EXACT)
  num_examples = checks.check(dataset, data_dir, True)
  with tempfile.TemporaryDirectory() as scratch, tf.Graph().as_default():
    top_k_op, variables = cifar10_eval.build(
        True,
        data_dir=data_dir,
        dataset=dataset,
        model=model,
        batch_size=cifar10.BATCH_SIZE,
        one_epoch=True,
        num_views=num_views,
        averaged=averaged,
        device='',
    )
    saver = tf.train.Saver(variables)
    summary_op = tf.summary.merge_all()
    init_op = tf.local_variables_initializer()
    with event_writer.EventWriter(scratch) as writer:
      for path in paths:
        checkpoints.check(
            path, variables, checkpoints.evaluation_remedy(averaged)
        )
        yield (
            checkpoints.step_of(path),
            cifar10_eval.eval_once(
                saver,
                writer,
                top_k_op,
                summary_op,
                init_op=init_op,
                checkpoint=path,
                num_examples=num_examples,
                batch_size=cifar10.BATCH_SIZE,
            ),
        )


def main(argv=None):
  """Runs the program.

  Args:
    argv: list of str, the command line without the program's name, or None for
      that of the process.

  Returns:
    int, the exit code.
  """
  return command_line.run('checkpoint_scores', lambda: _main(argv))


def _main(argv):
  parser = command_line.Parser(prog='checkpoint_scores', allow_abbrev=False)
  parser.add_argument('--data_dir', required=True)
  parser.add_argument('--dataset', default=datasets.CIFAR10.name)
  parser.add_argument('--model', default=models.CIFAR10.name)
  parser.add_argument('--fast', action='store_true')
  parser.add_argument('--noaveraged', action='store_true')
  parser.add_argument('--views', type=int, default=1)
  parser.add_argument('checkpoints', nargs='+')
  args = parser.parse_args(argv)
  tf.disable_v2_behavior()
  for step, precision in scores(
      args.checkpoints,
      data_dir=args.data_dir,
      dataset=datasets.get(args.dataset),
      model=models.get(
          args.model, fast_network=args.fast, fast_input=args.fast
      ),
      averaged=not args.noaveraged,
      num_views=args.views,
  ):
    print(json.dumps({'step': step, 'precision': precision}), flush=True)
  return 0


if __name__ == '__main__':
  sys.exit(main())
