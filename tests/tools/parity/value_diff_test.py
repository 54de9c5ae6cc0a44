"""Arrays compared bit by bit and within rounding bounds, by hand."""

import numpy as np
import tensorflow.compat.v1 as tf

from tools.parity import value_diff


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
    # From step 89,990 on, the decay is 0.9999: 1 - 0.9999 of the way.
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

  def test_difference(self):
    a = np.array([1.0, -4.0], np.float32)
    found = value_diff.difference('x', a, a + np.float32(0.5), 0.1)
    self.assertEqual(value_diff.Difference('x', 2, 0.5, 0.125, 0.1), found)
    self.assertTrue(found.above)
    zero = np.zeros(2)
    for other, bound in ((a + np.float32(0.3), 0.1), (a, 0.0)):
      self.assertFalse(value_diff.difference('x', a, other, bound).above)
    for b in (None, a[:1], a * np.nan):
      for bound in (0.1, 0):
        self.assertTrue(value_diff.difference('x', a, b, bound).above)
    self.assertFalse(value_diff.difference('x', zero, zero, 0.1).above)
    self.assertTrue(value_diff.difference('x', zero, zero + 1e-9, 0.1).above)
    # A bound of 0 requires equal bits and types.
    self.assertTrue(value_diff.difference('x', zero, -zero, 0).above)
    self.assertFalse(value_diff.difference('x', zero, -zero, 1e-9).above)
    self.assertTrue(value_diff.difference('x', a, a.astype(float), 0).above)
    self.assertFalse(
        value_diff.difference('x', np.int32(3), np.int64(3), 0).above
    )
