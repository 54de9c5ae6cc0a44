"""Compares the network of --fast with the literal network, from a checkpoint.

  fast_network --data_dir=DIR --checkpoint_dir=DIR [--json=FILE]

First the program compares each part that --fast replaces, on the activations
and gradients of one batch: it prints the errors of the literal and the fast ops
relative to float64, as fractions of the largest exact value.

Then the program trains four times from the checkpoint on the same batches, each
time in a separate process: literal, literal with one thread per op, literal
without oneDNN, and fast.  Each run rounds float32 sums in a different order.
The differences between the runs grow from step to step: the weights diverge
once a ReLU or a pooling takes the other branch.  The differences among the
literal runs therefore serve as the reference.

The exit code is 1 if a part of the fast network has an error above 1e-5, if the
first loss of the fast network has a relative error above 1e-5, or if a later
loss has a relative error above both 1e-5 and three times the differences among
the literal runs.
"""

# Import first: TensorFlow reads these environment settings at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import argparse
import json
import os
import sys
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat import startup
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoint_list

from ..base import command_line
from ..base import json_files
from ..base import manifest
from ..base import processes
from ..base import text_tables
from . import fast_parts

# Maximum error of a part, as a fraction of the part's largest exact value.
PART_BOUND = 1e-5
# Maximum relative error of the first loss, and maximum error of later losses as
# a multiple of the difference among the literal runs.
FIRST_LOSS_BOUND = 1e-5
CURVE_BOUND = 3
# Numbers of steps for which the program reports the largest difference.
_STEPS_TOLD = (1, 5, 10, 20, 50, 100, 200)


def draw_batches(data_dir, count, *, batch_size, dataset, seed=1):
  """Draws distorted batches from the literal input pipeline.

  Returns:
    list of (images, labels), float32 [batch_size, 24, 24, 3] and int32
    [batch_size] arrays.
  """
  with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(seed)
    batch = cifar10.distorted_inputs(
        config_lib.Train(
            data_dir=data_dir, batch_size=batch_size, dataset=dataset
        )
    )
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    batches = [sess.run(batch) for _ in range(count)]
    coord.request_stop()
    coord.join(threads)
  return batches


def losses(network, checkpoint, batches, *, intra_op_threads=0):
  """Trains from a checkpoint on given batches.

  Args:
    network: config.Network.
    checkpoint: str.
    batches: list of (images, labels), from draw_batches().
    intra_op_threads: int, threads per op; 0 lets TensorFlow choose.

  Returns:
    float array, the total loss of each step.
  """
  batch_size = len(batches[0][1])
  config = tf.ConfigProto(intra_op_parallelism_threads=intra_op_threads)
  with tf.Graph().as_default(), tf.Session(config=config) as sess:
    images = tf.placeholder(tf.float32, batches[0][0].shape)
    labels = tf.placeholder(tf.int32, [batch_size])
    loss = cifar10.loss(
        models.network(network).inference(images, network), labels
    )
    train_op = cifar10.train(
        loss,
        tf.train.get_or_create_global_step(),
        config_lib.Train(batch_size=batch_size),
    )
    tf.train.Saver(tf.global_variables()).restore(sess, checkpoint)
    return np.array(
        [
            sess.run([loss, train_op], {images: i, labels: l})[0]
            for i, l in batches
        ]
    )


def _check_trained(checkpoint):
  """Checks that training can resume from a checkpoint.

  Args:
    checkpoint: checkpoints.Checkpoint.

  Raises:
    CheckpointError: the checkpoint was saved by another model, or contains only
      averages, like the published checkpoint.
  """
  network = config_lib.Network()
  with tf.Graph().as_default():
    shape = [1, cifar10.IMAGE_SIZE, cifar10.IMAGE_SIZE, 3]
    loss = cifar10.loss(
        models.network(network).inference(tf.zeros(shape), network),
        tf.zeros([1], tf.int32),
    )
    cifar10.train(
        loss, tf.train.get_or_create_global_step(), config_lib.Train()
    )
    checkpoint.check_fits(
        {v.op.name: v for v in tf.global_variables()},
        'specify a checkpoint of cifar10_train with --checkpoint_dir',
    )
  checkpoint.verify()


def loss_curves(checkpoint, batches):
  """Trains four times from a checkpoint, each time in a separate process.

  TensorFlow reads the oneDNN setting at load time, and creates its threads with
  the first session.

  Returns:
    dict from 'literal', 'one thread', 'without oneDNN' and 'fast' to float
    arrays.
  """
  with tempfile.TemporaryDirectory() as scratch:
    path = os.path.join(scratch, 'batches.npz')
    images, labels = map(np.stack, zip(*batches))
    np.savez(path, images=images, labels=labels)
    return {
        name: np.array(
            json.loads(
                processes.run(
                    processes.tool('parity.fast_network'),
                    ['--losses', network, threads, checkpoint, path],
                    'a training run failed',
                    env={startup.ONEDNN: with_onednn},
                )
            )
        )
        for name, network, threads, with_onednn in (
            ('literal', 'literal', '0', '1'),
            ('one thread', 'literal', '1', '1'),
            ('without oneDNN', 'literal', '0', '0'),
            ('fast', 'fast', '0', '1'),
        )
    }


