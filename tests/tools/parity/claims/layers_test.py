"""Layers, compared with counts made by hand."""

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from tools.parity.claims import layers


class LayersTest(tf.test.TestCase):

  def test_a_graph_made_by_hand(self):
    with tf.Graph().as_default():
      image = tf.zeros([1, 8, 6, 3])
      with tf.variable_scope('a'):
        w = tf.get_variable('w', [2, 2, 3, 5])
        b = tf.get_variable('b', [5])
        x = tf.nn.bias_add(tf.nn.conv2d(image, w, 1, 'VALID'), b)
        unused = tf.matmul(tf.zeros([1, 9]), tf.get_variable('v', [9, 9]))
      x = tf.nn.max_pool(x, [1, 7, 5, 1], 5, 'VALID', name='p')
      with tf.variable_scope('z'):
        w = tf.get_variable('w', [5, 2])
        x = tf.matmul(tf.reshape(x, [1, 5]), w) + tf.get_variable('b', [2])
      counted = layers.count(x)
      self.assertIsNotNone(unused)
    self.assertEqual(
        [
            # (2 * 2 * 3 + 1) * 5; 7 x 5 positions, 12 products for each of 5
            # maps.
            ('a', 'Conv2D BiasAdd', (7, 5, 5), 65, 2100),
            ('p', 'MaxPool', (1, 1, 5), 0, 0),
            ('z', 'MatMul AddV2', (2,), 12, 10),
        ],
        counted,
    )

  def test_network_of_the_port(self):
    with tf.Graph().as_default():
      counted = layers.count(cifar10.inference(tf.zeros([1, 24, 24, 3])))
    self.assertEqual(
        {
            'conv1': 4864,
            'conv2': 102464,
            'local3': 885120,
            'local4': 73920,
            'softmax_linear': 1930,
            'pool1': 0,
            'pool2': 0,
            'norm1': 0,
            'norm2': 0,
        },
        {l.name: l.parameters for l in counted},
    )
    self.assertEqual(1068298, sum(l.parameters for l in counted))
    # 576 * 75 * 64 + 144 * 1600 * 64 + 2304 * 384 + 384 * 192 + 192 * 10.
    self.assertEqual(18470784, sum(l.multiply_adds for l in counted))
    row = layers.rows(counted)[-1]
    self.assertEqual(('all', '', '', '1,068,298', '18,470,784'), row)

  def test_cuda_convnet2(self):
    other = layers.convnet2_multiply_adds()
    self.assertEqual(
        {
            'conv1': 2764800,
            'conv2': 14745600,
            'local3': 1327104,
            'local4': 663552,
            'fc10': 11520,
        },
        other,
    )
    self.assertEqual(19512576, sum(other.values()))
