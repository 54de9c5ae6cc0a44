"""The network with locally connected top layers, an exercise of the tutorial.

The network is that of cuda-convnet2's example layers-cifar10-11pct: two
convolutions, then two locally connected layers.  Like a convolution, a locally
connected layer sees 3 x 3 pixels, but each position has its own weights and
biases.
"""

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib

# pylint: disable=protected-access


def _unshared_conv(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """Applies a different kernel at each position of an image.

  Args:
    x: float32 tensor of shape [batch_size, height, width, in_channels];
      batch_size may be unknown.
    kernel: float32 tensor or variable of shape [height, width, 3, 3,
      in_channels, channels]; kernel[i, j] sees rows i - 1 to i + 1 and columns
      j - 1 to j + 1 of x; pixels beyond the edges are 0.

  Returns:
    float32 tensor of shape [batch_size, height, width, channels].
  """
  height, width, size, _, in_channels, channels = kernel.shape.as_list()
  # Compute one matrix product per position, with one row per image.
  places = tf.pad(tf.transpose(x, [1, 2, 0, 3]),
                  [[1, 1], [1, 1], [0, 0], [0, 0]])
  patches = tf.concat([places[i:i + height, j:j + width]
                       for i in range(size) for j in range(size)], 3)
  products = tf.matmul(patches, tf.reshape(
      kernel, [height, width, size * size * in_channels, channels]))
  return tf.transpose(products, [2, 0, 1, 3])


def inference(
    images: tf.Tensor,
    config: config_lib.Network = config_lib.Network(
        model=config_lib.CONV_LOCAL
    ),
) -> tf.Tensor:
  """Builds the network, like cifar10.inference().

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3]; batch_size may be
      unknown.
    config: the number of classes.

  Returns:
    float32 tensor of shape [batch_size, num_classes], the logits.

  Raises:
    UsageError: resource variables are enabled.
  """
  cifar10.check_reference_variables()

  conv1 = _conv('conv1', images, stddev=1e-4)
  pool1 = tf.nn.max_pool(conv1, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                         padding='SAME', name='pool1')
  norm1 = tf.nn.lrn(pool1, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75,
                    name='norm1')

  conv2 = _conv('conv2', norm1, stddev=0.01)
  norm2 = tf.nn.lrn(conv2, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75,
                    name='norm2')
  pool2 = tf.nn.max_pool(norm2, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                         padding='SAME', name='pool2')

  return local_layers(pool2, config.num_classes)


def _conv(name: str, x: tf.Tensor, stddev: float) -> tf.Tensor:
  """Builds a convolution with 64 kernels of 5 x 5 pixels.

  Args:
    name: the name of the variable scope.
    x: float32 tensor of shape [batch_size, height, width, channels].
    stddev: the initial standard deviation of the weights.

  Returns:
    float32 tensor of shape [batch_size, height, width, 64].
  """
  with tf.variable_scope(name) as scope:
    kernel = cifar10._variable_with_weight_decay(
        'weights', shape=[5, 5, x.shape.as_list()[-1], 64], stddev=stddev,
        wd=0.0)
    conv = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], padding='SAME')
    biases = cifar10._variable_on_cpu('biases', [64],
                                      tf.constant_initializer(0.0))
    conv = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
    cifar10._activation_summary(conv)
  return conv


def local_layers(pool2: tf.Tensor, num_classes: int) -> tf.Tensor:
  """Builds the locally connected layers and the linear layer on top.

  Args:
    pool2: float32 tensor of shape [batch_size, 6, 6, 64]; batch_size may be
      unknown.
    num_classes: number of classes of the data set.

  Returns:
    float32 tensor of shape [batch_size, num_classes], the logits.
  """
  local = pool2
  for name, channels in (('local3', 64), ('local4', 32)):
    with tf.variable_scope(name) as scope:
      _, height, width, depth = local.shape.as_list()
      kernel = cifar10._variable_with_weight_decay(
          'weights', shape=[height, width, 3, 3, depth, channels], stddev=0.04,
          wd=0.004)
      biases = cifar10._variable_on_cpu('biases', [height, width, channels],
                                        tf.constant_initializer(0.0))
      local = tf.nn.relu(_unshared_conv(local, kernel) + biases,
                         name=scope.name)
      cifar10._activation_summary(local)

  return softmax_linear(local, num_classes, stddev=0.01, wd=0.01)


def softmax_linear(
    x: tf.Tensor, num_classes: int, *, stddev: float, wd: float
) -> tf.Tensor:
  """Builds the linear layer on top of a network.

  Args:
    x: float32 tensor of shape [batch_size, ...]; batch_size may be unknown.
    num_classes: number of classes of the data set.
    stddev: the initial standard deviation of the weights.
    wd: the weight decay factor.

  Returns:
    float32 tensor of shape [batch_size, num_classes], the logits.
  """
  with tf.variable_scope('softmax_linear') as scope:
    dim = x.shape[1:].num_elements()
    weights = cifar10._variable_with_weight_decay(
        'weights', [dim, num_classes], stddev=stddev, wd=wd)
    biases = cifar10._variable_on_cpu('biases', [num_classes],
                                      tf.constant_initializer(0.0))
    flat = tf.reshape(x, [x.shape.as_list()[0] or -1, dim])
    logits = tf.add(tf.matmul(flat, weights), biases, name=scope.name)
    cifar10._activation_summary(logits)
  return logits
