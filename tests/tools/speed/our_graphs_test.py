"""The port's graphs: how they are built, and that they train."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tests.tools.speed import few_steps
from tools.speed import fixed_values
from tools.speed import our_graphs
from tools.speed import parts


class OurGraphsTest(tf.test.TestCase):

  def test_first_loss_by_hand(self):
    # If all weights and biases are 0, all classes are equally likely.
    zeros = {k: 0 * v for k, v in fixed_values.weights().items()}
    with tf.test.mock.patch.object(fixed_values, 'weights', lambda: zeros):
      step = our_graphs.make_step('literal', *fixed_values.batch(8))
    self.assertAllClose(np.log(10), step.run())
    step.close()

  def test_steps_train(self):
    losses = few_steps.losses('literal', steps=5)
    self.assertAllLess(np.diff(losses), 0)

  def test_fast_networks(self):
    literal = few_steps.losses('literal')
    self.assertAllClose(literal, few_steps.losses('fast'), rtol=1e-5, atol=0)
    bfloat16 = few_steps.losses('fast_bfloat16')
    self.assertAllClose(literal, bfloat16, rtol=1e-2, atol=0)
    self.assertNotAllClose(literal, bfloat16, rtol=1e-6, atol=0)

  def test_a_replaced_op(self):
    calls = []

    def find():
      lrn = tf.nn.lrn

      def replacement(*args, **kwargs):
        calls.append(kwargs['name'])
        return lrn(*args, **kwargs)

      return replacement

    part = parts.Part('a part', replaced_ops={'lrn': find})
    before = tf.nn.lrn
    with (
        tf.test.mock.patch.dict(parts.PARTS, part=part),
        tf.Graph().as_default(),
    ):
      our_graphs.inference('part', tf.zeros([1, 24, 24, 3]))
    self.assertEqual(['norm1', 'norm2'], calls)
    self.assertIs(before, tf.nn.lrn)

  def test_distorted_inputs(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(2))
    for name, reads_chunks in (('literal', False), ('fast', True)):
      with tf.Graph().as_default() as graph:
        images, labels = our_graphs.distorted_inputs(
            name, data_dir=data_dir, batch_size=8, dataset=datasets.CIFAR10
        )
        self.assertEqual([8, 24, 24, 3], images.shape.as_list())
        self.assertEqual([8], labels.shape.as_list())
        types = {op.type for op in graph.get_operations()}
        self.assertEqual(reads_chunks, 'ReaderReadUpToV2' in types)
