"""Drawn house numbers."""

import os

from absl.testing import absltest
import numpy as np
from PIL import Image

from cifar10_compat.base import errors
from tools.images import draw_digits


class DrawDigitsTest(absltest.TestCase):

  def _read(self, *path):
    with Image.open(os.path.join(*path)) as image:
      return np.asarray(image)

  def test_folders_of_pictures_that_the_seed_decides(self):
    parent = self.create_tempdir().full_path
    out, again, other = (os.path.join(parent, n) for n in 'abc')
    for directory, seed in ((out, 1), (again, 1), (other, 2)):
      self.assertEqual(
          0,
          draw_digits.main(
              ['--out=' + directory, '--images=20', '--seed=%d' % seed]
          ),
      )
    self.assertCountEqual('0123456789', os.listdir(out))
    for digit in range(10):
      names = ['%06d.png' % digit, '%06d.png' % (digit + 10)]
      self.assertCountEqual(names, os.listdir(os.path.join(out, str(digit))))
      picture = self._read(out, str(digit), names[0])
      self.assertEqual((32, 32, 3), picture.shape)
      # The digit is clearly brighter or darker than its ground.
      self.assertGreater(np.ptp(picture.mean(2)), 60)
      self.assertTrue(
          (picture == self._read(again, str(digit), names[0])).all()
      )
      self.assertFalse(
          (picture == self._read(other, str(digit), names[0])).all()
      )

  def test_mistakes(self):
    out = self.create_tempdir()
    out.create_file('there')
    with self.assertRaisesRegex(errors.UsageError, 'is not empty'):
      draw_digits.write(out.full_path, 20)
    with self.assertRaisesRegex(errors.UsageError, '--images=19'):
      draw_digits.write(os.path.join(out.full_path, 'new'), 19)
    with self.assertRaisesRegex(errors.UsageError, 'cannot write'):
      draw_digits.write(os.path.join(out.full_path, 'there', 'x'), 20)
