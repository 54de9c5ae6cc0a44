"""Evaluates checkpoints of the CIFAR-10 network as they appear.

Prints the precision of the newest checkpoint in --checkpoint_dir every
--eval_interval_secs seconds, or once.  Example:

  cifar10_eval --dataset=synthetic --checkpoint_dir=/tmp/synthetic --run_once
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'Eval')  # Run before TensorFlow loads.

from datetime import datetime
import math

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import input_errors
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import evaluation


def eval_once(saver, summary_writer, top_k_op, summary_op, config,
              last=None, stop=signals.NEVER):
  """Evaluates the newest checkpoint in a separate session.

  Args:
    saver: tf.train.Saver of checkpoints.trained_variables().
    summary_writer: event_writer.EventWriter, or a tf.summary.FileWriter.
    top_k_op: bool tensor of shape [images], True for each correct prediction.
    summary_op: string tensor of shape [], a serialized Summary.
    config: config.Eval with num_examples set: see with_num_examples().  If
      config.count is EXACT, the input is one epoch, and num_examples of its
      images are scored; otherwise num_examples is rounded up to a multiple of
      batch_size.
    last: (checkpoints.Checkpoint, float), the previous return value.  If this
      checkpoint is still the newest, eval_once() returns `last` immediately.
    stop: signals.StopRequest.

  Returns:
    The checkpoint and its precision, 0 to 1; None if the evaluation was
    stopped.

  Raises:
    NoCheckpointError, CheckpointListError: no checkpoint is found.
    UnusableCheckpointError: the checkpoint is missing or damaged.
    CheckpointError, UsageError: the checkpoint belongs to another model or data
      set.
    DataError: the images ended too soon, or their files are damaged.
    WriteError: the summaries cannot be written.
  """
  session_config = tf.ConfigProto(allow_soft_placement=True)
  session_config.gpu_options.allow_growth = config.allow_growth

  with tf.Session(config=session_config) as sess, (
      input_errors.as_data_errors()):
    # Restore the weights of the newest checkpoint, whose name contains the
    # step.
    checkpoint = checkpoint_list.newest(config.checkpoint_dir)
    if last and last[0] == checkpoint:
      return last
    sess.run([v.initializer for v in tf.local_variables()])
    checkpoint.restore(saver, sess, config)

    # Start the threads that fill the queue of images.
    coord = tf.train.Coordinator()
    threads = []
    precision = None
    try:
      for qr in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
        threads.extend(qr.create_threads(sess, coord=coord, daemon=True,
                                         start=True))

      num_iter = int(math.ceil(config.num_examples / config.batch_size))
      total_sample_count = (config.num_examples if config.one_epoch else
                            num_iter * config.batch_size)

      # Count correct predictions, batch by batch.
      true_count = 0
      sample_count = 0
      # Running summary_op consumes a batch.  One epoch has no batch to spare,
      # so compute the summaries with the first batch.
      serialized = []
      fetches = [top_k_op] + ([summary_op] if config.one_epoch else [])
      while (sample_count < total_sample_count and
             not coord.should_stop() and not stop.requested):
        predictions, *values = sess.run(fetches)
        serialized += values
        fetches = [top_k_op]
        # The last batch can contain more images than remain to be scored.
        predictions = predictions[:total_sample_count - sample_count]
        true_count += np.sum(predictions)
        sample_count += len(predictions)

      if sample_count == total_sample_count:
        # Precision @ 1: the fraction of correct predictions.
        precision = true_count / total_sample_count
        print('%s: precision @ 1 = %.3f' % (datetime.now(), precision),
              flush=True)

        # Show the precision in TensorBoard, beside the network's summaries.
        summary = tf.Summary()
        summary.ParseFromString(serialized[0] if serialized else
                                sess.run(summary_op))
        summary.value.add(tag='Precision @ 1', simple_value=precision)
        summary_writer.add_summary(summary, checkpoint.step)
    except Exception as e:  # pylint: disable=broad-except
      coord.request_stop(e)  # join() raises the exception, or its cause.
    finally:
      coord.request_stop()
      coord.join(threads, stop_grace_period_secs=10)

  if precision is None and not stop.requested:
    raise errors.DataError(
        'the images ended after %d of %d: the files changed while they were '
        'being read; run the evaluation again' %
        (sample_count, total_sample_count))
  return None if precision is None else (checkpoint, precision)


def evaluate(config=config_lib.Eval(), stop=signals.NEVER):
  """Evaluates the newest checkpoint, repeatedly or once.

  Args:
    config: config.Eval.
    stop: signals.StopRequest that ends the evaluation.

  Returns:
    float, the last precision, 0 to 1; None if no evaluation finished or the
    last evaluation was stopped.

  Raises:
    UsageError, DataError, CheckpointError, WriteError: the message describes
      the problem.
  """
  network = models.network(config)
  eval_data = config.eval_data == 'test'
  input_files = checks.watch(config.dataset, config.data_dir, eval_data)
  config = config.with_num_examples(input_files.records)

  with tf.Graph().as_default():
    # Build batches of central crops.  Threads keep a queue of images full.
    images, labels = cifar10.inputs(eval_data, config)

    # Compute the network's score for each class, before softmax.
    with _device(config.device):
      logits = network.inference(images, config)

      # Combine the predictions for all views of an image.
      if config.views > 1:
        logits = mean_of_views(logits, config.views)

      # Compare the highest-scoring class of each image with its label.
      top_k_op = tf.nn.in_top_k(logits, labels, 1)

    # Restore the moving averages in place of the weights, since they predict
    # better.  If averaged is False, restore the weights themselves.
    variable_averages = tf.train.ExponentialMovingAverage(
        cifar10.MOVING_AVERAGE_DECAY)
    variables_to_restore = variable_averages.variables_to_restore()
    saver = tf.train.Saver(variables_to_restore if config.averaged else None)

    # Merge all summaries for TensorBoard into one op.
    summary_op = tf.summary.merge_all()

    # Look for a new checkpoint every few minutes: a trainer may still be
    # running.
    last = None
    poll = evaluation.Poll(config, input_files)
    with poll.event_writer(
        tf.get_default_graph(), stop) as summary_writer:
      while not stop.requested:
        with poll.attempt():
          last = eval_once(saver, summary_writer, top_k_op, summary_op, config,
                           last, stop)
          if config.run_once:
            break
        stop.sleep(poll.secs)

  return last and last[1]


def main(config, stop):
  """Runs the program.

  Args:
    config: config.Eval.
    stop: signals.StopRequest.
  """
  tf.disable_v2_behavior()
  cifar10.maybe_download_and_extract(config, stop)
  evaluate(config, stop)


def mean_of_views(logits, num_views):
  """Averages the predictions for the views of each image.

  Args:
    logits: float32 tensor of shape [n * num_views, num_classes].  The views of
      an image are adjacent.
    num_views: int.

  Returns:
    float32 tensor of shape [n, num_classes], the mean probabilities.
  """
  probabilities = cifar10.predictions(logits)
  return tf.reduce_mean(
      tf.reshape(probabilities, [-1, num_views, logits.shape[1]]), 1)


def _device(name):
  """Returns tf.device(name); raises UsageError if the name is invalid."""
  try:
    tf.DeviceSpec.from_string(name)
  except ValueError as e:
    raise errors.UsageError(
        'device is %r, which is not a device name: choose one such as /cpu:0 '
        'or /gpu:1, or omit --device' % name) from e
  return tf.device(name)


def console_main():
  """Entry point of the installed command cifar10_eval."""
  entry_points.run(config_lib.Eval, main)


if __name__ == '__main__':
  console_main()
