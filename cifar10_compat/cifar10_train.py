"""Trains the CIFAR-10 network on one device.

Resumes from --train_dir if that holds a checkpoint.  Ctrl-C or SIGTERM ends
the training after the step at hand and saves it.  Example, with the images
drawn on the spot:

  cifar10_train --dataset=synthetic --train_dir=/tmp/synthetic --max_steps=700
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_download
from cifar10_compat import cifar10_input
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat import training


def train(data_dir, train_dir, dataset=datasets.CIFAR10,
          batch_size=cifar10.BATCH_SIZE, max_steps=1000000,
          log_device_placement=False, allow_growth=False, fresh=False,
          stop=None, model=models.CIFAR10,
          queue_fraction=cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
          profile_steps=()):
  """Trains for a number of steps, counted from the very first.

  Args:
    data_dir: str, the directory that holds the set's directory.
    train_dir: str, for checkpoints and event files; made if need be.
    dataset: datasets.Dataset.
    batch_size: int, at least 1.
    max_steps: int, at least 1.
    log_device_placement: bool, print where each op runs.
    allow_growth: bool, take GPU memory as needed.
    fresh: bool, remove an earlier run's checkpoints and event files first.
    stop: signals.StopRequest, ends training after the step at hand.
    model: models.Model.
    queue_fraction: float, 0 to 1, how much of an epoch the shuffling queue
      holds before the first step and at the least.
    profile_steps: ints, the steps whose ops are traced: see hooks.ProfileHook.

  Returns:
    (int, float): the global step reached and the last step's loss, None if
    there was no step left to make.

  Raises:
    errors.UsageError, DataError, CheckpointError, DivergedError: see their
      texts, and training.run().
  """
  errors.check_at_least_one(batch_size=batch_size, max_steps=max_steps)
  unchanged = datasets.watch(dataset, data_dir)
  training.prepare_train_dir(train_dir, dataset, model, fresh)
  finished = training.finished_step(train_dir, max_steps)
  if finished is not None:
    return finished, None

  with tf.Graph().as_default():
    global_step = tf.train.get_or_create_global_step()

    images, labels = cifar10.distorted_inputs(data_dir, batch_size, dataset,
                                              queue_fraction)

    logits = model.inference(images, dataset.num_classes)

    loss = cifar10.loss(logits, labels)

    train_op = cifar10.train(loss, global_step, batch_size,
                             dataset.num_examples_per_epoch_for_train)

    saver = tf.train.Saver(tf.global_variables())

    summary_op = tf.summary.merge_all()

    config = tf.ConfigProto(log_device_placement=log_device_placement)
    config.gpu_options.allow_growth = allow_growth

    return training.run(train_op, loss, train_dir, max_steps, batch_size, saver,
                        summary_op, unchanged.check, config=config, stop=stop,
                        profile_steps=profile_steps)


# What --help shows first.
_FIRST_FLAGS = ('data_dir', 'train_dir', 'max_steps', 'dataset', 'model',
                'batch_size', 'fresh')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_training_flags()
  flags.DEFINE_float('queue_fraction',
                     cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
                     'How much of an epoch the shuffling queue holds before '
                     'the first step; less starts sooner and shuffles less.',
                     lower_bound=0, upper_bound=1)
  flags.DEFINE_multi_integer(
      'profile_steps', [],
      'Write a trace of this step into --train_dir, timeline-STEP.json, which '
      'ui.perfetto.dev or chrome://tracing shows.', lower_bound=0)
  shared_flags.define_session_flags()


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  cifar10_download.maybe_download_and_extract(data_dir, dataset, stop,
                                              FLAGS.data_url)
  train(data_dir, shared_flags.user_path(FLAGS.train_dir), dataset,
        FLAGS.batch_size, FLAGS.max_steps, FLAGS.log_device_placement,
        FLAGS.allow_growth, FLAGS.fresh, stop, models.get(FLAGS.model),
        FLAGS.queue_fraction, FLAGS.profile_steps)


def console_main():
  """What the installed command cifar10_train runs."""
  shared_flags.run(define_flags, main, _FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
