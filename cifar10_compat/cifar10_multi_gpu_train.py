"""Trains the CIFAR-10 network on several devices of one machine.

Each of --num_gpus towers runs the network on its own batch.  The CPU stores the
variables and averages the towers' gradients into one update.  Like
cifar10_train, the program resumes an earlier run and stops on Ctrl-C.  Example,
for a machine without a GPU:

  cifar10_multi_gpu_train --num_gpus=2 --tower_devices=cpu --batch_size=64 \\
      --dataset=synthetic --train_dir=/tmp/towers --max_steps=700
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'MultiGpuTrain')  # Run before TensorFlow loads.

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
    scope: str, the prefix of the tower's ops, for example 'tower_0/'.
    config: config.MultiGpuTrain.
    batch_queue: a queue of batches for all towers: see prefetch_queue().  If
      None, the tower gets its own input.

  Returns:
    float32 tensor of shape [], the tower's total loss.
  """
  network = models.network(config)

  # Get a batch for this tower.  The input stays on the CPU: TensorFlow can now
  # place a queue on a GPU, but not the reader, which must be on the queue's
  # device.
  with tf.device('/cpu:0'):
    images, labels = (batch_queue.dequeue() if batch_queue else
                      cifar10.distorted_inputs(config))

  # Build the network, which shares its variables with the other towers.
  logits = network.inference(images, config)

  # Add this tower's losses to the collection.  Ignore the returned sum: it
  # includes the losses of earlier towers, since all towers share the collection
  # 'losses'.
  _ = cifar10.loss(logits, labels)

  # Collect the losses of this tower only.
  losses = tf.get_collection('losses', scope)

  total_loss = tf.add_n(losses, name='total_loss')

  # Each tower averages its own losses, although all towers share the weights.
  with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
    loss_averages_op = loss_averages.apply(losses + [total_loss])

  for l in losses + [total_loss]:
    # Remove the tower from the tag, so that the curves of different runs
    # overlay.
    loss_name = re.sub('%s_[0-9]*/' % cifar10.TOWER_NAME, '', l.op.name)
    # Give the plain name to the average, which is the curve to watch.
    summaries.scalar_summary(loss_name + ' (raw)', l)
    summaries.scalar_summary(loss_name, loss_averages.average(l))

  # Update the averages whenever the loss is computed.
  with tf.control_dependencies([loss_averages_op]):
    total_loss = tf.identity(total_loss)
  return total_loss


def average_gradients(tower_grads):
  """Averages the gradients of all towers, which synchronizes the towers.

  Args:
    tower_grads: for each tower, a list of (gradient, variable): a float32
      tensor of the variable's shape, and the variable.  All lists have the same
      order.

  Returns:
    List of (mean gradient, variable) in the same order.
  """
  average_grads = []
  for grad_and_vars in zip(*tower_grads):
    grads = []
    for g, _ in grad_and_vars:
      expanded_g = tf.expand_dims(g, 0)
      grads.append(expanded_g)

    grad = tf.concat(grads, 0)
    grad = tf.reduce_mean(grad, 0)

    # The towers share the variable, so take the first tower's reference.
    v = grad_and_vars[0][1]
    grad_and_var = (grad, v)
    average_grads.append(grad_and_var)
  return average_grads


