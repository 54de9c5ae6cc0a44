"""Compares each op of the fast network with the literal op and with float64."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat.fast import normalization
from cifar10_compat.fast import winograd

_ALPHA = 0.001 / 9.0


def _exact_lrn(x):
  """Computes LRN by definition, in x's dtype, with TensorFlow's gradient."""
  number = np.arange(x.shape.as_list()[-1])
  band = np.abs(number[:, np.newaxis] - number) <= 4
  squares = tf.tensordot(tf.square(x), tf.constant(band, x.dtype), 1)
  return x * (1 + tf.constant(_ALPHA, x.dtype) * squares) ** -0.75


def _max_pool(x):
  return tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], padding='SAME')


def _literal_conv(x, kernel):
  return tf.nn.conv2d(x, kernel, [1, 1, 1, 1], padding='SAME')


def _literal_lrn(x):
  return tf.nn.lrn(x, 4, bias=1.0, alpha=_ALPHA, beta=0.75)


def _literal_pool(x, biases):
  return _max_pool(tf.nn.relu(tf.nn.bias_add(x, biases)))


# For each part: the input and output tensors in the literal graph, and the
# functions that compute the part literally, fast and exactly.
PARTS = {
    'conv1, bias and ReLU after the pooling': (
        ('conv1/Conv2D:0', 'conv1/biases/read:0'),
        'pool1:0',
        _literal_pool,
        lambda x, biases: tf.nn.relu(tf.nn.bias_add(_max_pool(x), biases)),
        _literal_pool,
    ),
    'norm1': (
        ('pool1:0',),
        'norm1:0',
        _literal_lrn,
        lambda x: normalization.lrn(x, 4, bias=1.0, alpha=_ALPHA),
        _exact_lrn,
    ),
    'conv2': (
        ('norm1:0', 'conv2/weights/read:0'),
        'conv2/Conv2D:0',
        _literal_conv,
        winograd.conv2d,
        _literal_conv,
    ),
    'norm2': (
        ('conv2/conv2:0',),
        'norm2:0',
        _literal_lrn,
        lambda x: normalization.lrn(x, 4, bias=1.0, alpha=_ALPHA),
        _exact_lrn,
    ),
}


def _literal_values(checkpoint, batch):
  """Runs the literal network on a batch.

  Returns:
    values: dict from the name of each input tensor in PARTS to its value.
    upstream: dict from each output's name to the gradient of the loss with
      respect to that output.
  """
  with tf.Graph().as_default() as graph, tf.Session() as sess:
    loss = cifar10.loss(
        cifar10.inference(tf.constant(batch[0])), tf.constant(batch[1])
    )
    tf.train.Saver(tf.trainable_variables()).restore(sess, checkpoint)
    outputs = [part[1] for part in PARTS.values()]
    names = {name for part in PARTS.values() for name in part[0]}
    gradients = tf.gradients(
        loss, [graph.get_tensor_by_name(name) for name in outputs]
    )
    return sess.run(
        [
            {name: graph.get_tensor_by_name(name) for name in names},
            dict(zip(outputs, gradients)),
        ]
    )


def _run_part(function, inputs, upstream, dtype):
  """Returns a part's output and the gradients with respect to the inputs."""
  with tf.Graph().as_default(), tf.Session() as sess:
    inputs = [tf.constant(value, dtype) for value in inputs]
    output = function(*inputs)
    gradients = tf.gradients(output, inputs, tf.constant(upstream, dtype))
    return sess.run([output] + gradients)


def part_errors(checkpoint, batch):
  """Compares each part with float64.

  Args:
    checkpoint: str, a checkpoint of the tutorial's network.
    batch: (images, labels), from draw_batches().

  Returns:
    list of dicts with these keys: `part`, the part's name; `of`, the compared
      quantity; `literal` and `fast`, floats, the largest difference from the
      exact value, relative to the largest exact value.
  """
  values, upstream = _literal_values(checkpoint, batch)
  rows = []
  for part, (names, output, literal, fast, exact) in PARTS.items():
    inputs = [values[name] for name in names]
    results = [
        _run_part(function, inputs, upstream[output], dtype)
        for function, dtype in (
            (literal, tf.float32),
            (fast, tf.float32),
            (exact, tf.float64),
        )
    ]
    compared = ['value'] + [
        'gradient with respect to '
        + (
            'weights'
            if 'weights' in name
            else 'biases'
            if 'biases' in name
            else 'images'
        )
        for name in names
    ]
    for of, a, b, c in zip(compared, *results):
      largest = np.abs(c).max()
      rows.append(
          {
              'part': part,
              'of': of,
              'literal': float(np.abs(a - c).max() / largest),
              'fast': float(np.abs(b - c).max() / largest),
          }
      )
  return rows
