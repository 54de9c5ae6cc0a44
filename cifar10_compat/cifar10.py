"""The network of the CIFAR-10 tutorial and the ops that train it.

  images, labels = distorted_inputs()  # inputs() for eval
  logits = inference(images)
  total_loss = loss(logits, labels)
  train_op = train(total_loss, global_step)

Names, shapes and constants are those of TensorFlow v0.7.0 (February 2016).
docs/differences.md explains each difference.  `config` replaces FLAGS;
functions that did not exist in 2016 come last.
"""

import os
import re

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.data import datasets
from cifar10_compat.data import download

# To look up, as in 2016: `config` sets these values.
IMAGE_SIZE = cifar10_input.IMAGE_SIZE
NUM_CLASSES = cifar10_input.NUM_CLASSES
NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN = (
    cifar10_input.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN)
NUM_EXAMPLES_PER_EPOCH_FOR_EVAL = cifar10_input.NUM_EXAMPLES_PER_EPOCH_FOR_EVAL

# `config` does not set these values.
MOVING_AVERAGE_DECAY = 0.9999
NUM_EPOCHS_PER_DECAY = 350.0
LEARNING_RATE_DECAY_FACTOR = 0.1
INITIAL_LEARNING_RATE = config_lib.Training.learning_rate  # config sets it.

# With several towers, op names start with TOWER_NAME_N/; summary names do not.
TOWER_NAME = 'tower'

DATA_URL = datasets.CIFAR10.sources[0].url


def _activation_summary(x):
  """Adds summaries of an activation: a histogram, and the fraction of zeros.

  Args:
    x: float32 tensor of any shape.
  """
  tensor_name = re.sub('%s_[0-9]*/' % TOWER_NAME, '', x.op.name)
  summaries.histogram_summary(tensor_name + '/activations', x)
  summaries.scalar_summary(tensor_name + '/sparsity', tf.nn.zero_fraction(x))


def _variable_on_cpu(name, shape, initializer):
  """Creates a float32 variable on the CPU, or reuses an existing one.

  Args:
    name: str.
    shape: list of ints.
    initializer: a tf.compat.v1 initializer.

  Returns:
    Reference variable of the given shape.
  """
  with tf.device('/cpu:0'):
    var = tf.get_variable(name, shape, initializer=initializer)
  return var


def _variable_with_weight_decay(name, shape, stddev, wd):
  """Creates a truncated normal variable and, optionally, its weight decay.

  Args:
    name: str.
    shape: list of ints.
    stddev: float, the standard deviation before truncation at two standard
      deviations.
    wd: float; wd * sum(var ** 2) / 2 is added to the collection 'losses'.  0.0
      or None adds no op.

  Returns:
    Reference variable of the given shape.
  """
  var = _variable_on_cpu(name, shape,
                         tf.truncated_normal_initializer(stddev=stddev))
  if wd:
    weight_decay = tf.multiply(tf.nn.l2_loss(var), wd, name='weight_loss')
    tf.add_to_collection('losses', weight_decay)
  return var


def distorted_inputs(config=config_lib.Train()):
  """Builds training batches: see cifar10_input.distorted_inputs().

  Args:
    config: config.Images: the data set, its directory and the input options.

  Returns:
    images: float32 tensor of shape [batch_size, IMAGE_SIZE, IMAGE_SIZE, 3].
    labels: int32 tensor of shape [batch_size].

  Raises:
    ValueError: data_dir is empty, or a file is missing.
  """
  if not config.data_dir:
    raise ValueError('Please supply a data_dir')
  data_dir = os.path.join(config.data_dir, config.dataset.directory)
  input_module = cifar10_fast_input if config.in_chunks else cifar10_input
  return input_module.distorted_inputs(data_dir=data_dir,
                                       batch_size=config.batch_size,
                                       config=config)


def inputs(eval_data, config=config_lib.Eval(count=config_lib.HISTORICAL)):
  """Builds evaluation batches: see cifar10_input.inputs().

  Args:
    eval_data: bool, True for the evaluation files, False for the training
      files.
    config: config.Eval: the data set, its directory and the input options.

  Returns:
    images: float32 tensor of shape [batch_size * views, IMAGE_SIZE,
      IMAGE_SIZE, 3].
    labels: int32 tensor of shape [batch_size].
    With EXACT, the first dimension of both is unknown.

  Raises:
    ValueError: data_dir is empty, or a file is missing.
  """
  if not config.data_dir:
    raise ValueError('Please supply a data_dir')
  data_dir = os.path.join(config.data_dir, config.dataset.directory)
  input_module = cifar10_fast_input if config.in_chunks else cifar10_input
  return input_module.inputs(eval_data=eval_data, data_dir=data_dir,
                             batch_size=config.batch_size, config=config)


