"""Times TensorFlow's matrix product, for the benchmark's machine limit.

  matrix_product TYPE [--size=2048] [--secs=2]

TYPE is float32 or bfloat16.  Reports GFLOP/s, and the seconds per step of the
tutorial's network at this speed.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

import tensorflow.compat.v1 as tf

from ..base import command_line
from . import children

# Multiply-adds per image: convolutions at 24² and 12² positions with 5 × 5
# windows, then matrix products.
_CONV1 = 24**2 * 5**2 * 3 * 64
_CONV2 = 12**2 * 5**2 * 64 * 64
_TOP = 2304 * 384 + 384 * 192 + 192 * 10
# Each layer is computed once forward and twice backward, for the inputs and for
# the weights; only conv1 needs no gradient for its inputs, the images.
_MULTIPLY_ADDS = 3 * (_CONV1 + _CONV2 + _TOP) - _CONV1
# Floating-point operations per step of 128 images, with direct convolution:
# 13.48e9.
STEP_FLOP = 2 * 128 * _MULTIPLY_ADDS


def measure(dtype, *, size, secs):
  """Multiplies square matrices for a given time.

  Args:
    dtype: tf.DType.
    size: int, height and width of the matrices.
    secs: float, the time to measure after the warm-up, in seconds; at least one
      product is computed.

  Returns:
    float, operations per second; a multiply-add counts as two.
  """
  with tf.Graph().as_default(), tf.Session() as session:
    a, b = (
        tf.Variable(tf.cast(tf.random.normal([size, size]), dtype))
        for _ in range(2)
    )
    session.run(tf.global_variables_initializer())
    product = tf.matmul(a, b).op
    for _ in range(3):
      session.run(product)
    products, seconds = children.timed(lambda: session.run(product), secs)
  return products * 2 * size**3 / seconds


@command_line.program('matrix_product')
def main(argv):
  parser = command_line.Parser(prog='matrix_product')
  parser.add_argument('dtype', choices=('float32', 'bfloat16'))
  parser.add_argument('--size', type=int, default=2048)
  parser.add_argument('--secs', type=float, default=2.0)
  args = parser.parse_args(argv)
  tf.disable_v2_behavior()
  speed = measure(tf.as_dtype(args.dtype), size=args.size, secs=args.secs)
  children.report(
      gflop_per_second=speed / 1e9, seconds_per_step=STEP_FLOP / speed
  )
  return 0


if __name__ == '__main__':
  sys.exit(main())
