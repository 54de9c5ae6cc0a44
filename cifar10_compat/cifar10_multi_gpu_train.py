"""Trains the CIFAR-10 network on several devices of one machine.

Each of --num_gpus towers takes a batch of its own through the network; their
gradients are averaged on the CPU, which holds the variables, and make one
update.  Resumes, and stops on Ctrl-C, as cifar10_train does.  Example, for a
machine without a GPU:

  cifar10_multi_gpu_train --num_gpus=2 --tower_devices=cpu --batch_size=64 \\
      --dataset=synthetic --train_dir=/tmp/towers --max_steps=700
"""

# First: TensorFlow reads the environment that they set while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import onednn  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import re

from absl import flags
from six.moves import xrange  # pylint: disable=redefined-builtin
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import hooks
from cifar10_compat.training import loop
from cifar10_compat.training import replay
from cifar10_compat.training import train_dirs

# What --tower_devices can be.
GPU = 'gpu'
CPU = 'cpu'


def tower_loss(scope, *, inputs, num_classes, reuse, model=models.CIFAR10):
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
  # Today a queue can be on a GPU and a reader cannot, and both must be on one
  # device.
  with tf.device('/cpu:0'):
    images, labels = inputs()

  # In 2016 reuse was switched on for all that followed, and so for the loss
  # averages, which each tower has for itself: a second tower could not make
  # its own.
  with tf.variable_scope(tf.get_variable_scope(), reuse=reuse):
    logits = model.inference(images, num_classes=num_classes)

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
    grads = []
    for g, _ in grad_and_vars:
      expanded_g = tf.expand_dims(g, 0)
      grads.append(expanded_g)

    grad = tf.concat(grads, 0)
    grad = tf.reduce_mean(grad, 0)

    # The towers share the variable, so the first one's will do.
    v = grad_and_vars[0][1]
    grad_and_var = (grad, v)
    average_grads.append(grad_and_var)
  return average_grads


def train(*, data_dir, train_dir, num_gpus=1, dataset=datasets.CIFAR10,
          model=models.CIFAR10, batch_size=cifar10.BATCH_SIZE,
          max_steps=1000000, learning_rate=cifar10.INITIAL_LEARNING_RATE,
          log_device_placement=False, tower_devices=GPU,
          shared_input=False, decay_by_examples=False, allow_growth=False,
          fresh=False, seed=None, deterministic=False, stall_secs=0, leave=None,
          stop=None):
  """Trains for a number of steps, counted from the very first.

  Args:
    data_dir, train_dir, dataset, model, max_steps, learning_rate,
      log_device_placement, allow_growth, fresh, seed, deterministic, stall_secs,
      leave, stop: see cifar10_train.train().
    num_gpus: int, at least 1, the number of towers.
    batch_size: int, at least 1, the number of images in a tower's batch.
    tower_devices: GPU or CPU.  Towers on CPU get a CPU device each; all of
      these share the machine's cores.
    shared_input: bool, draw the batches of all towers from one shuffling queue,
      on the CPU, instead of one for each tower.
    decay_by_examples: bool, let the learning rate drop every 350 epochs of
      images seen by all towers, instead of by one.

  Returns:
    (int, float): the global step reached and the last step's loss of the last
    tower, None if no step was made.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError: see loop.Loop.run().
  """
  errors.check_at_least_one(num_gpus=num_gpus, batch_size=batch_size,
                            max_steps=max_steps)
  replay.check_arguments(deterministic=deterministic, seed=seed,
                         shared_input=shared_input)
  unchanged = checks.watch(dataset, data_dir)
  stop = stop or signals.StopRequest()
  devices = ['/%s:%d' % (tower_devices, i) for i in xrange(num_gpus)]
  config = _session_config(devices, log_device_placement=log_device_placement,
                           allow_growth=allow_growth)

  with train_dirs.opened(
      train_dir, dataset=dataset, model=model, fresh=fresh,
      learning_rate=learning_rate) as directory, (
          tf.Graph().as_default()), tf.device('/cpu:0'):
    tf.set_random_seed(seed)
    global_step = tf.train.get_or_create_global_step()

    train_op, loss, summary_op = build(
        _inputs(data_dir, dataset=dataset, model=model, batch_size=batch_size,
                num_towers=num_gpus, shared=shared_input,
                deterministic=deterministic),
        global_step, tower_devices=devices, num_classes=dataset.num_classes,
        batch_size=batch_size * (num_gpus if decay_by_examples else 1),
        num_examples_per_epoch=dataset.num_examples_per_epoch_for_train,
        initial_learning_rate=learning_rate, model=model,
        deterministic=deterministic)

    saver = tf.train.Saver(tf.global_variables())

    training = loop.Loop(
        loop.Ops(train_op, loss, saver, summary_op), max_steps=max_steps,
        batch_size=batch_size, stop=stop, num_towers=num_gpus,
        check_input=unchanged.check,
        stall_secs=stall_secs, leave=leave)
    further_hooks = [hooks.InputHook(unchanged.check, stop)]
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
        num_gpus=FLAGS.num_gpus,
        dataset=dataset,
        model=shared_flags.get_model(FLAGS),
        batch_size=FLAGS.batch_size,
        max_steps=FLAGS.max_steps,
        learning_rate=FLAGS.learning_rate,
        log_device_placement=FLAGS.log_device_placement,
        tower_devices=FLAGS.tower_devices,
        shared_input=FLAGS.shared_input,
        decay_by_examples=FLAGS.decay_by_examples,
        allow_growth=FLAGS.allow_growth,
        fresh=FLAGS.fresh,
        seed=FLAGS.seed,
        deterministic=FLAGS.deterministic,
        stall_secs=FLAGS.stall_secs,
        leave=lambda message: entry_points.leave(1, message),
        stop=stop)


