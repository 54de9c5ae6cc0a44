"""Evaluates the CIFAR-10 network's checkpoints as they appear.

Prints the precision of the newest checkpoint in --checkpoint_dir every
--eval_interval_secs seconds, or once.  Example:

  cifar10_eval --dataset=synthetic --checkpoint_dir=/tmp/synthetic --run_once
"""

# First: TensorFlow reads the environment that they set while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import onednn  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

from datetime import datetime
import math
import os

from absl import flags
import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import input_errors
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes
from cifar10_compat.training import polling

# How precision is counted.
EXACT = 'exact'  # Each image once.
HISTORICAL = 'historical'  # As in 2016: draws from a shuffling queue.


def eval_once(saver, summary_writer, top_k_op, summary_op, *, init_op,
              checkpoint, num_examples, batch_size, exact=True, config=None,
              stop=None):
  """Evaluates one checkpoint in a session of its own.

  Args:
    saver: tf.train.Saver of what is restored.
    summary_writer: event_writer.EventWriter, or a tf.summary.FileWriter.
    top_k_op: bool tensor of shape [images], whether each was recognized.
    summary_op: string tensor of shape [], a serialized Summary.
    init_op: Operation that initializes the local variables, the counter of
      epochs among them.
    checkpoint: str, its path ends with -STEP.
    num_examples: int, how many images to score.  Without exact it is rounded
      up to whole batches.
    batch_size: int.
    exact: bool.  If true, the input is one epoch, of which the first
      num_examples images count; if false, it has no end.
    config: tf.ConfigProto or None.
    stop: signals.StopRequest or None.

  Returns:
    float, the precision, 0 to 1; None if stopped before the end.

  Raises:
    DataError: the input ended too soon, or its files are damaged.
    UnusableCheckpointError: the checkpoint is gone or damaged.
    WriteError: the summaries cannot be written.
  """
  stop = stop or signals.StopRequest()
  if not exact:
    num_examples = int(math.ceil(num_examples / batch_size)) * batch_size
  with tf.Session(config=config) as sess:
    sess.run(init_op)
    checkpoints.restore(saver, sess, checkpoint)

    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    with input_errors.as_data_errors():
      try:
        true_count, total_sample_count, serialized = _count(
            sess, top_k_op, summary_op=summary_op, num_examples=num_examples,
            exact=exact, stop=stop)
      finally:
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=10)

  if stop.requested:
    return None
  _check_count(total_sample_count, num_examples)

  precision = true_count / total_sample_count
  print('%s: precision @ 1 = %.3f' % (datetime.now(), precision), flush=True)

  summary = tf.Summary.FromString(serialized)
  summary.value.add(tag='Precision @ 1', simple_value=precision)
  summary_writer.add_summary(summary, checkpoints.step_of(checkpoint))
  summary_writer.flush()
  return precision