def inference(images, config=config_lib.Network()):
  """Builds the network.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3]; batch_size may be
      unknown.
    config: config.Network: the number of classes and the initial standard
      deviation of the conv1 and conv2 weights.

  Returns:
    float32 tensor of shape [batch_size, num_classes]: the logits, before
    softmax.

  Raises:
    UsageError: resource variables are enabled.
  """
  check_reference_variables()

  # tf.get_variable(), unlike tf.Variable(), lets towers share variables.
  with tf.variable_scope('conv1') as scope:
    kernel = _variable_with_weight_decay('weights', shape=[5, 5, 3, 64],
                                         stddev=config.conv_stddev, wd=0.0)
    conv = tf.nn.conv2d(images, kernel, [1, 1, 1, 1], padding='SAME')
    biases = _variable_on_cpu('biases', [64], tf.constant_initializer(0.0))
    bias = tf.nn.bias_add(conv, biases)
    conv1 = tf.nn.relu(bias, name=scope.name)
    _activation_summary(conv1)

  pool1 = tf.nn.max_pool(conv1, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                         padding='SAME', name='pool1')
  norm1 = tf.nn.lrn(pool1, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75,
                    name='norm1')

  with tf.variable_scope('conv2') as scope:
    kernel = _variable_with_weight_decay('weights', shape=[5, 5, 64, 64],
                                         stddev=config.conv_stddev, wd=0.0)
    conv = tf.nn.conv2d(norm1, kernel, [1, 1, 1, 1], padding='SAME')
    biases = _variable_on_cpu('biases', [64], tf.constant_initializer(0.1))
    bias = tf.nn.bias_add(conv, biases)
    conv2 = tf.nn.relu(bias, name=scope.name)
    _activation_summary(conv2)

  norm2 = tf.nn.lrn(conv2, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75,
                    name='norm2')
  pool2 = tf.nn.max_pool(norm2, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                         padding='SAME', name='pool2')

  with tf.variable_scope('local3') as scope:
    # Flatten each image to a row, so that the layer is one matrix product.
    batch_size, height, width, depth = pool2.get_shape().as_list()
    dim = height * width * depth
    reshape = tf.reshape(pool2, [batch_size or -1, dim])
    weights = _variable_with_weight_decay('weights', shape=[dim, 384],
                                          stddev=0.04, wd=0.004)
    biases = _variable_on_cpu('biases', [384], tf.constant_initializer(0.1))
    local3 = tf.nn.relu(tf.matmul(reshape, weights) + biases, name=scope.name)
    _activation_summary(local3)

  with tf.variable_scope('local4') as scope:
    weights = _variable_with_weight_decay('weights', shape=[384, 192],
                                          stddev=0.04, wd=0.004)
    biases = _variable_on_cpu('biases', [192], tf.constant_initializer(0.1))
    local4 = tf.nn.relu(tf.matmul(local3, weights) + biases, name=scope.name)
    _activation_summary(local4)

  with tf.variable_scope('softmax_linear') as scope:
    weights = _variable_with_weight_decay('weights', [192, config.num_classes],
                                          stddev=1 / 192.0, wd=0.0)
    biases = _variable_on_cpu('biases', [config.num_classes],
                              tf.constant_initializer(0.0))
    softmax_linear = tf.add(tf.matmul(local4, weights), biases, name=scope.name)
    _activation_summary(softmax_linear)

  return softmax_linear


def loss(logits, labels):
  """Adds the mean cross entropy to the weight decay.

  Args:
    logits: float32 tensor of shape [batch_size, num_classes].
    labels: int32 tensor of shape [batch_size], 0 to num_classes - 1.

  Returns:
    float32 tensor of shape [], the sum of the collection 'losses'.
  """
  labels = tf.cast(labels, tf.int64)
  cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
      logits=logits, labels=labels, name='cross_entropy_per_example')
  cross_entropy_mean = tf.reduce_mean(cross_entropy, name='cross_entropy')
  tf.add_to_collection('losses', cross_entropy_mean)

  return tf.add_n(tf.get_collection('losses'), name='total_loss')


