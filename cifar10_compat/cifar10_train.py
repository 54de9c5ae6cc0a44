"""Trains the CIFAR-10 network on one device.

Resumes from the newest checkpoint in --train_dir.  Ctrl-C or SIGTERM stops
training after the current step and saves a checkpoint.  Example, with images
generated on the fly:

  cifar10_train --dataset=synthetic --train_dir=/tmp/synthetic --max_steps=700
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'Train')  # Run before TensorFlow loads.

from datetime import datetime
import time

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import signals
from cifar10_compat.training import hooks
from cifar10_compat.training import training_session


def train(config=config_lib.Train(), stop=signals.NEVER):
  """Trains up to a global step, resuming an earlier run if there is one.

  Args:
    config: config.Train.
    stop: signals.StopRequest that ends training after the current step.

  Returns:
    int, the global step reached.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError, StalledError,
      WriteError: see training_session.MonitoredTrainingSession().
  """
  network = models.network(config)

  with tf.Graph().as_default():
    # Find damaged files and set the seed before building any op.
    input_files = training_session.prepare(config)

    # The number of updates so far, which is saved so that a run can resume.
    global_step = tf.train.get_or_create_global_step()

    # Build batches of distorted images.  Threads keep a queue of images full,
    # so that a step need not wait for the input.
    images, labels = cifar10.distorted_inputs(config)

    # Compute the network's score for each class, before softmax.
    logits = network.inference(images, config)

    # The loss is the cross entropy plus weight decay, which keeps the weights
    # small.
    loss = cifar10.loss(logits, labels)

    # A training step updates the weights and all moving averages.
    train_op = cifar10.train(loss, global_step, config)

    # Save and restore every variable, including the moving averages.
    saver = tf.train.Saver(tf.global_variables())

    # Merge all summaries for TensorBoard into one op.
    summary_op = tf.summary.merge_all()

    class _LoggerHook(hooks.Hook):
      """Prints the loss and the speed every log_steps (10) steps."""

      def before_run(self, run_context):
        self._start_time = time.time()
        return tf.train.SessionRunArgs(loss)

      def after_run(self, run_context, run_values):
        duration = time.time() - self._start_time
        step = self.run.steps.before

        if step % config.log_steps == 0:
          loss_value = run_values.results
          examples_per_sec = config.batch_size / duration
          sec_per_batch = float(duration)

          format_str = ('%s: step %d, loss = %.2f (%.1f examples/sec; %.3f '
                        'sec/batch)')
          print(format_str % (datetime.now(), step, loss_value,
                              examples_per_sec, sec_per_batch), flush=True)

    # The session restores the newest checkpoint in config.train_dir and starts
    # the threads that fill the queue.  It writes summary_op every 100 steps and
    # saves model.ckpt-STEP at step 0, every 1,000 steps and at the end.  The
    # loop ends after the last step, on a request from `stop`, or with an error.
    # The session also saves the last step if the input or the output fails, but
    # not if the loss is NaN.
    with training_session.MonitoredTrainingSession(
        config, stop, input_files, saver=saver, summary_op=summary_op,
        hooks=[tf.train.StopAtStepHook(last_step=config.max_steps),
               hooks.NanTensorHook(loss),
               _LoggerHook()],
        session_config=tf.ConfigProto(
            log_device_placement=config.log_device_placement)) as mon_sess:
      while not mon_sess.should_stop():
        mon_sess.run(train_op)

  return mon_sess.step


def main(config, stop):
  """Runs the program.

  Args:
    config: config.Train.
    stop: signals.StopRequest.
  """
  tf.disable_v2_behavior()
  cifar10.maybe_download_and_extract(config, stop)
  train(config, stop)


def console_main():
  """Entry point of the installed command cifar10_train."""
  entry_points.run(config_lib.Train, main)


if __name__ == '__main__':
  console_main()
