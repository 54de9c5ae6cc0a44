"""Trains the CIFAR-10 network on several devices of one machine.

Each of --num_gpus towers takes a batch of its own through the network; their
gradients are averaged on the CPU, which holds the variables, and make one
update.  Resumes, and stops on Ctrl-C, as cifar10_train does.  Example, for a
machine without a GPU:

  cifar10_multi_gpu_train --num_gpus=2 --tower_devices=cpu --batch_size=64 \\
      --dataset=synthetic --train_dir=/tmp/towers --max_steps=700
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'MultiGpuTrain')  # Before TensorFlow loads.

from datetime import datetime
import re

from six.moves import xrange  # pylint: disable=redefined-builtin
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.training import hooks
from cifar10_compat.training import training_session


def tower_loss(scope, config=config_lib.MultiGpuTrain(), batch_queue=None):
  """Builds the network and its loss for one tower.

  Args:
    scope: str, the prefix of the tower's ops, 'tower_0/' for instance.
    config: config.MultiGpuTrain.
    batch_queue: queue of batches that all towers draw from, see
      prefetch_queue(); None for an input of the tower's own.

  Returns:
    float32 tensor of shape [], the tower's total loss.
  """
  network = models.network(config)

  # A batch for this tower.  Today a queue can be on a GPU and a reader cannot,
  # and both must be on one device.
  with tf.device('/cpu:0'):
    images, labels = (batch_queue.dequeue() if batch_queue else
                      cifar10.distorted_inputs(config))

  # The network; its variables are those of the other towers.
  logits = network.inference(images, config)

  # The sum that it returns is of no use: all towers share the collection
  # 'losses', and it adds those of earlier towers as well.
  _ = cifar10.loss(logits, labels)

  # The parts of the loss that this tower made.
  losses = tf.get_collection('losses', scope)

  total_loss = tf.add_n(losses, name='total_loss')

  # Each tower has averages of its own, though its weights are shared.
  with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
    loss_averages_op = loss_averages.apply(losses + [total_loss])

  for l in losses + [total_loss]:
    # The same tag whichever tower it is, so that the curves of runs overlay.
    loss_name = re.sub('%s_[0-9]*/' % cifar10.TOWER_NAME, '', l.op.name)
    # The average has the plain name, since it is what one looks at.
    summaries.scalar_summary(loss_name + ' (raw)', l)
    summaries.scalar_summary(loss_name, loss_averages.average(l))

  # Computing the loss updates its averages first.
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


def train(config=config_lib.MultiGpuTrain(), stop=signals.NEVER):
  """Trains for a number of steps, counted from the very first.

  Args:
    config: config.MultiGpuTrain.  Its batch_size is that of one tower.
    stop: signals.StopRequest, ends it after the current step.

  Returns:
    int, the global step reached.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError, StalledError,
      WriteError: see training_session.MonitoredTrainingSession().
  """
  with tf.Graph().as_default(), tf.device('/cpu:0'):
    # Damaged files are found, and the seed is set, before any op is made.
    input_files = training_session.prepare(config)

    # The number of updates so far: one for each run of all towers.
    global_step = tf.get_variable(
        'global_step', [], tf.int64, tf.constant_initializer(0, tf.int64),
        trainable=False,
        collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.GLOBAL_STEP])

    # The learning rate is a staircase.  In 2016 its steps were as long as with
    # the batches of one tower, though an update sees those of all.
    examples_per_step = config.batch_size * (
        config.num_gpus if config.decay_by_examples else 1)
    num_batches_per_epoch = (config.dataset.num_examples_per_epoch_for_train /
                             examples_per_step)
    decay_steps = max(1, int(num_batches_per_epoch *
                             cifar10.NUM_EPOCHS_PER_DECAY))

    lr = tf.train.exponential_decay(config.learning_rate,
                                    global_step,
                                    decay_steps,
                                    cifar10.LEARNING_RATE_DECAY_FACTOR,
                                    staircase=True)

    # One optimizer for all towers.
    opt = tf.train.GradientDescentOptimizer(lr)

    batch_queue = prefetch_queue(config) if config.shared_input else None

    # Each tower computes the gradients of a batch on a device of its own.
    losses = []
    tower_grads = []
    with tf.variable_scope(tf.get_variable_scope()):
      for i in xrange(config.num_gpus):
        with tf.device('/%s:%d' % (config.tower_devices, i)):
          with tf.name_scope('%s_%d' % (cifar10.TOWER_NAME, i)) as scope:
            loss = tower_loss(scope, config, batch_queue)

            # The first tower has made the variables; the next ones take them.
            tf.get_variable_scope().reuse_variables()

            # Each tower overwrites this list: the last one's summaries are
            # kept.  Those of a shared input have no tower in their names.
            tower_summaries = tf.get_collection(
                tf.GraphKeys.SUMMARIES,
                '%s|(?!%s_)' % (scope, cifar10.TOWER_NAME))

            grads = opt.compute_gradients(loss)
            tower_grads.append(grads)
            losses += [loss]

    # Here the towers wait for one another.
    grads = average_gradients(tower_grads)

    # What the update has to show, beside the tower's own summaries.
    tower_summaries.append(summaries.scalar_summary('learning_rate', lr))

    for grad, var in grads:
      tower_summaries.append(
          summaries.histogram_summary(var.op.name + '/gradients', grad))

    # Applies the gradients to the weights, and adds 1 to global_step.
    with tf.control_dependencies(losses if config.deterministic else []):
      apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)

    for var in tf.trainable_variables():
      tower_summaries.append(summaries.histogram_summary(var.op.name, var))

    # The moving averages of the weights, which evaluation uses.
    variable_averages = tf.train.ExponentialMovingAverage(
        cifar10.MOVING_AVERAGE_DECAY, global_step)
    with tf.control_dependencies(
        [apply_gradient_op] if config.deterministic else []):
      variables_averages_op = variable_averages.apply(tf.trainable_variables())

    # Both together are a step.
    train_op = tf.group(apply_gradient_op, variables_averages_op)

    # With this the session saves and restores every variable, the moving
    # averages among them.
    saver = tf.train.Saver(tf.global_variables())

    # All that TensorBoard shows.
    summary_op = tf.summary.merge(tower_summaries)

    # Ops without a GPU version run on the CPU.  Towers on the CPU need as many
    # CPU devices.
    session_config = tf.ConfigProto(
        allow_soft_placement=True,
        log_device_placement=config.log_device_placement,
        device_count={'CPU': config.num_gpus}
        if config.tower_devices == config_lib.CPU else None)

    def log_line(step, loss_value, duration):
      """Tells the last tower's loss, and the speed of all towers."""
      num_examples_per_step = config.batch_size * config.num_gpus
      examples_per_sec = num_examples_per_step / duration
      sec_per_batch = duration / config.num_gpus

      format_str = ('%s: step %d, loss = %.2f (%.1f examples/sec; %.3f '
                    'sec/batch)')
      return format_str % (datetime.now(), step, loss_value,
                           examples_per_sec, sec_per_batch)

    # The session resumes from the newest checkpoint in config.train_dir, and
    # starts the threads that fill the queue.  It writes summary_op every 100
    # steps, and saves model.ckpt-STEP at step 0, every 1,000 steps and at the
    # end.  The loop ends after the last step, or when `stop` asks for it; an
    # error, such as a loss that is NaN, leaves it.  Then too the last step is
    # saved, unless its values are not finite.
    with training_session.MonitoredTrainingSession(
        config, stop, input_files, saver=saver, summary_op=summary_op,
        hooks=[tf.train.StopAtStepHook(last_step=config.max_steps),
               hooks.NanTensorHook(loss),
               hooks.LoggerHook(loss, log_line)],
        session_config=session_config) as mon_sess:
      while not mon_sess.should_stop():
        mon_sess.run(train_op)

  return mon_sess.step