def _add_loss_summaries(total_loss):
  """Averages each loss over the steps; adds summaries of losses and averages.

  Args:
    total_loss: float32 tensor of shape [], from loss().

  Returns:
    Operation that updates the averages (decay 0.9, starting at 0, without bias
    correction).
  """
  loss_averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
  losses = tf.get_collection('losses')
  loss_averages_op = loss_averages.apply(losses + [total_loss])

  for l in losses + [total_loss]:
    # Give the plain name to the average.  It is the curve to watch, since the
    # raw loss varies from batch to batch.
    summaries.scalar_summary(l.op.name + ' (raw)', l)
    summaries.scalar_summary(l.op.name, loss_averages.average(l))

  return loss_averages_op


def train(total_loss, global_step, config=config_lib.Train()):
  """Adds one step of gradient descent, with its averages and summaries.

  The learning rate starts at 0.1 and is divided by 10 every 350 epochs (136,718
  steps of 128 images).

  Args:
    total_loss: float32 tensor of shape [], from loss().
    global_step: integer variable that counts the updates.
    config: config.Training: the initial learning rate and the number of steps
      per epoch.  If config is deterministic, the moving averages read the
      variables after this step's update.

  Returns:
    Operation that runs the step.  Unless config is deterministic, a moving
    average may read its variable before or after this step's update, as in
    2016.
  """
  # The learning rate decreases in stages.  max() makes each stage at least one
  # step long: with a small data set and a large batch, the length would
  # otherwise be 0, and the rate NaN.
  num_batches_per_epoch = (config.dataset.num_examples_per_epoch_for_train /
                           config.batch_size)
  decay_steps = max(1, int(num_batches_per_epoch * NUM_EPOCHS_PER_DECAY))

  lr = tf.train.exponential_decay(config.learning_rate,
                                  global_step,
                                  decay_steps,
                                  LEARNING_RATE_DECAY_FACTOR,
                                  staircase=True)
  summaries.scalar_summary('learning_rate', lr)

  # Update the loss averages before computing the gradients.
  loss_averages_op = _add_loss_summaries(total_loss)

  with tf.control_dependencies([loss_averages_op]):
    opt = tf.train.GradientDescentOptimizer(lr)
    grads = opt.compute_gradients(total_loss)

  # Apply the gradients to the weights, and add 1 to global_step.
  apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)

  # Add histograms of the weights and of their gradients.
  for var in tf.trainable_variables():
    summaries.histogram_summary(var.op.name, var)

  for grad, var in grads:
    if grad is not None:
      summaries.histogram_summary(var.op.name + '/gradients', grad)

  # Average the weights over the steps.  Evaluation uses the averages, which
  # fluctuate less than the weights.
  variable_averages = tf.train.ExponentialMovingAverage(
      MOVING_AVERAGE_DECAY, global_step)
  with tf.control_dependencies(
      [apply_gradient_op] if config.deterministic else []):
    variables_averages_op = variable_averages.apply(tf.trainable_variables())

  with tf.control_dependencies([apply_gradient_op, variables_averages_op]):
    train_op = tf.no_op(name='train')

  return train_op


def maybe_download_and_extract(config=config_lib.Train(), stop=signals.NEVER):
  """Downloads a data set if it is missing: see data/download.py.

  Args:
    config: config.Images: the data set, its directory (created if missing) and
      the mirrors.
    stop: signals.StopRequest that ends the download.

  Raises:
    DataError: the data set is unavailable, or the download was stopped.
    UsageError: data_dir cannot be written.
  """
  download.maybe_download_and_extract(config.data_dir, dataset=config.dataset,
                                      mirrors=config.data_url, stop=stop)


def check_reference_variables():
  """Raises UsageError unless tf.get_variable() creates reference variables."""
  if tf.resource_variables_enabled():
    raise errors.UsageError(
        'resource variables are enabled, so the graph would differ from the '
        'graph of 2016: call tf.compat.v1.disable_v2_behavior() first')


def predictions(logits):
  """Normalizes logits to probabilities.

  Args:
    logits: float32 tensor of shape [batch_size, num_classes], from inference().

  Returns:
    float32 tensor of the same shape, 0 to 1; each row adds up to 1.
  """
  return tf.nn.softmax(logits, name='predictions')
