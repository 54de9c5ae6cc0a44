"""The table of networks."""

from absl.testing import absltest

from cifar10_compat import cifar10
from cifar10_compat import cifar10_local
from cifar10_compat import models
from cifar10_compat.base import errors


class ModelsTest(absltest.TestCase):

  def test_get(self):
    self.assertIs(cifar10.inference, models.get('cifar10').inference)
    self.assertIs(cifar10_local.inference, models.get('conv_local').inference)
    for name in models.MODELS:
      self.assertEqual(name, models.get(name).name)

  def test_unknown_name(self):
    with self.assertRaisesRegex(
        errors.UsageError, "called 'resnet': choose one of cifar10, conv_local"
    ):
      models.get('resnet')


if __name__ == '__main__':
  absltest.main()
