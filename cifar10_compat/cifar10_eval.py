"""Evaluates the CIFAR-10 network's checkpoints as they appear.

Prints the precision of --checkpoint_dir's newest checkpoint every
--eval_interval_secs seconds, or once.  Example:

  cifar10_eval --dataset=synthetic --checkpoint_dir=/tmp/synthetic --run_once
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

from datetime import datetime
import math
import os

from absl import flags
import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import cifar10
from cifar10_compat import cifar10_download
from cifar10_compat import cifar10_input
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat import signals
from cifar10_compat import training

# How precision is counted.
EXACT = 'exact'  # Each image once.
HISTORICAL = 'historical'  # As in 2016: draws from a shuffling queue.


def eval_once(saver, summary_writer, top_k_op, summary_op, init_op, checkpoint,
              num_examples, batch_size, exact=True, config=None, stop=None):
  """Evaluates one checkpoint in a session of its own.

  Args:
    saver: tf.train.Saver of what is restored.
    summary_writer: tf.summary.FileWriter.
    top_k_op: bool tensor of shape [images], whether each was recognized.
    summary_op: string tensor of shape [], a serialized Summary.
    init_op: Operation that initializes the local variables, the counter of
      epochs among them.
    checkpoint: str, its path ends with -STEP.
    num_examples: int, how many images to score.  Without exact it is rounded
      up to whole batches.
    batch_size: int.
    exact: bool, whether the input is one epoch, of which the first num_examples
      images count, or endless.
    config: tf.ConfigProto or None.
    stop: signals.StopRequest.

  Returns:
    float, the precision, 0 to 1; None if stopped before the end.

  Raises:
    DataError: the input ended too soon, or its files are damaged.
    tf.errors.NotFoundError: the checkpoint is not there any more.
  """
  stop = stop or signals.StopRequest()
  if not exact:
    num_examples = int(math.ceil(num_examples / batch_size)) * batch_size
  true_count = 0
  total_sample_count = 0
  summary = tf.Summary()
  with tf.Session(config=config) as sess:
    sess.run(init_op)
    saver.restore(sess, checkpoint)

    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    with training.input_errors_as_data_errors():
      try:
        if exact:
          # A run of its own, as below, would use up a batch of the epoch.
          predictions, serialized = sess.run([top_k_op, summary_op])
        else:
          predictions = sess.run(top_k_op)
        while True:
          # The last batch of a partial epoch may go beyond num_examples.
          predictions = predictions[:num_examples - total_sample_count]
          true_count += np.sum(predictions)
          total_sample_count += len(predictions)
          if stop.requested or total_sample_count == num_examples:
            break
          predictions = sess.run(top_k_op)
        if not exact:
          serialized = sess.run(summary_op)
      except tf.errors.OutOfRangeError:
        pass  # The count tells, unless a reader failed: join() raises that.
      finally:
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=10)

  if stop.requested:
    return None
  if total_sample_count != num_examples:
    raise errors.DataError(
        'the images ended after %d of %d: the files changed while they were '
        'read; run the evaluation again' % (total_sample_count, num_examples))

  precision = true_count / total_sample_count
  print('%s: precision @ 1 = %.3f' % (datetime.now(), precision), flush=True)

  summary.ParseFromString(serialized)
  summary.value.add(tag='Precision @ 1', simple_value=precision)
  summary_writer.add_summary(summary, checkpoints.step_of(checkpoint))
  summary_writer.flush()
  return precision


def mean_of_views(logits, num_views):
  """Averages the predictions for the views of each image.

  Args:
    logits: float32 tensor of shape [n * num_views, num_classes]; an image's
      views follow one another.
    num_views: int.

  Returns:
    float32 tensor of shape [n, num_classes], the mean probabilities.
  """
  probabilities = cifar10.predictions(logits)
  return tf.reduce_mean(
      tf.reshape(probabilities, [-1, num_views, logits.shape[1]]), 1)


def check_views(num_views, dataset, count):
  """Checks that images have so many views.

  Args:
    num_views: int.
    dataset: datasets.Dataset.
    count: EXACT or HISTORICAL.

  Raises:
    UsageError: they have not.
  """
  if num_views not in cifar10_input.NUM_VIEWS:
    raise errors.UsageError('views is %d: it must be one of %s' % (
        num_views, ', '.join(map(str, cifar10_input.NUM_VIEWS))))
  if num_views == 10 and not dataset.flip:
    raise errors.UsageError(
        'views is 10, of which 5 are mirror images, but those of data set %s '
        'mean something else: choose --views=5' % dataset.name)
  if num_views > 1 and count != EXACT:
    raise errors.UsageError(
        'views is %d and count is %r, which knows one view: choose '
        '--count=%s, or --views=1' % (num_views, count, EXACT))


def evaluate(data_dir, eval_dir, checkpoint_dir, dataset=datasets.CIFAR10,
             eval_data='test', batch_size=cifar10.BATCH_SIZE,
             num_examples=None, eval_interval_secs=60 * 5, run_once=False,
             count=EXACT, averaged=True, device='', allow_growth=False,
             stop=None, model=models.CIFAR10, num_views=1):
  """Evaluates the newest checkpoint, again and again.

  Args:
    data_dir: str, the directory that holds the set's directory.
    eval_dir: str, for event files; made if need be.
    checkpoint_dir: str, what a trainer calls train_dir; need not exist yet.
    dataset: datasets.Dataset.
    eval_data: 'test' or 'train_eval', the images to evaluate on.
    batch_size: int, at least 1.
    num_examples: int, at least 1, images to score; None: as many as the set has
      for evaluation.  EXACT scores at most as many as there are, HISTORICAL
      rounds up to whole batches.
    eval_interval_secs: number, seconds between two looks at checkpoint_dir.
    run_once: bool, evaluate the newest checkpoint and return.
    count: EXACT or HISTORICAL.
    averaged: bool, evaluate the variables' moving averages, not themselves.
    device: str, where the network is placed: '/cpu:0'; '' leaves it open.
    allow_growth: bool, take GPU memory as needed.
    stop: signals.StopRequest, ends the evaluation.
    model: models.Model.
    num_views: int, one of cifar10_input.NUM_VIEWS, whose predictions are
      averaged; more than 1 only with EXACT.

  Returns:
    float, the last precision, 0 to 1; None if there was none, or if the last
    evaluation was stopped.

  Raises:
    errors.UsageError, DataError, CheckpointError: see their texts.
  """
  stop = stop or signals.StopRequest()
  exact = count == EXACT
  if num_examples is None:
    num_examples = dataset.num_examples_per_epoch_for_eval
  errors.check_at_least_one(batch_size=batch_size, num_examples=num_examples)
  check_views(num_views, dataset, count)
  num_records = datasets.check(dataset, data_dir, eval_data == 'test')
  if exact:
    num_examples = min(num_examples, num_records)
  try:
    os.makedirs(eval_dir, exist_ok=True)
  except OSError as e:
    raise errors.UsageError('cannot write to eval_dir %s (%s): choose another '
                            'with --eval_dir' % (eval_dir, e.strerror)) from e

  with tf.Graph().as_default():
    images, labels = cifar10.inputs(eval_data == 'test', data_dir, batch_size,
                                    dataset, exact, num_views)

    with tf.device(device):
      logits = model.inference(images, dataset.num_classes)

      scores = logits if num_views == 1 else mean_of_views(logits, num_views)

      top_k_op = tf.nn.in_top_k(scores, labels, 1)

    variables_to_restore = checkpoints.trained_variables(averaged)
    saver = tf.train.Saver(variables_to_restore)

    summary_op = tf.summary.merge_all()

    init_op = tf.local_variables_initializer()

    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = allow_growth

    def evaluate_checkpoint(path):
      checkpoints.check_description(checkpoint_dir, dataset, model)
      checkpoints.check(path, variables_to_restore,
                        checkpoints.evaluation_remedy(averaged))
      return eval_once(saver, summary_writer, top_k_op, summary_op, init_op,
                       path, num_examples, batch_size, exact, config, stop)

    with tf.summary.FileWriter(eval_dir,
                               tf.get_default_graph()) as summary_writer:
      return _poll(evaluate_checkpoint, checkpoint_dir, eval_interval_secs,
                   run_once, stop)


def _poll(evaluate_checkpoint, checkpoint_dir, interval_secs, run_once, stop):
  """Evaluates each checkpoint that is the newest at a look; see evaluate().

  Args:
    evaluate_checkpoint: function of a path that returns the precision.
    checkpoint_dir: str.
    interval_secs: number of seconds.
    run_once: bool.
    stop: signals.StopRequest.

  Returns:
    float or None, see evaluate().
  """
  precision = None
  seen = None
  told = False
  while not stop.requested:
    path = (checkpoints.newest if run_once else checkpoints.latest)(
        checkpoint_dir)
    if path is None:
      if not told:
        print('Waiting for a first checkpoint in %s.' % checkpoint_dir,
              flush=True)
        told = True
    elif path != seen:
      try:
        precision = evaluate_checkpoint(path)
        seen = path
      except tf.errors.NotFoundError as e:
        # A trainer keeps its newest five, and this one can have become older.
        if checkpoints.latest(checkpoint_dir) != path:
          continue
        if run_once:
          raise checkpoints.not_there(path) from e
    if run_once:
      break
    stop.wait(interval_secs)
  return precision


# What --help shows first.
_FIRST_FLAGS = ('data_dir', 'checkpoint_dir', 'eval_dir', 'dataset', 'model',
                'run_once', 'eval_interval_secs', 'averaged', 'views')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_checkpoint_flags()
  flags.DEFINE_string('eval_dir', '/tmp/cifar10_eval',
                      'Directory for event files.')
  flags.DEFINE_enum('eval_data', 'test', ['test', 'train_eval'],
                    'Images to evaluate on.')
  flags.DEFINE_integer('eval_interval_secs', 60 * 5,
                       'Seconds between two looks for a new checkpoint.',
                       lower_bound=0)
  flags.DEFINE_integer('num_examples', None,
                       'Images to score; as many as the set has for '
                       'evaluation if not given, 10000 for CIFAR-10.',
                       lower_bound=1)
  flags.DEFINE_boolean('run_once', False,
                       'Evaluate the newest checkpoint and end.')
  flags.DEFINE_enum('count', EXACT, [EXACT, HISTORICAL],
                    'Score each image once, or draw whole batches from a '
                    'shuffling queue as in 2016.')
  flags.DEFINE_integer('views', 1,
                       'Views of an image whose predictions are averaged: 1, '
                       'the middle; 5, the four corners and the middle; 10, '
                       'these and the same flipped.')
  flags.DEFINE_string('device', '',
                      'Where the network runs, for instance /cpu:0 beside a '
                      'trainer that has the GPU; empty leaves it open.')
  shared_flags.define_session_flags()


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  check_views(FLAGS.views, dataset, FLAGS.count)  # Before a long download.
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  cifar10_download.maybe_download_and_extract(data_dir, dataset, stop,
                                              FLAGS.data_url)
  evaluate(data_dir, shared_flags.user_path(FLAGS.eval_dir),
           shared_flags.user_path(FLAGS.checkpoint_dir), dataset,
           FLAGS.eval_data, FLAGS.batch_size, FLAGS.num_examples,
           FLAGS.eval_interval_secs, FLAGS.run_once, FLAGS.count,
           FLAGS.averaged, FLAGS.device, FLAGS.allow_growth, stop,
           models.get(FLAGS.model), FLAGS.views)


def console_main():
  """What the installed command cifar10_eval runs."""
  shared_flags.run(define_flags, main, _FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