def evaluate(*, data_dir, eval_dir, checkpoint_dir, dataset=datasets.CIFAR10,
             model=models.CIFAR10, eval_data='test',
             batch_size=cifar10.BATCH_SIZE, num_examples=None,
             eval_interval_secs=60 * 5, run_once=False, count=EXACT,
             num_views=1, averaged=True, device='', allow_growth=False,
             stop=None):
  """Evaluates the newest checkpoint, again and again.

  Args:
    data_dir, dataset, model, batch_size, num_views, averaged, device: see
      build().
    eval_dir: str, for event files; made if need be.
    checkpoint_dir: str, the trainer's train_dir; need not exist yet.
    eval_data: 'test' or 'train_eval', the images to evaluate on.
    num_examples: int, at least 1, or None for as many as the set has for
      evaluation.  EXACT scores at most as many as the files hold; HISTORICAL
      rounds up to whole batches.
    eval_interval_secs: number, seconds between two checks for a checkpoint.
    run_once: bool, evaluate the newest checkpoint and return.
    count: EXACT or HISTORICAL.
    allow_growth: bool, take GPU memory as needed.
    stop: signals.StopRequest or None, ends the evaluation.

  Returns:
    float, the last precision, 0 to 1; None if there was none, or if the last
    evaluation was stopped.

  Raises:
    UsageError, DataError, CheckpointError, WriteError: see their messages.
  """
  stop = stop or signals.StopRequest()
  check_views(num_views, dataset=dataset, count=count)
  _check_device(device)
  if num_examples is None:
    num_examples = dataset.num_examples_per_epoch_for_eval
  errors.check_at_least_one(batch_size=batch_size, num_examples=num_examples)
  unchanged = checks.watch(dataset, data_dir, eval_data == 'test')
  if count == EXACT:
    num_examples = min(num_examples, unchanged.records)
  _make_eval_dir(eval_dir)

  with tf.Graph().as_default():
    top_k_op, variables_to_restore = build(
        eval_data == 'test', data_dir=data_dir, dataset=dataset, model=model,
        batch_size=batch_size, one_epoch=count == EXACT, num_views=num_views,
        averaged=averaged, device=device)
    saver = tf.train.Saver(variables_to_restore)
    summary_op = tf.summary.merge_all()
    init_op = tf.local_variables_initializer()
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = allow_growth

    def evaluate_checkpoint(path):
      notes.check(checkpoint_dir, dataset, model)
      try:
        checkpoints.check(path, variables_to_restore,
                          checkpoints.evaluation_remedy(averaged))
      except tf.errors.NotFoundError as e:
        raise checkpoints.not_there(path) from e
      # Days may have gone by.
      unchanged.check()
      precision = eval_once(
          saver, summary_writer, top_k_op, summary_op, init_op=init_op,
          checkpoint=path, num_examples=num_examples, batch_size=batch_size,
          exact=count == EXACT, config=config, stop=stop)
      unchanged.check()
      return precision

    with event_writer.EventWriter(eval_dir,
                                  tf.get_default_graph()) as summary_writer:
      if run_once:
        return polling.once(evaluate_checkpoint, checkpoint_dir)
      return polling.repeatedly(evaluate_checkpoint, checkpoint_dir,
                                interval_secs=eval_interval_secs, stop=stop)


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  # Before a long download.
  check_views(FLAGS.views, dataset=dataset, count=FLAGS.count)
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  cifar10.maybe_download_and_extract(data_dir=data_dir, dataset=dataset,
                                     mirrors=FLAGS.data_url, stop=stop)
  evaluate(data_dir=data_dir,
           eval_dir=shared_flags.user_path(FLAGS.eval_dir),
           checkpoint_dir=shared_flags.get_checkpoint_dir(FLAGS),
           dataset=dataset,
           model=shared_flags.get_model(FLAGS),
           eval_data=FLAGS.eval_data,
           batch_size=FLAGS.batch_size,
           num_examples=FLAGS.num_examples,
           eval_interval_secs=FLAGS.eval_interval_secs,
           run_once=FLAGS.run_once,
           count=FLAGS.count,
           num_views=FLAGS.views,
           averaged=FLAGS.averaged,
           device=FLAGS.device,
           allow_growth=FLAGS.allow_growth,
           stop=stop)


def build(eval_data, *, data_dir, dataset, model, batch_size, one_epoch,
          num_views, averaged, device):
  """Builds the input, the network, and the op that compares it with the labels.

  Args:
    eval_data: bool, whether to read the files for evaluation or for training.
    data_dir: str, the directory that holds the set's directory.
    dataset: description.Dataset.
    model: models.Model.
    batch_size: int, at least 1.
    one_epoch: bool, each image once instead of draws without end.
    num_views: int, one of cifar10_input.NUM_VIEWS: see check_views().
    averaged: bool, evaluate the moving averages of the variables, not their
      values.
    device: str, of the network: '/cpu:0'; '' leaves it to TensorFlow.

  Returns:
    top_k_op: bool tensor of shape [images], whether each was recognized.
    variables_to_restore: dict from key, str, to variable.
  """
  images, labels = model.inputs(
      eval_data=eval_data, data_dir=data_dir, batch_size=batch_size,
      dataset=dataset, one_epoch=one_epoch, num_views=num_views)

  with tf.device(device):
    logits = model.inference(images, num_classes=dataset.num_classes)

    scores = logits if num_views == 1 else mean_of_views(logits, num_views)

    top_k_op = tf.nn.in_top_k(scores, labels, 1)

  variable_averages = tf.train.ExponentialMovingAverage(
      cifar10.MOVING_AVERAGE_DECAY)
  variables_to_restore = variable_averages.variables_to_restore()
  if not averaged:
    variables_to_restore = {v.op.name: v for v in tf.trainable_variables()}

  return top_k_op, variables_to_restore