def train(config=config_lib.MultiGpuTrain(), stop=signals.NEVER):
  """Trains up to a global step, resuming an earlier run if there is one.

  Args:
    config: config.MultiGpuTrain.  Its batch_size is per tower.
    stop: signals.StopRequest that ends training after the current step.

  Returns:
    int, the global step reached.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError, StalledError,
      WriteError: see training_session.MonitoredTrainingSession().
  """
  with tf.Graph().as_default(), tf.device('/cpu:0'):
    # Find damaged files and set the seed before building any op.
    input_files = training_session.prepare(config)

    # The number of updates so far.  All towers together make one update per
    # step.
    global_step = tf.get_variable(
        'global_step', [], tf.int64, tf.constant_initializer(0, tf.int64),
        trainable=False,
        collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.GLOBAL_STEP])

    # The learning rate decreases in stages.  In 2016 the decay counted one
    # tower's batch per step, although each update uses the batches of all
    # towers.
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

    # All towers share one optimizer.
    opt = tf.train.GradientDescentOptimizer(lr)

    batch_queue = prefetch_queue(config) if config.shared_input else None

    # Each tower computes the gradients of its own batch on its own device.
    losses = []
    tower_grads = []
    with tf.variable_scope(tf.get_variable_scope()):
      for i in xrange(config.num_gpus):
        with tf.device('/%s:%d' % (config.tower_devices, i)):
          with tf.name_scope('%s_%d' % (cifar10.TOWER_NAME, i)) as scope:
            loss = tower_loss(scope, config, batch_queue)

            # The first tower creates the variables; the others reuse them.
            tf.get_variable_scope().reuse_variables()

            # Each tower overwrites this list, so only the last tower's
            # summaries remain.  The summaries of a shared input belong to no
            # tower and are always included.
            tower_summaries = tf.get_collection(
                tf.GraphKeys.SUMMARIES,
                '%s|(?!%s_)' % (scope, cifar10.TOWER_NAME))

            grads = opt.compute_gradients(loss)
            tower_grads.append(grads)
            losses += [loss]

    # Average the gradients.  At this point, each step waits for the slowest
    # tower.
    grads = average_gradients(tower_grads)

    # Add the summaries of the update to those of the last tower.
    tower_summaries.append(summaries.scalar_summary('learning_rate', lr))

    for grad, var in grads:
      tower_summaries.append(
          summaries.histogram_summary(var.op.name + '/gradients', grad))

    # Apply the gradients to the weights, and add 1 to global_step.
    with tf.control_dependencies(losses if config.deterministic else []):
      apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)

    for var in tf.trainable_variables():
      tower_summaries.append(summaries.histogram_summary(var.op.name, var))

    # Average the weights over the steps.  Evaluation uses the averages.
    variable_averages = tf.train.ExponentialMovingAverage(
        cifar10.MOVING_AVERAGE_DECAY, global_step)
    with tf.control_dependencies(
        [apply_gradient_op] if config.deterministic else []):
      variables_averages_op = variable_averages.apply(tf.trainable_variables())

    # A step updates the weights and the moving averages.
    train_op = tf.group(apply_gradient_op, variables_averages_op)

    # Save and restore every variable, including the moving averages.
    saver = tf.train.Saver(tf.global_variables())

    # Merge the summaries for TensorBoard into one op.
    summary_op = tf.summary.merge(tower_summaries)

    # Soft placement runs ops without a GPU kernel on the CPU.  Each tower on
    # the CPU needs its own CPU device.
    session_config = tf.ConfigProto(
        allow_soft_placement=True,
        log_device_placement=config.log_device_placement,
        device_count={'CPU': config.num_gpus}
        if config.tower_devices == config_lib.CPU else None)

    def log_line(step, loss_value, duration):
      """Formats the last tower's loss and the speed of all towers."""
      num_examples_per_step = config.batch_size * config.num_gpus
      examples_per_sec = num_examples_per_step / duration
      sec_per_batch = duration / config.num_gpus

      format_str = ('%s: step %d, loss = %.2f (%.1f examples/sec; %.3f '
                    'sec/batch)')
      return format_str % (datetime.now(), step, loss_value,
                           examples_per_sec, sec_per_batch)

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
  """Creates a queue of batches that all towers draw from.

  Args:
    config: config.MultiGpuTrain.

  Returns:
    tf.FIFOQueue of images, float32 [batch_size, 24, 24, 3], and labels, int32
    [batch_size], with room for two batches per tower.
  """
  images, labels = cifar10.distorted_inputs(config)
  queue = tf.FIFOQueue(2 * config.num_gpus, [images.dtype, labels.dtype],
                       [images.shape, labels.shape], name='prefetch_queue')
  tf.train.add_queue_runner(
      tf.train.QueueRunner(queue, [queue.enqueue([images, labels])]))
  return queue


def _tell_placements(config):
  """Prints where the towers run if there are fewer GPUs than towers.

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
  """Returns the device each tower's ops run on, such as '/device:CPU:0'."""
  session_config = tf.ConfigProto(allow_soft_placement=True)
  # Otherwise this session would occupy all GPU memory until the process ends.
  session_config.gpu_options.allow_growth = True
  with tf.Graph().as_default():
    ops = []
    for i, device in enumerate(tower_devices):
      with tf.device(device):
        # Use a random op, which graph optimization cannot replace with a
        # constant.
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
  """Entry point of the installed command cifar10_multi_gpu_train."""
  entry_points.run(config_lib.MultiGpuTrain, main)


if __name__ == '__main__':
  console_main()
