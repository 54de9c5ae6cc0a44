"""The table of networks."""

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_local
from cifar10_compat import models
from cifar10_compat.base import errors


class ModelsTest(tf.test.TestCase):

  def test_get(self):
    self.assertIs(cifar10.inference, models.get('cifar10').inference)
    self.assertIs(cifar10_local.inference, models.get('conv_local').inference)
    for name in models.MODELS:
      self.assertEqual(name, models.get(name).name)

  def test_deviations_of_the_initial_weights(self):
    for fast in (False, True):
      for name, conv in (('cifar10', 1e-4), ('cifar10_5e-2', 5e-2)):
        with tf.Graph().as_default(), tf.Session() as session:
          tf.set_random_seed(1)
          models.get(name, fast_network=fast).inference(
              tf.zeros([1, 24, 24, 3])
          )
          session.run(tf.global_variables_initializer())
          found = {
              v.op.name.partition('/')[0]: session.run(v).std()
              for v in tf.trainable_variables()
              if v.op.name.endswith('/weights')
          }
        for layer, deviation in (
            ('conv1', conv),
            ('conv2', conv),
            ('local3', 0.04),
            ('local4', 0.04),
            ('softmax_linear', 1 / 192),
        ):
          # Of a normal distribution that is cut off at two deviations 0.8796 is
          # left: 1 - 4 phi(2) / (2 Phi(2) - 1), and the root of that.
          self.assertAllClose(0.8796 * deviation, found[layer], rtol=0.05)

  def test_unknown_name(self):
    with self.assertRaisesRegex(
        errors.UsageError,
        "called 'resnet': choose one of cifar10, cifar10_5e-2, conv_local",
    ):
      models.get('resnet')


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
