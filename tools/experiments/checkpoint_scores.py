"""Evaluates several checkpoints in one process, and prints JSON.

  checkpoint_scores --data_dir=DIR --model=NAME [--fast] [--noaveraged]
      [--views=N] CHECKPOINT...

For tools/experiments/run.py, in a process of its own, so that TensorFlow is loaded
with the settings that the training had.  The counting is cifar10_eval's: each test
image once.
A line for each checkpoint, {"step": 1000, "precision": 0.3141}, follows what
cifar10_eval prints of it.
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import dataclasses
import glob
import json
import os
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_eval
from cifar10_compat import config as config_lib
from cifar10_compat.training import checkpoints

from ..base import command_line


def scores(paths, config):
  """Evaluates checkpoints, one after the other.

  Args:
    paths: iterable of str, of checkpoints, each ends with -STEP.
    config: config.Eval, except its directories.

  Yields:
    (step, precision): int and float, 0 to 1, of each.

  Raises:
    UsageError, DataError, CheckpointError: see cifar10_eval.evaluate().
  """
  for path in paths:
    # The evaluator takes a directory's newest one.
    with tempfile.TemporaryDirectory() as alone:
      for file in glob.glob(glob.escape(os.path.abspath(path)) + '.*'):
        os.symlink(file, os.path.join(alone, os.path.basename(file)))
      name = os.path.join(alone, os.path.basename(path))
      tf.train.update_checkpoint_state(alone, name)
      yield (
          checkpoints.Checkpoint.at(path).step,
          cifar10_eval.evaluate(
              dataclasses.replace(config, checkpoint_dir=alone, run_once=True)
          ),
      )


@command_line.program('checkpoint_scores')
def main(argv):
  parser = command_line.Parser(
      prog='checkpoint_scores',
  )
  parser.add_argument('--data_dir', required=True)
  parser.add_argument('--dataset', default=config_lib.Eval.dataset.name)
  parser.add_argument('--model', default=config_lib.CIFAR10)
  parser.add_argument('--fast', action='store_true')
  parser.add_argument('--noaveraged', action='store_true')
  parser.add_argument('--views', type=int, default=1)
  parser.add_argument('checkpoints', nargs='+')
  args = parser.parse_args(argv)
  tf.disable_v2_behavior()
  config = config_lib.Eval(
      data_dir=args.data_dir,
      dataset=config_lib.get_dataset(args.dataset),
      model=args.model,
      fast=args.fast,
      averaged=not args.noaveraged,
      views=args.views,
  )
  for step, precision in scores(args.checkpoints, config):
    print(json.dumps({'step': step, 'precision': precision}), flush=True)
  return 0


if __name__ == '__main__':
  sys.exit(main())
