"""Trains the CIFAR-10 network on one device.

Resumes from the newest checkpoint in --train_dir.  Ctrl-C or SIGTERM ends
training after the current step and saves it.  Example, with images that are
drawn on the spot:

  cifar10_train --dataset=synthetic --train_dir=/tmp/synthetic --max_steps=700
"""

# First: TensorFlow reads the environment that they set while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import onednn  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import hooks
from cifar10_compat.training import loop
from cifar10_compat.training import replay
from cifar10_compat.training import train_dirs


def train(*, data_dir, train_dir, dataset=datasets.CIFAR10,
          model=models.CIFAR10, batch_size=cifar10.BATCH_SIZE,
          max_steps=1000000, learning_rate=cifar10.INITIAL_LEARNING_RATE,
          log_device_placement=False, allow_growth=False, fresh=False,
          queue_fraction=cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
          profile_steps=(), seed=None, deterministic=False, stall_secs=0,
          leave=None, stop=None):
  """Trains for a number of steps, counted from the very first.

  Args:
    data_dir: str, the directory that holds the set's directory.
    train_dir: str, for checkpoints and event files; made if need be.
    dataset: description.Dataset.
    model: models.Model.
    batch_size: int, at least 1.
    max_steps: int, at least 1.
    learning_rate: float, above 0, that of the first steps.
    log_device_placement: bool, print where each op runs.
    allow_growth: bool, take GPU memory as needed.
    fresh: bool, remove an earlier run's checkpoints and event files first.
    queue_fraction: float, 0 to 1: see cifar10_input.distorted_inputs().
    profile_steps: ints, the steps to trace: see hooks.ProfileHook.
    seed: int or None, of the graph: see tf.set_random_seed().
    deterministic: bool, repeat a training of that seed in every bit, on the same
      machine and build: see training/replay.py.
    stall_secs, leave: see watchdog.Watchdog.
    stop: signals.StopRequest or None, ends it after the current step.

  Returns:
    (int, float): the global step reached and the last step's loss, None if no
    step was made.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError: see loop.Loop.run().
  """
  errors.check_at_least_one(batch_size=batch_size, max_steps=max_steps)
  replay.check_arguments(deterministic=deterministic, seed=seed)
  unchanged = checks.watch(dataset, data_dir)
  stop = stop or signals.StopRequest()

  with train_dirs.opened(train_dir, dataset=dataset, model=model,
                         fresh=fresh,
                         learning_rate=learning_rate) as directory, tf.Graph().as_default():
    tf.set_random_seed(seed)
    global_step = tf.train.get_or_create_global_step()

    images, labels = model.distorted_inputs(
        data_dir=data_dir, batch_size=batch_size, dataset=dataset,
        queue_fraction=queue_fraction, deterministic=deterministic)
    logits = model.inference(images, num_classes=dataset.num_classes)
    loss = cifar10.loss(logits, labels)
    train_op = cifar10.train(
        loss, global_step, batch_size=batch_size,
        num_examples_per_epoch=dataset.num_examples_per_epoch_for_train,
        initial_learning_rate=learning_rate, deterministic=deterministic)

    saver = tf.train.Saver(tf.global_variables())
    summary_op = tf.summary.merge_all()
    config = tf.ConfigProto(log_device_placement=log_device_placement)
    config.gpu_options.allow_growth = allow_growth

    training = loop.Loop(
        loop.Ops(train_op, loss, saver, summary_op), max_steps=max_steps,
        batch_size=batch_size, stop=stop, check_input=unchanged.check,
        stall_secs=stall_secs, leave=leave)
    further_hooks = [
        hooks.ProfileHook(train_dir, training.steps, profile_steps),
        hooks.InputHook(unchanged.check, stop)]
    if deterministic:
      further_hooks.append(
          replay.ReplayHook(train_op, summary_op, training.steps, stop))
    return training.run(directory, config=config, further_hooks=further_hooks)


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  cifar10.maybe_download_and_extract(data_dir=data_dir, dataset=dataset,
                                     mirrors=FLAGS.data_url, stop=stop)
  train(data_dir=data_dir,
        train_dir=shared_flags.user_path(FLAGS.train_dir),
        dataset=dataset,
        model=shared_flags.get_model(FLAGS),
        batch_size=FLAGS.batch_size,
        max_steps=FLAGS.max_steps,
        learning_rate=FLAGS.learning_rate,
        log_device_placement=FLAGS.log_device_placement,
        allow_growth=FLAGS.allow_growth,
        fresh=FLAGS.fresh,
        queue_fraction=FLAGS.queue_fraction,
        profile_steps=FLAGS.profile_steps,
        seed=FLAGS.seed,
        deterministic=FLAGS.deterministic,
        stall_secs=FLAGS.stall_secs,
        leave=lambda message: entry_points.leave(1, message),
        stop=stop)


# What --help shows first.
_FIRST_FLAGS = ('data_dir', 'train_dir', 'max_steps', 'dataset', 'model',
                'batch_size', 'fresh')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_fast_flags()
  shared_flags.define_training_flags()
  shared_flags.define_deterministic_flag()
  shared_flags.define_stall_flag()
  flags.DEFINE_float('queue_fraction',
                     cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE,
                     'Fraction of an epoch that the shuffling queue holds '
                     'before the first step; less starts sooner and shuffles '
                     'less.', lower_bound=0, upper_bound=1)
  flags.DEFINE_multi_integer(
      'profile_steps', [],
      'Write a trace of this step, timeline-STEP.json, into --train_dir; '
      'ui.perfetto.dev and chrome://tracing show it',
      lower_bound=0)
  shared_flags.define_session_flags()


def console_main():
  """What the installed command cifar10_train runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
