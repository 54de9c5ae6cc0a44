"""Times TensorFlow's matrix product, the machine's limit; a child.

  matrix_product TYPE [--size=2048] [--secs=2]

TYPE is float32 or bfloat16.  Reports GFLOP/s, and the seconds in which a step
of the tutorial's network would be done if all of it ran at that speed.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import argparse
import sys
import time

import tensorflow.compat.v1 as tf

from . import children

# Multiply-adds of one image: 24² and 12² places, 5 × 5 windows, the products.
_CONV1 = 24**2 * 5**2 * 3 * 64
_CONV2 = 12**2 * 5**2 * 64 * 64
_TOP = 2304 * 384 + 384 * 192 + 192 * 10
# Each is done once forward and twice backward, for the inputs and the weights;
# nothing needs the gradient of the images themselves.
_MULTIPLY_ADDS = 3 * (_CONV1 + _CONV2 + _TOP) - _CONV1
# Operations of a step of 128 images, by direct convolution: 13.48e9.
STEP_FLOP = 2 * 128 * _MULTIPLY_ADDS


def measure(dtype, *, size, secs):
  """Multiplies square matrices for some time.

  Args:
    dtype: tf.DType.
    size: int, their height and width.
    secs: float, how long to go on after the warm-up; one product at the least.

  Returns:
    float, operations a second, of which a multiply-add is two.
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
    products = 0
    started = now = time.monotonic()
    while not products or now < started + secs:
      session.run(product)
      products += 1
      now = time.monotonic()
  return products * 2 * size**3 / (now - started)


def main(argv=None):
  """Runs the program.

  Args:
    argv: list of str, the command line without the program's name, or None for
      that of the process.

  Returns:
    int, the exit code.
  """
  parser = argparse.ArgumentParser(prog='matrix_product')
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