def build(inputs, global_step, *, tower_devices,
          num_classes=cifar10.NUM_CLASSES, batch_size=cifar10.BATCH_SIZE,
          num_examples_per_epoch=cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN,
          initial_learning_rate=cifar10.INITIAL_LEARNING_RATE,
          model=models.CIFAR10, deterministic=False):
  """Builds all towers and the one update they make together.

  To be called under tf.device('/cpu:0'), where the averaging then runs.

  Args:
    inputs: function without arguments, called once in each tower: see
      tower_loss().
    global_step: integer variable, counts the updates.
    tower_devices: list of str, each tower's device.
    num_classes, num_examples_per_epoch: ints.
    batch_size: int, for the length of an epoch in updates.  In 2016 it was that
      of one tower, though an update sees the images of all.
    initial_learning_rate: float, above 0.
    model: models.Model.
    deterministic: bool, let the update see each loss before it changes a
      variable, and the moving averages the variables after it.

  Returns:
    train_op: Operation that makes one update.
    loss: float32 tensor of shape [], the last tower's, as in 2016.
    summary_op: string tensor of shape [], the last tower's summaries, those of
      the update, and any that there were before.
  """
  lr = cifar10.learning_rate(global_step, batch_size=batch_size,
                             num_examples_per_epoch=num_examples_per_epoch,
                             initial_learning_rate=initial_learning_rate)
  opt = tf.train.GradientDescentOptimizer(lr)

  # Those of a shared input.
  shared_summaries = tf.get_collection(tf.GraphKeys.SUMMARIES)

  tower_grads = []
  for i in xrange(len(tower_devices)):
    with tf.device(tower_devices[i]):
      with tf.name_scope('%s_%d' % (cifar10.TOWER_NAME, i)) as scope:
        loss = tower_loss(scope, inputs=inputs, num_classes=num_classes,
                          reuse=i > 0, model=model)
        tower_summaries = tf.get_collection(tf.GraphKeys.SUMMARIES, scope)
        with tf.control_dependencies([loss] if deterministic else []):
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
  with tf.control_dependencies([apply_gradient_op] if deterministic else []):
    variables_averages_op = variable_averages.apply(tf.trainable_variables())

  train_op = tf.group(apply_gradient_op, variables_averages_op)

  return train_op, loss, tf.summary.merge(tower_summaries + shared_summaries)


def _inputs(data_dir, *, dataset, model, batch_size, num_towers, shared,
            deterministic):
  """Returns the function that gives a tower its batches: see tower_loss().

  Args:
    data_dir: str, the directory that holds the set's directory.
    dataset: description.Dataset.
    model: models.Model.
    batch_size: int.
    num_towers: int.
    shared: bool, draw all batches from one shuffling queue.
    deterministic: bool, let the graph's seed alone decide on the batches.
  """

  def inputs():
    return model.distorted_inputs(data_dir=data_dir, batch_size=batch_size,
                                  dataset=dataset, deterministic=deterministic)

  if not shared:
    return inputs
  images, labels = inputs()
  return prefetch_queue(images, labels, num_towers)


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


def _session_config(tower_devices, *, log_device_placement, allow_growth):
  """Returns a ConfigProto, and tells where towers run if not as asked.

  Args:
    tower_devices: list of str, each tower's device.
    log_device_placement: bool.
    allow_growth: bool.
  """
  # Some ops have no GPU version.
  config = tf.ConfigProto(allow_soft_placement=True,
                          log_device_placement=log_device_placement)
  config.gpu_options.allow_growth = allow_growth
  cpus = [device for device in tower_devices if CPU in device]
  if cpus:
    config.device_count[CPU.upper()] = len(cpus)
  placements = _placements(tower_devices, config)
  if any(not p.lower().endswith(d[1:])
         for p, d in zip(placements, tower_devices)):
    print('There are fewer GPUs than towers: %s.' % ', '.join(
        'tower_%d runs on %s' % t for t in enumerate(placements)), flush=True)
  return config


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


# What --help shows first.
_FIRST_FLAGS = ('num_gpus', 'tower_devices', 'batch_size', 'data_dir',
                'train_dir', 'max_steps', 'dataset', 'model', 'shared_input',
                'fresh')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_fast_flags()
  shared_flags.define_training_flags()
  shared_flags.define_deterministic_flag()
  shared_flags.define_stall_flag()
  flags.DEFINE_integer('num_gpus', 1, 'Number of towers.', lower_bound=1)
  flags.DEFINE_enum('tower_devices', GPU, [GPU, CPU],
                    'Devices of the towers: GPUs, or CPU devices that share '
                    "the machine's cores.")
  flags.DEFINE_boolean('shared_input', False,
                       "Draw all towers' batches from one shuffling queue "
                       'instead of one for each tower.')
  shared_flags.define_decay_flags()
  shared_flags.define_session_flags()


def console_main():
  """What the installed command cifar10_multi_gpu_train runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
