"""Compares the locally connected network with hand-computed values."""

import collections
import math

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_local
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import datasets


def _multiply_adds(op):
  """Returns an op's multiply-adds; 0 unless it is a product."""
  if op.type == 'Conv2D':
    summed = op.inputs[1].shape[:-1].num_elements()
  elif op.type in ('MatMul', 'BatchMatMulV2'):
    summed = op.inputs[1].shape[-2]
  else:
    return 0
  return op.outputs[0].shape.num_elements() * summed


class UnsharedConvolutionTest(tf.test.TestCase):

  def _run(self, x, kernel):
    with tf.Graph().as_default(), self.session() as sess:
      images = tf.placeholder(tf.float32, (None,) + x.shape[1:])
      y = cifar10_local._unshared_conv(images, tf.constant(kernel, tf.float32))
      return sess.run(y, {images: x})

  def test_sums_of_neighbours(self):
    # A kernel of ones, times 10 ** (2 * row + column), shows by hand which
    # place sees which pixels.
    x = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1)
    kernel = np.ones([2, 2, 3, 3, 1, 1])
    kernel *= np.array([[1, 10], [100, 1000]]).reshape(2, 2, 1, 1, 1, 1)
    # Each place sees all four pixels, whose sum is 10.
    self.assertAllEqual(
        [[10, 100], [1000, 10000]], self._run(x, kernel)[0, :, :, 0]
    )
    # Only the pixel to the right: 2 at (0, 0), 4 at (1, 0), else zeros.
    kernel[...] = 0
    kernel[:, :, 1, 2] = 1
    self.assertAllEqual([[2, 0], [4, 0]], self._run(x, kernel)[0, :, :, 0])
    # Only the pixel above, and only at (1, 1).
    kernel[...] = 0
    kernel[1, 1, 0, 1] = 1
    self.assertAllEqual([[0, 0], [0, 2]], self._run(x, kernel)[0, :, :, 0])

  def test_against_loops(self):
    rng = np.random.RandomState(0)
    x = rng.randint(-3, 4, [2, 4, 5, 3]).astype(np.float32)
    kernel = rng.randint(-3, 4, [4, 5, 3, 3, 3, 2]).astype(np.float32)
    expected = np.zeros([2, 4, 5, 2])
    for n, i, j, f in np.ndindex(*expected.shape):
      for di, dj, c in np.ndindex(3, 3, 3):
        row, column = i + di - 1, j + dj - 1
        if 0 <= row < 4 and 0 <= column < 5:
          expected[n, i, j, f] += (
              x[n, row, column, c] * kernel[i, j, di, dj, c, f]
          )
    self.assertAllEqual(expected, self._run(x, kernel))

  def test_same_kernel_everywhere_is_a_convolution(self):
    rng = np.random.RandomState(0)
    x = rng.randn(2, 6, 6, 4).astype(np.float32)
    shared = rng.randn(3, 3, 4, 5).astype(np.float32)
    with tf.Graph().as_default(), self.session() as sess:
      expected = sess.run(tf.nn.conv2d(x, shared, [1, 1, 1, 1], 'SAME'))
    self.assertAllClose(
        expected,
        self._run(x, np.broadcast_to(shared, (6, 6) + shared.shape)),
        atol=1e-5,
    )


class NetworkTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.graph = self.enter_context(tf.Graph().as_default())
    self.sess = self.enter_context(tf.Session())
    tf.set_random_seed(1)
    self.logits = cifar10_local.inference(tf.zeros([1, 24, 24, 3]))
    self.variables = {v.op.name: v for v in tf.trainable_variables()}
    self.sess.run(tf.global_variables_initializer())

  def test_parameters_and_multiply_adds(self):
    shapes = {name: v.shape.as_list() for name, v in self.variables.items()}
    products = collections.Counter()
    for op in self.graph.get_operations():
      products[op.name.partition('/')[0]] += _multiply_adds(op)
    self.assertEqual(
        {
            'conv1/weights': [5, 5, 3, 64],
            'conv1/biases': [64],
            'conv2/weights': [5, 5, 64, 64],
            'conv2/biases': [64],
            # Each of the 6 x 6 places has its own kernel and biases.
            'local3/weights': [6, 6, 3, 3, 64, 64],
            'local3/biases': [6, 6, 64],
            'local4/weights': [6, 6, 3, 3, 64, 32],
            'local4/biases': [6, 6, 32],
            'softmax_linear/weights': [6 * 6 * 32, 10],
            'softmax_linear/biases': [10],
        },
        shapes,
    )
    # 4,864 + 102,464 + 1,329,408 + 664,704 + 11,530.
    self.assertEqual(2112970, sum(int(np.prod(s)) for s in shapes.values()))
    self.assertEqual(
        {
            'conv1': 2764800,
            'conv2': 14745600,
            'local3': 1327104,
            'local4': 663552,
            'softmax_linear': 11520,
        },
        {layer: n for layer, n in products.items() if n},
    )
    self.assertEqual(19512576, sum(products.values()))

  def test_order_of_layers(self):
    types = ('Conv2D', 'Relu', 'MaxPool', 'LRN', 'BatchMatMulV2', 'MatMul')
    self.assertEqual(
        [
            'Conv2D',
            'Relu',
            'MaxPool',
            'LRN',
            'Conv2D',
            'Relu',
            'LRN',
            'MaxPool',
            'BatchMatMulV2',
            'Relu',
            'BatchMatMulV2',
            'Relu',
            'MatMul',
        ],
        [op.type for op in self.graph.get_operations() if op.type in types],
    )
    self.assertEqual('softmax_linear/softmax_linear', self.logits.op.name)

  def test_biases_of_a_place(self):
    bias = np.zeros([6, 6, 64], np.float32)
    bias[2, 5, 7] = 3
    self.variables['local3/biases'].load(bias, self.sess)
    # With another image or bias nothing else changes.
    self.assertAllEqual(bias[None], self.sess.run('local3/local3:0'))

  def test_initial_values_and_weight_decay(self):
    values = self.sess.run(self.variables)
    losses = {
        loss.op.name: self.sess.run(loss)
        for loss in tf.get_collection('losses')
    }
    # See cifar10_test.py for the standard deviation of a truncated normal.
    for name, stddev, wc in (
        ('conv1', 1e-4, 0),
        ('conv2', 0.01, 0),
        ('local3', 0.04, 0.004),
        ('local4', 0.04, 0.004),
        ('softmax_linear', 0.01, 0.01),
    ):
      weights = values[name + '/weights']
      self.assertNear(
          1,
          weights.std() / (stddev * math.sqrt(0.7737)),
          5 / math.sqrt(2 * weights.size),
      )
      self.assertAllEqual(
          np.zeros_like(values[name + '/biases']), values[name + '/biases']
      )
      if wc:
        squares = np.sum(np.square(weights, dtype=np.float64))
        self.assertAllClose(
            wc * squares / 2, losses.pop(name + '/weight_loss'), rtol=1e-5
        )
    self.assertEmpty(losses)

  def test_any_batch_size(self):
    with tf.Graph().as_default(), self.session() as sess:
      images = tf.placeholder(tf.float32, [None, 24, 24, 3])
      seven = datasets.CIFAR10._replace(class_names=tuple('abcdefg'))
      logits = cifar10_local.inference(
          images, config_lib.Network(dataset=seven)
      )
      sess.run(tf.global_variables_initializer())
      # Logits must differ between images by more than rounding errors.
      for v in tf.trainable_variables():
        if v.op.name.startswith('conv'):
          sess.run(v.assign(1000 * v))
      batch = np.random.RandomState(0).randn(3, 24, 24, 3)
      together = sess.run(logits, {images: batch})
      one_by_one = [sess.run(logits, {images: [i]})[0] for i in batch]
    self.assertEqual((3, 7), together.shape)
    self.assertGreater(np.ptp(together, 0).min(), 1e-3)
    self.assertAllClose(one_by_one, together, rtol=1e-4)

  def test_resource_variables_are_refused(self):
    tf.enable_resource_variables()
    self.addCleanup(tf.disable_resource_variables)
    with (
        tf.Graph().as_default(),
        self.assertRaisesRegex(errors.UsageError, 'disable_v2_behavior'),
    ):
      cifar10_local.inference(tf.zeros([1, 24, 24, 3]))

  def test_trains(self):
    """Loss and updates are as in any network, and reach each variable."""
    with tf.Graph().as_default(), self.session() as sess:
      tf.set_random_seed(1)
      images = tf.constant(
          np.random.RandomState(0).randn(4, 24, 24, 3), tf.float32
      )
      loss = cifar10.loss(
          cifar10_local.inference(images), tf.constant([1, 2, 3, 4])
      )
      train_op = cifar10.train(loss, tf.train.get_or_create_global_step())
      sess.run(tf.global_variables_initializer())
      before = sess.run(tf.trainable_variables())
      sess.run(train_op)
      after = sess.run(tf.trainable_variables())
    for old, new in zip(before, after):
      self.assertNotAllEqual(old, new)