def _count(sess, top_k_op, *, summary_op, num_examples, exact, stop):
  """Scores batch after batch; the arguments are those of eval_once().

  Returns:
    true_count: int, how many images were recognized.
    total_sample_count: int, how many were scored.
    serialized: bytes, the value of summary_op, or None if the input ended.
  """
  true_count = 0
  total_sample_count = 0
  serialized = None
  try:
    if exact:
      # In a run of its own, as below, it would use up a batch of the epoch.
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
    pass  # The count shows it, unless a reader failed: join() raises that.
  return true_count, total_sample_count, serialized


def _check_count(total_sample_count, num_examples):
  if total_sample_count != num_examples:
    raise errors.DataError(
        'the images ended after %d of %d: the files changed while they were '
        'being read; run the evaluation again' %
        (total_sample_count, num_examples))


def _check_device(device):
  try:
    tf.DeviceSpec.from_string(device)
  except ValueError as e:
    raise errors.UsageError(
        'device %r is no name of a device: choose one like /cpu:0 or /gpu:1, or '
        'leave it to TensorFlow' % device) from e


def _make_eval_dir(eval_dir):
  try:
    os.makedirs(eval_dir, exist_ok=True)
  except OSError as e:
    raise errors.UsageError('cannot write to eval_dir %s (%s): choose another '
                            'with --eval_dir' % (eval_dir, e.strerror)) from e


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


def check_views(num_views, *, dataset, count):
  """Checks that an image has this number of views.

  Args:
    num_views: int.
    dataset: description.Dataset.
    count: EXACT or HISTORICAL.

  Raises:
    UsageError: it has not, or count is HISTORICAL, which knows one view.
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


# What --help shows first.
_FIRST_FLAGS = ('data_dir', 'checkpoint_dir', 'eval_dir', 'dataset', 'model',
                'run_once', 'eval_interval_secs', 'averaged', 'views')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_fast_flags()
  shared_flags.define_checkpoint_flags()
  flags.DEFINE_string('eval_dir', '/tmp/cifar10_eval',
                      'Directory for event files.')
  flags.DEFINE_enum('eval_data', 'test', ['test', 'train_eval'],
                    'Images to evaluate on.')
  flags.DEFINE_integer('eval_interval_secs', 60 * 5,
                       'Seconds between two checks for a new checkpoint.',
                       lower_bound=0)
  flags.DEFINE_integer('num_examples', None,
                       'Number of images to score. Default: the whole '
                       'evaluation set (10,000 for CIFAR-10).',
                       lower_bound=1)
  flags.DEFINE_boolean('run_once', False,
                       'Evaluate the newest checkpoint once and exit.')
  flags.DEFINE_enum('count', EXACT, [EXACT, HISTORICAL],
                    'Score each image once, or draw whole batches from a '
                    'shuffling queue as in 2016.')
  flags.DEFINE_integer('views', 1,
                       'Number of views of each image whose predictions are '
                       'averaged: 1 (the middle), 5 (the four corners and the '
                       'middle) or 10 (these and their mirror images).')
  flags.DEFINE_string('device', '',
                      'Device of the network, for instance /cpu:0 beside a '
                      'trainer that uses the GPU. Default: TensorFlow chooses.')
  shared_flags.define_session_flags()


def console_main():
  """What the installed command cifar10_eval runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
