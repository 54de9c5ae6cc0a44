"""The network's graph by itself, against the goldens."""

import unittest

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat.base import errors
from cifar10_compat.base import summaries
from tools.parity import goldens

_LAYERS = (
    'conv1/conv1',
    'pool1',
    'norm1',
    'conv2/conv2',
    'norm2',
    'pool2',
    'local3/local3',
    'local4/local4',
    'softmax_linear/softmax_linear',
)


def _golden_test(test):
  """Decorates a test that compares graphs with a golden.

  A graph has the ops of the TensorFlow that built it: under another minor
  version than that of the goldens the test is skipped.
  """
  try:
    for edition in goldens.FILES:
      goldens.read(edition)
  except errors.UsageError as e:
    if ' was made with TensorFlow ' in str(e):
      return unittest.skip('the goldens are of another TensorFlow')(test)
  return test


def _golden():
  return goldens.read('tensorflow v0.7.0 and v0.7.1')


class NetworkGoldensTest(tf.test.TestCase):

  @_golden_test
  def test_variables_are_those_of_2016(self):
    with tf.Graph().as_default():
      cifar10.inference(tf.zeros([128, 24, 24, 3]))
      variables = {v.op.name: v for v in tf.trainable_variables()}
    self.assertEqual(
        _golden()['trainable'],
        {n: v.shape.as_list() for n, v in variables.items()},
    )
    self.assertEqual({'/device:CPU:0'}, {v.device for v in variables.values()})
    self.assertEqual({'VariableV2'}, {v.op.type for v in variables.values()})
    # 4,864 + 102,464 + 885,120 + 73,920 + 1,930.
    self.assertEqual(
        1068298, sum(v.shape.num_elements() for v in variables.values())
    )

  @_golden_test
  def test_nine_layers(self):
    with tf.Graph().as_default() as graph:
      logits = cifar10.inference(tf.zeros([128, 24, 24, 3]))
      shapes = {
          name: graph.get_tensor_by_name(name + ':0').shape.as_list()
          for name in _LAYERS
      }
    self.assertEqual(
        {
            name: attributes['_output_shapes'][0]
            for name, _, _, _, attributes in _golden()['ops']
            if name in _LAYERS
        },
        shapes,
    )
    self.assertEqual([128, 24, 24, 64], shapes['conv1/conv1'])
    self.assertEqual([128, 12, 12, 64], shapes['pool1'])
    self.assertEqual([128, 12, 12, 64], shapes['norm1'])
    self.assertEqual([128, 12, 12, 64], shapes['conv2/conv2'])
    self.assertEqual([128, 12, 12, 64], shapes['norm2'])
    self.assertEqual([128, 6, 6, 64], shapes['pool2'])
    self.assertEqual([128, 384], shapes['local3/local3'])
    self.assertEqual([128, 192], shapes['local4/local4'])
    self.assertEqual([128, 10], logits.shape.as_list())

  @_golden_test
  def test_whole_graph_has_the_tags_and_keys_of_2016(self):
    golden = _golden()
    with tf.Graph().as_default(), self.session() as sess:
      step = tf.train.get_or_create_global_step()
      rng = np.random.RandomState(0)
      images = tf.constant(rng.rand(4, 24, 24, 3), tf.float32)
      summaries.image_summary('images', images)
      loss = cifar10.loss(cifar10.inference(images), tf.constant([1, 2, 3, 4]))
      cifar10.train(loss, step)
      keys = {v.op.name for v in tf.global_variables()}
      sess.run(tf.global_variables_initializer())
      summary = tf.Summary.FromString(sess.run(tf.summary.merge_all()))
    by_kind = {'simple_value': [], 'histo': [], 'image': []}
    for value in summary.value:
      by_kind[value.WhichOneof('value')].append(value.tag)
    tags = golden['summaries']
    # The first two are of the input's queues, which are not in this graph.
    self.assertCountEqual(tags['ScalarSummary'][2:], by_kind['simple_value'])
    self.assertCountEqual(tags['HistogramSummary'], by_kind['histo'])
    self.assertEqual(['images'], tags['ImageSummary'])
    self.assertCountEqual(
        ['images/image/0', 'images/image/1', 'images/image/2'], by_kind['image']
    )
    self.assertEqual(['Variable', 'int32'], golden['step'])
    self.assertEqual(
        set(golden['trainable'])
        | set(golden['averages'])
        | set(golden['loss_averages'])
        | {'global_step'},
        keys,
    )
