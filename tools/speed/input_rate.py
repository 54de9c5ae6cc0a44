"""Times the input alone, once its queue is full; a child of the benchmark.

  input_rate NAME --data_dir=DIR [--dataset=NAME] [--source=DIR] [--secs=3]

NAME is literal, fast, tf_data or tutorial, which needs --source.  Reports the
examples/s, the seconds until the first batch, and the mean and the standard
deviation of the pixels of the last batch.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib

from ..base import command_line
from ..base import training_graph
from ..editions import historical_graph
from . import children
from . import our_graphs
from . import tf_data_input

# Number of batches to discard after the first batch, at which the queue is
# full.
_WARM_UP_BATCHES = 20


def build(name, *, data_dir, batch_size, dataset, source):
  """Builds an input pipeline in the default graph.

  Args:
    name: str, see the module's docstring.
    data_dir: str, the parent directory of the set's directory.
    batch_size: int; the tutorial always uses 128.
    dataset: description.Dataset; the tutorial always uses CIFAR-10.
    source: str, like --source of //tools:historical; only for 'tutorial'.

  Returns:
    images, labels: tensors of a batch.
  """
  if name == 'tutorial':
    meta_graph = historical_graph.build_apart(source, data_dir)
    images, labels, _, _ = training_graph.import_parts(meta_graph)[1]
    return images, labels
  if name == 'tf_data':
    return tf_data_input.distorted_inputs(
        data_dir=data_dir, batch_size=batch_size, dataset=dataset
    )
  return our_graphs.distorted_inputs(
      name, data_dir=data_dir, batch_size=batch_size, dataset=dataset
  )


def measure(images, labels, *, secs):
  """Measures how fast the default graph's input yields batches.

  Args:
    images, labels: tensors of a batch.
    secs: float, the time to measure after the warm-up, in seconds; at least one
      batch is drawn.

  Returns:
    dict with examples_per_second, fill_seconds, mean and stddev.
  """
  # Run the batch's op without fetching values: copying is not part of the
  # input's work.
  batch = tf.group(images.op, labels.op)
  with tf.Session() as session:
    session.run([tf.local_variables_initializer(), tf.tables_initializer()])
    coord = tf.train.Coordinator()
    started = time.monotonic()
    threads = tf.train.start_queue_runners(session, coord)
    try:
      session.run(batch)
      fill_seconds = time.monotonic() - started
      for _ in range(_WARM_UP_BATCHES):
        session.run(batch)
      batches, seconds = children.timed(lambda: session.run(batch), secs)
      pixels = session.run(images)
    finally:
      coord.request_stop()
      session.close()  # Cancel the blocking operations of the threads.
      coord.join(threads, stop_grace_period_secs=10)
  return {
      'examples_per_second': batches * len(pixels) / seconds,
      'fill_seconds': fill_seconds,
      'mean': float(np.mean(pixels)),
      'stddev': float(np.std(pixels)),
  }


@command_line.program('input_rate')
def main(argv):
  parser = command_line.Parser(prog='input_rate')
  parser.add_argument('name')
  parser.add_argument('--data_dir', required=True)
  parser.add_argument('--dataset', default='cifar10')
  parser.add_argument('--batch_size', type=int, default=config_lib.BATCH_SIZE)
  parser.add_argument('--source')
  parser.add_argument('--secs', type=float, default=3.0)
  args = parser.parse_args(argv)
  tf.disable_v2_behavior()
  with tf.Graph().as_default():
    images, labels = build(
        args.name,
        data_dir=args.data_dir,
        batch_size=args.batch_size,
        dataset=config_lib.get_dataset(args.dataset),
        source=args.source,
    )
    values = measure(images, labels, secs=args.secs)
  children.report(**values)
  return 0


if __name__ == '__main__':
  sys.exit(main())
