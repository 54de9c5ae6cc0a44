"""The limit of a step, by arithmetic and by the real child program."""

from absl.testing import absltest
import tensorflow.compat.v1 as tf

from tools.speed import children
from tools.speed import matrix_product


class MatrixProductTest(absltest.TestCase):

  def test_operations_of_a_step(self):
    # Three times 18,470,784 multiply-adds per image, except one gradient of
    # conv1's 2,764,800; a multiply-add counts as two operations.
    self.assertEqual(
        128 * 2 * (3 * 18470784 - 2764800), matrix_product.STEP_FLOP
    )
    self.assertEqual('13.48', '%.2f' % (matrix_product.STEP_FLOP / 1e9))

  def test_speed(self):
    for dtype in (tf.float32, tf.bfloat16):
      speed = matrix_product.measure(dtype, size=64, secs=0.01)
      self.assertGreater(speed, 1e6)

  def test_the_program(self):
    values = children.run(
        'tools.speed.matrix_product',
        ['float32', '--size=64', '--secs=0.01'],
        what='it',
    ).values
    self.assertAlmostEqual(
        matrix_product.STEP_FLOP / 1e9,
        values['gflop_per_second'] * values['seconds_per_step'],
    )
