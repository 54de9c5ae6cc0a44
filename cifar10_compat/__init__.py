"""TensorFlow's CIFAR-10 tutorial of 2016, re-created with tf.compat.v1.

The package itself imports nothing, so that an entry point can set TensorFlow's
log levels (cifar10_compat.base.quiet) before TensorFlow loads.
"""

__version__ = '0.3.0'
