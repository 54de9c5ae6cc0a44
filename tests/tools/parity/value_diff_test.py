"""The comparison of values, on two graphs of one weight, and by hand."""

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tests.helpers import small_training
from tools.base import training_graph
from tools.parity import value_diff


def _batches(steps):
  for i in range(steps):
    yield np.full((2, 3), i + 1, np.float32), np.full(2, i, np.int32)


WEIGHTS = {'w': np.array([1, 2, 3], np.float32)}


class ArithmeticTest(tf.test.TestCase):

  def test_a_single_flipped_bit(self):
    a = np.random.RandomState(0).randn(4, 5).astype(np.float32)
    b = a.copy()
    self.assertEqual(0, value_diff.differing(a, b))
    b.view(np.uint32)[2, 3] ^= 1
    self.assertEqual(1, value_diff.differing(a, b))
    self.assertEqual(1, value_diff.differing(np.float32(0.0), np.float32(-0.0)))
    self.assertEqual(
        0, value_diff.differing(np.float32('nan'), np.float32('nan'))
    )
    self.assertEqual(1, value_diff.differing(np.int64(1), np.int64(2)))

  def test_average_by_hand(self):
    # (1 + 0) / (10 + 0) = 0.1: 0.1 * 10 + 0.9 * 20 = 19.
    self.assertAllClose(
        [19],
        value_diff.averaged(
            np.array([10], np.float32), np.array([20], np.float32), 0
        ),
    )
    # (1 + 8) / (10 + 8) = 0.5.
    self.assertAllClose(
        [15],
        value_diff.averaged(
            np.array([10], np.float32), np.array([20], np.float32), 8
        ),
    )
    # 0.9999 from 89,990 on: 1 - 0.9999 of the way.
    self.assertAllClose(
        [1.0],
        value_diff.averaged(
            np.array([0], np.float32), np.array([10000], np.float32), 10**6
        ),
        rtol=1e-3,
    )

  def test_orders(self):
    self.assertEqual(
        [('a', 8)],
        [o[1:] for o in value_diff.orders('b', 'a', step=7, after_update=True)],
    )
    self.assertCountEqual(
        [('a', 8), ('b', 7), ('a', 7), ('b', 8)],
        [
            o[1:]
            for o in value_diff.orders('b', 'a', step=7, after_update=False)
        ],
    )

  def test_batches(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(10))
    first, again = (
        list(value_diff.batches(data_dir, 2, seed=5, size=20)) for _ in range(2)
    )
    for a, b in zip(first, again):
      self.assertAllEqual(a[0], b[0])
      self.assertAllEqual(a[1], b[1])
    images, labels = first[0]
    self.assertEqual((20, 24, 24, 3), images.shape)
    self.assertEqual((np.float32, np.int32), (images.dtype, labels.dtype))
    self.assertAllClose(np.zeros(20), images.mean((1, 2, 3)), atol=1e-5)
    self.assertAllClose(np.ones(20), images.std((1, 2, 3)), atol=1e-4)
    self.assertNotAllClose(first[0][0], first[1][0])


# Their sum from left to right is another one than from right to left.
_ADDENDS = np.array([1, 2**-24, 2**-24], np.float32)


def _sum_of_three(read_late):
  """Returns a graph whose loss is a sum, read by others before it or after."""
  with tf.Graph().as_default():
    step = tf.train.get_or_create_global_step()
    images = tf.placeholder(tf.float32, [2, 3])
    labels = tf.placeholder(tf.int32, [2])
    weights = tf.get_variable('w', [3])
    addends = [
        tf.reduce_sum(
            weights * np.eye(3, dtype=np.float32)[i], name='addend_%d' % i
        )
        for i in range(3)
    ]
    averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
    if read_late:
      loss = tf.add_n(addends)
      with tf.control_dependencies([loss]):
        reads = averages.apply(addends[:2])
    else:
      reads = averages.apply(addends[:2])
      with tf.control_dependencies([reads]):
        loss = tf.add_n(addends)
    with tf.control_dependencies([reads, loss]):
      update = tf.train.GradientDescentOptimizer(0.0).minimize(loss, step)
    saver = tf.train.Saver(tf.global_variables())
    tf.global_variables_initializer()
    return training_graph.export(
        images=images, labels=labels, loss=loss, train_op=update, saver=saver
    )


class CompareTest(tf.test.TestCase):

  def compare(self, *variations, steps=3):
    a, b = (
        training_graph.Training(small_training.meta_graph(**v))
        for v in variations
    )
    with a, b:
      return value_diff.compare(a, b, weights=WEIGHTS, drawn=_batches(steps))

  def test_sum_does_not_depend_on_who_reads_its_addends_when(self):
    with training_graph.Training(_sum_of_three(False)) as a:
      with training_graph.Training(_sum_of_three(True)) as b:
        result = value_diff.compare(
            a, b, weights={'w': _ADDENDS}, drawn=_batches(1)
        )
    self.assertEmpty(result.mismatches)
    # Each of the two is lost in 1; from the right, both together are not.
    self.assertEqual(([1.0], [1.0]), result.losses)

  def test_equal(self):
    result = self.compare({}, {'step_name': 'Variable', 'step_type': tf.int32})
    self.assertEmpty(result.mismatches)
    self.assertEmpty(result.off_formula)
    self.assertEqual(0, value_diff.unexplained(result))
    # Loss, gradient, weight and step counter.
    self.assertEqual((3, 12), (result.steps, result.compared))
    self.assertEqual([3, 3], [sum(seen.values()) for seen in result.orders])

  def test_order_that_the_graph_says(self):
    result = self.compare({'after': True}, {'after': True})
    self.assertEqual(0, value_diff.unexplained(result))
    order = 'weights after the update, counter after it'
    self.assertEqual(({order: 3}, {order: 3}), result.orders)

  def test_different_update(self):
    result = self.compare({}, {'rate': 0.1000001})
    self.assertEqual(
        {'w': 0, 'loss': 1},
        {
            m.value: m.step
            for m in result.mismatches
            if m.value in ('w', 'loss')
        },
    )
    self.assertEmpty(result.off_formula)

  def test_wrong_average(self):
    result = self.compare({}, {'decay': 0.05})
    self.assertEmpty(result.mismatches)
    self.assertEqual(
        ['ours: w/ExponentialMovingAverage'],
        [m.value for m in result.off_formula],
    )
    self.assertEqual(1, value_diff.unexplained(result))

  def test_missing_value(self):
    result = self.compare({}, {'extra': True})
    (mismatch,) = result.mismatches
    self.assertIn('extra', mismatch.value)

  def test_loss_that_is_not_finite(self):
    result = self.compare({'rate': 1e30}, {'rate': 1e30}, steps=4)
    self.assertIn('loss (not finite)', [m.value for m in result.mismatches])
