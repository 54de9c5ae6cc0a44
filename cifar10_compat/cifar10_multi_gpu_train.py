"""Trains the CIFAR-10 network on several devices of one machine.

Each of --num_gpus towers takes a batch of its own through the network; their
gradients are averaged on the CPU, which holds the variables, and make one
update.  Resumes, and stops on Ctrl-C, as cifar10_train does.  Example, for a
machine without a GPU:

  cifar10_multi_gpu_train --num_gpus=2 --tower_devices=cpu --batch_size=64 \\
      --dataset=synthetic --train_dir=/tmp/towers --max_steps=700
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import re

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_download
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat import summaries
from cifar10_compat import training

# What --tower_devices can be.
GPU = 'gpu'
CPU = 'cpu'


def tower_loss(scope, inputs, num_classes, reuse, model=models.CIFAR10):
  """Builds the network and its loss for one tower.

  Args:
    scope: str, the prefix of the tower's ops, 'tower_0/' for instance.
    inputs: function without arguments that returns images, float32
      [batch_size, 24, 24, 3], and labels, int32 [batch_size].
    num_classes: int.
    reuse: bool, share the variables of an earlier tower.
    model: models.Model.

  Returns:
    float32 tensor of shape [], the tower's total loss.
  """
  # Today a queue can be on a GPU, a reader cannot, and both must be together.
  with tf.device('/cpu:0'):
    images, labels = inputs()

  # In 2016 reuse was switched on for all that followed, and so for the loss
  # averages, which each tower has for itself: a second tower could not make
  # its own.
  with tf.variable_scope(tf.get_variable_scope(), reuse=reuse):
    logits = model.inference(images, num_classes)

  # Its sum would be that of all towers so far: the collection is one.
  _ = cifar10.loss(logits, labels)

  losses = tf.get_collection('losses', scope)

  total_loss = tf.add_n(losses, name='total_loss')

  loss_averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
  loss_averages_op = loss_averages.apply(losses + [total_loss])

  for l in losses + [total_loss]:
    # The same tag whichever tower it is, so that the curves of runs overlay.
    loss_name = re.sub('%s_[0-9]*/' % cifar10.TOWER_NAME, '', l.op.name)
    # The average has the plain name, since it is what one looks at.
    summaries.scalar_summary(loss_name + ' (raw)', l)
    summaries.scalar_summary(loss_name, loss_averages.average(l))

  with tf.control_dependencies([loss_averages_op]):
    total_loss = tf.identity(total_loss)
  return total_loss


def average_gradients(tower_grads):
  """Averages each variable's gradients over the towers, which it waits for.

  Args:
    tower_grads: list over towers of lists of (gradient, variable), a float32
      tensor of the variable's shape and the variable, in one order.

  Returns:
    List of (mean gradient, variable) in that order.
  """
  average_grads = []
  for grad_and_vars in zip(*tower_grads):
    grads = [tf.expand_dims(g, 0) for g, _ in grad_and_vars]
    grad = tf.concat(grads, 0)
    grad = tf.reduce_mean(grad, 0)

    # The towers share the variable, so the first one's will do.
    average_grads.append((grad, grad_and_vars[0][1]))
  return average_grads


def build(inputs, global_step, tower_devices,
          num_classes=cifar10.NUM_CLASSES, batch_size=cifar10.BATCH_SIZE,
          num_examples_per_epoch=cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN,
          model=models.CIFAR10):
  """Builds all towers and the one update they make together.

  To be called under tf.device('/cpu:0'), where the averaging then runs.

  Args:
    inputs: function without arguments, called once in each tower: see
      tower_loss().
    global_step: integer variable, counts the updates.
    tower_devices: list of str, each tower's device.
    num_classes: int.
    batch_size: int, for the length of an epoch in updates; as in 2016 the
      images of one tower, though an update sees those of all.
    num_examples_per_epoch: int.
    model: models.Model.

  Returns:
    train_op: Operation that makes one update.
    loss: float32 tensor of shape [], the last tower's, as in 2016.
    summary_op: string tensor of shape [], the last tower's summaries and those
      of the update.
  """
  lr = cifar10.learning_rate(global_step, batch_size, num_examples_per_epoch)

  opt = tf.train.GradientDescentOptimizer(lr)

  tower_grads = []
  for i, device in enumerate(tower_devices):
    with tf.device(device):
      with tf.name_scope('%s_%d' % (cifar10.TOWER_NAME, i)) as scope:
        loss = tower_loss(scope, inputs, num_classes, i > 0, model)

        tower_summaries = tf.get_collection(tf.GraphKeys.SUMMARIES, scope)

        tower_grads.append(opt.compute_gradients(loss))

  grads = average_gradients(tower_grads)

  tower_summaries.append(summaries.scalar_summary('learning_rate', lr))

  for grad, var in grads:
    tower_summaries.append(
        summaries.histogram_summary(var.op.name + '/gradients', grad))

  apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)

  for var in tf.trainable_variables():
    tower_summaries.append(summaries.histogram_summary(var.op.name, var))

  variable_averages = tf.train.ExponentialMovingAverage(
      cifar10.MOVING_AVERAGE_DECAY, global_step)
  variables_averages_op = variable_averages.apply(tf.trainable_variables())

  train_op = tf.group(apply_gradient_op, variables_averages_op)

  return train_op, loss, tf.summary.merge(tower_summaries)


def prefetch_queue(images, labels, num_towers):
  """Puts batches into a queue that several towers take them from.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3].
    labels: int32 tensor of shape [batch_size].
    num_towers: int; the queue holds two batches for each.

  Returns:
    Function without arguments that adds an op to take a batch, and returns
    images and labels of those shapes.
  """
  queue = tf.FIFOQueue(2 * num_towers, [images.dtype, labels.dtype],
                       [images.shape, labels.shape], name='prefetch_queue')
  tf.train.add_queue_runner(
      tf.train.QueueRunner(queue, [queue.enqueue([images, labels])]))
  return queue.dequeue


def _placements(tower_devices, config):
  """Returns where ops of each tower really run, such as '/device:CPU:0'."""
  with tf.Graph().as_default():
    ops = []
    for i, device in enumerate(tower_devices):
      with tf.device(device):
        # Random, so that no optimization puts another op in its place.
        ops.append(tf.random.uniform([], name='tower_%d' % i).op)
    metadata = tf.RunMetadata()
    with tf.Session(config=config) as session:
      session.run(ops, options=tf.RunOptions(output_partition_graphs=True),
                  run_metadata=metadata)
  placed = {node.name: node.device for graph in metadata.partition_graphs
            for node in graph.node}
  return ['/' + placed['tower_%d/RandomUniform' % i].rpartition('/')[2]
          for i in range(len(tower_devices))]


def train(data_dir, train_dir, num_gpus=1, dataset=datasets.CIFAR10,
          batch_size=cifar10.BATCH_SIZE, max_steps=1000000,
          log_device_placement=False, tower_devices=GPU, shared_input=False,
          decay_by_examples=False, allow_growth=False, fresh=False, stop=None,
          model=models.CIFAR10):
  """Trains for a number of steps, counted from the very first.

  Args:
    data_dir: str, the directory that holds the set's directory.
    train_dir: str, for checkpoints and event files; made if need be.
    num_gpus: int, at least 1, the number of towers.
    dataset: datasets.Dataset.
    batch_size: int, at least 1, images of one tower.
    max_steps: int, at least 1.
    log_device_placement: bool, print where each op runs.
    tower_devices: GPU or CPU.  Towers on CPU get a CPU device each, which
      share the machine's cores.
    shared_input: bool, draw all towers' batches from one shuffling queue, on
      the CPU, instead of one for each tower.
    decay_by_examples: bool, let the learning rate drop every 350 epochs of
      images seen by all towers, instead of by one.
    allow_growth: bool, take GPU memory as needed.
    fresh: bool, remove an earlier run's checkpoints and event files first.
    stop: signals.StopRequest, ends training after the step at hand.
    model: models.Model.

  Returns:
    (int, float): the global step reached and the last step's loss of the last
    tower, None if there was no step left to make.

  Raises:
    errors.UsageError, DataError, CheckpointError, DivergedError: see their
      texts, and training.run().
  """
  errors.check_at_least_one(num_gpus=num_gpus, batch_size=batch_size,
                            max_steps=max_steps)
  unchanged = datasets.watch(dataset, data_dir)
  training.prepare_train_dir(train_dir, dataset, model, fresh)
  finished = training.finished_step(train_dir, max_steps)
  if finished is not None:
    return finished, None

  devices = ['/%s:%d' % (tower_devices, i) for i in range(num_gpus)]
  # Some ops have no GPU version.
  config = tf.ConfigProto(allow_soft_placement=True,
                          log_device_placement=log_device_placement)
  config.gpu_options.allow_growth = allow_growth
  if tower_devices == CPU:
    config.device_count[CPU.upper()] = num_gpus
  placements = _placements(devices, config)
  if any(not p.lower().endswith(d[1:]) for p, d in zip(placements, devices)):
    print('There are fewer GPUs than towers: %s.' % ', '.join(
        'tower_%d runs on %s' % t for t in enumerate(placements)), flush=True)

  with tf.Graph().as_default(), tf.device('/cpu:0'):
    global_step = tf.train.get_or_create_global_step()

    def inputs():
      return cifar10.distorted_inputs(data_dir, batch_size, dataset)

    if shared_input:
      images, labels = inputs()
      shared_summaries = tf.get_collection(tf.GraphKeys.SUMMARIES)
      inputs = prefetch_queue(images, labels, num_gpus)

    train_op, loss, summary_op = build(
        inputs, global_step, devices, dataset.num_classes,
        batch_size * num_gpus if decay_by_examples else batch_size,
        dataset.num_examples_per_epoch_for_train, model)
    if shared_input:
      summary_op = tf.summary.merge([summary_op] + shared_summaries)

    saver = tf.train.Saver(tf.global_variables())

    return training.run(train_op, loss, train_dir, max_steps, batch_size, saver,
                        summary_op, unchanged.check, num_gpus, config, stop)


# What --help shows first.
_FIRST_FLAGS = ('num_gpus', 'tower_devices', 'batch_size', 'data_dir',
                'train_dir', 'max_steps', 'dataset', 'model', 'shared_input',
                'fresh')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_training_flags()
  flags.DEFINE_integer('num_gpus', 1, 'Towers.', lower_bound=1)
  flags.DEFINE_enum('tower_devices', GPU, [GPU, CPU],
                    'What towers run on: GPUs, or CPU devices that share the '
                    "machine's cores.")
  flags.DEFINE_boolean('shared_input', False,
                       "Draw all towers' batches from one shuffling queue "
                       'instead of one for each tower.')
  shared_flags.define_decay_flags()
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
  train(data_dir, shared_flags.user_path(FLAGS.train_dir), FLAGS.num_gpus,
        dataset, FLAGS.batch_size, FLAGS.max_steps, FLAGS.log_device_placement,
        FLAGS.tower_devices, FLAGS.shared_input, FLAGS.decay_by_examples,
        FLAGS.allow_growth, FLAGS.fresh, stop, models.get(FLAGS.model))


def console_main():
  """What the installed command cifar10_multi_gpu_train runs."""
  shared_flags.run(define_flags, main, _FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
