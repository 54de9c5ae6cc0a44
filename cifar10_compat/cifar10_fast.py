"""The networks of cifar10.py and cifar10_local.py, built from faster ops.

The variables have the same names as in those modules.  Values and gradients are
equal up to float32 rounding error, so one implementation can resume from the
other's checkpoint.  The faster ops, which docs/speed.md explains and measures:

  - conv2 uses Winograd's minimal filtering: fast/winograd.py;
  - local response normalization is a matrix product: fast/normalization.py;
  - conv1's bias and ReLU are applied after pooling, to a quarter of the pixels:
    both are monotonic, so they do not change which pixel is the maximum.
"""

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_local
from cifar10_compat import config as config_lib
from cifar10_compat.fast import normalization
from cifar10_compat.fast import winograd

# pylint: disable=protected-access


def inference(
    images: tf.Tensor, config: config_lib.Network = config_lib.Network()
) -> tf.Tensor:
  """Builds cifar10's network, or cifar10_local's for config.CONV_LOCAL.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3]; batch_size may be
      unknown.
    config: settings of the model, the number of classes, the initial standard
      deviation of the conv1 and conv2 weights, and the precision of the
      products in conv1, local3 and local4.  With 'bfloat16', the factors have 8
      significant bits, and the sums are rounded once, to 8 bits.  Variables,
      all other ops and the gradients of variables are float32.  If several of
      the largest pixels in a pooling window round to the same number, the first
      of them gets the gradient.

  Returns:
    float32 tensor of shape [batch_size, num_classes], the logits.

  Raises:
    UsageError: resource variables are enabled.
  """
  precision = tf.as_dtype(config.precision)
  if config.model == config_lib.CONV_LOCAL:
    pool2 = _convolutions(images, stddevs=[1e-4, 0.01], conv2_bias=0.0,
                          precision=precision)
    return cifar10_local.local_layers(pool2, config.num_classes)

  pool2 = _convolutions(images, stddevs=[config.conv_stddev] * 2,
                        conv2_bias=0.1, precision=precision)

  batch_size, height, width, depth = pool2.get_shape().as_list()
  local = tf.reshape(pool2, [batch_size or -1, height * width * depth])
  for name, units in (('local3', 384), ('local4', 192)):
    with tf.variable_scope(name) as scope:
      weights = cifar10._variable_with_weight_decay(
          'weights', shape=[local.shape.as_list()[1], units], stddev=0.04,
          wd=0.004)
      biases = cifar10._variable_on_cpu('biases', [units],
                                        tf.constant_initializer(0.1))
      local = tf.nn.relu(_matmul(local, weights, precision) + biases,
                         name=scope.name)
      cifar10._activation_summary(local)

  return cifar10_local.softmax_linear(local, config.num_classes,
                                      stddev=1 / 192.0, wd=0.0)


def _convolutions(
    images: tf.Tensor,
    *,
    stddevs: list[float],
    conv2_bias: float,
    precision: tf.DType,
) -> tf.Tensor:
  """Builds the layers that both networks share.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3].
    stddevs: list of two floats, the initial standard deviations of the conv1
      and conv2 weights.
    conv2_bias: float, the initial value of the conv2 biases.
    precision: see inference().

  Returns:
    float32 tensor of shape [batch_size, 6, 6, 64], pool2.
  """
  cifar10.check_reference_variables()

  with tf.variable_scope('conv1') as scope:
    kernel = cifar10._variable_with_weight_decay(
        'weights', shape=[5, 5, 3, 64], stddev=stddevs[0], wd=0.0)
    conv = tf.nn.conv2d(tf.cast(images, precision), tf.cast(kernel, precision),
                        [1, 1, 1, 1], padding='SAME')
    biases = cifar10._variable_on_cpu('biases', [64],
                                      tf.constant_initializer(0.0))
    # This activation is computed only when the summaries run.
    cifar10._activation_summary(tf.nn.relu(
        tf.nn.bias_add(tf.cast(conv, tf.float32), biases), name=scope.name))

  pool = tf.nn.max_pool(conv, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                        padding='SAME')
  pool1 = tf.nn.relu(tf.nn.bias_add(tf.cast(pool, tf.float32), biases),
                     name='pool1')
  norm1 = normalization.lrn(pool1, 4, bias=1.0, alpha=0.001 / 9.0,
                            name='norm1')

  with tf.variable_scope('conv2') as scope:
    kernel = cifar10._variable_with_weight_decay(
        'weights', shape=[5, 5, 64, 64], stddev=stddevs[1], wd=0.0)
    conv = winograd.conv2d(norm1, kernel)
    biases = cifar10._variable_on_cpu('biases', [64],
                                      tf.constant_initializer(conv2_bias))
    conv2 = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
    cifar10._activation_summary(conv2)

  norm2 = normalization.lrn(conv2, 4, bias=1.0, alpha=0.001 / 9.0,
                            name='norm2')
  return tf.nn.max_pool(norm2, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                        padding='SAME', name='pool2')


def _matmul(x: tf.Tensor, weights: tf.Tensor, precision: tf.DType) -> tf.Tensor:
  """Multiplies float32 matrices after rounding them to a precision."""
  return tf.cast(tf.matmul(tf.cast(x, precision), tf.cast(weights, precision)),
                 tf.float32)