def _print_losses(network, threads, checkpoint, path):
  """Prints the losses of a run as JSON; loss_curves() runs it in a process."""
  batches = np.load(path)
  values = losses(
      config_lib.Network(fast_network=network == 'fast'),
      checkpoint,
      list(zip(batches['images'], batches['labels'])),
      intra_op_threads=int(threads),
  )
  print(json.dumps(values.tolist()))


def curve_differences(curves):
  """Compares each run's losses with the literal run's.

  Args:
    curves: dict from name to float array, one of them 'literal'.

  Returns:
    dict from each name except 'literal' to {number of steps: largest relative
    difference from the literal loss up to that step}.
  """
  literal = curves['literal']
  return {
      name: {
          str(steps): float(np.abs(curve / literal - 1)[:steps].max())
          for steps in _STEPS_TOLD
          if steps <= len(literal)
      }
      for name, curve in curves.items()
      if name != 'literal'
  }


def is_within_bounds(result):
  """Returns whether a result is within the bounds in the module's docstring.

  Args:
    result: dict with parts, from fast_parts.part_errors(), and losses, from
      curve_differences().
  """
  fast = result['losses']['fast']
  literal = [v for k, v in result['losses'].items() if k != 'fast']
  # The first steps of the literal runs can be bit-identical.
  later_bound = max(
      FIRST_LOSS_BOUND,
      CURVE_BOUND * max(max(curve.values()) for curve in literal),
  )
  return (
      all(row['fast'] <= PART_BOUND for row in result['parts'])
      and fast['1'] <= FIRST_LOSS_BOUND
      and max(fast.values()) <= later_bound
  )


def tables(result):
  """Returns a result as two tables, each a pair (columns, rows) of strings."""
  parts = [
      [row['part'], row['of'], '%.1e' % row['literal'], '%.1e' % row['fast']]
      for row in result['parts']
  ]
  curves = result['losses']
  steps = sorted(map(int, curves['fast']))
  return (
      (['part', 'quantity', 'default', '--fast'], parts),
      (
          ['largest difference up to step'] + [str(s) for s in steps],
          [
              [name] + ['%.1e' % curve[str(s)] for s in steps]
              for name, curve in curves.items()
          ],
      ),
  )


@command_line.program('fast_network')
def main(argv):
  parser = command_line.Parser(
      prog='fast_network',
      description=__doc__,
  )
  parser.add_argument('--data_dir', metavar='DIR')
  parser.add_argument(
      '--checkpoint_dir',
      metavar='DIR',
      help='directory of a training run that is past the loss plateau',
  )
  parser.add_argument(
      '--steps',
      type=int,
      default=200,
      help='number of steps in each run (default 200)',
  )
  parser.add_argument(
      '--losses',
      nargs=4,
      metavar=('NETWORK', 'THREADS', 'CHECKPOINT', 'BATCHES'),
      help=argparse.SUPPRESS,  # Only loss_curves() uses this flag.
  )
  parser.add_argument('--json', metavar='FILE', help='file for the results')
  args = parser.parse_args(argv)
  if args.losses:
    tf.disable_v2_behavior()
    _print_losses(*args.losses)
    return 0
  if not args.data_dir or not args.checkpoint_dir:
    parser.error('--data_dir and --checkpoint_dir are required')
  errors.UsageError.raise_if(
      args.steps < 1, '--steps=%d: it must be at least 1' % args.steps
  )

  tf.disable_v2_behavior()
  dataset = datasets.CIFAR10
  data_dir = command_line.path(args.data_dir)
  checkpoint = checkpoint_list.newest(command_line.path(args.checkpoint_dir))
  _check_trained(checkpoint)
  batches = draw_batches(
      data_dir, args.steps, batch_size=config_lib.BATCH_SIZE, dataset=dataset
  )
  result = {
      'parts': fast_parts.part_errors(checkpoint.path, batches[0]),
      'losses': curve_differences(loss_curves(checkpoint.path, batches)),
  }
  for columns, table in tables(result):
    print(text_tables.text(table, heads=columns))
  if args.json:
    result['manifest'] = manifest.manifest(
        dataset=dataset,
        data_dir=data_dir,
        flags={
            'steps': args.steps,
            'checkpoint_step': checkpoint.step,
        },
        seed=1,
    )
    json_files.write(command_line.path(args.json), result)
  return 0 if is_within_bounds(result) else 1


if __name__ == '__main__':
  sys.exit(main())