def main(config, stop):
  """Runs the program.

  Args:
    config: config.MultiGpuTrain.
    stop: signals.StopRequest.
  """
  tf.disable_v2_behavior()
  cifar10.maybe_download_and_extract(config, stop)
  _tell_placements(config)
  train(config, stop)


def prefetch_queue(config):
  """Makes a queue of batches that all towers draw from.

  Args:
    config: config.MultiGpuTrain; the queue holds two batches for each tower.

  Returns:
    tf.FIFOQueue of images, float32 [batch_size, 24, 24, 3], and labels, int32
    [batch_size].
  """
  images, labels = cifar10.distorted_inputs(config)
  queue = tf.FIFOQueue(2 * config.num_gpus, [images.dtype, labels.dtype],
                       [images.shape, labels.shape], name='prefetch_queue')
  tf.train.add_queue_runner(
      tf.train.QueueRunner(queue, [queue.enqueue([images, labels])]))
  return queue


def _tell_placements(config):
  """Tells where towers run if not on devices of their own.

  Args:
    config: config.MultiGpuTrain.
  """
  if config.tower_devices == config_lib.CPU:
    return
  devices = ['/%s:%d' % (config.tower_devices, i)
             for i in xrange(config.num_gpus)]
  placements = _placements(devices)
  if any(not p.lower().endswith(d[1:]) for p, d in zip(placements, devices)):
    print('There are fewer GPUs than towers: %s.' % ', '.join(
        'tower_%d runs on %s' % t for t in enumerate(placements)), flush=True)


def _placements(tower_devices):
  """Returns where ops of each tower really run, such as '/device:CPU:0'."""
  session_config = tf.ConfigProto(allow_soft_placement=True)
  # Else this session takes all memory of the GPUs for the rest of the process.
  session_config.gpu_options.allow_growth = True
  with tf.Graph().as_default():
    ops = []
    for i, device in enumerate(tower_devices):
      with tf.device(device):
        # Random, so that no optimization puts another op in its place.
        ops.append(tf.random.uniform([], name='tower_%d' % i).op)
    metadata = tf.RunMetadata()
    with tf.Session(config=session_config) as session:
      session.run(ops, options=tf.RunOptions(output_partition_graphs=True),
                  run_metadata=metadata)
  placed = {node.name: node.device for graph in metadata.partition_graphs
            for node in graph.node}
  return ['/' + placed['tower_%d/RandomUniform' % i].rpartition('/')[2]
          for i in range(len(tower_devices))]


def console_main():
  """What the installed command cifar10_multi_gpu_train runs."""
  entry_points.run(config_lib.MultiGpuTrain, main)


if __name__ == '__main__':
  console_main()
