"""Batches for both sides."""

import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.parity import side_fixture
from tools.parity import batches


class BatchesTest(tf.test.TestCase):

  def test_batches(self):
    data_dir = side_fixture.data_dir(self, 10)
    first, again = (
        list(batches.draw(data_dir, 2, seed=5, size=20)) for _ in range(2)
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
