"""Pictures within a page."""

import base64
import io

from absl.testing import absltest
import numpy as np
from PIL import Image

from tools.run import pictures


class PicturesTest(absltest.TestCase):

  def test_url(self):
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    start, _, content = pictures.url(image).partition(',')
    self.assertEqual('data:image/png;base64', start)
    with Image.open(io.BytesIO(base64.b64decode(content))) as read:
      np.testing.assert_array_equal(image, np.asarray(read))

  def test_filters_sheet(self):
    filters = np.zeros([2, 2, 3, 3], np.float32)
    # From black through the middle to white; one color; one of a larger scale.
    filters[0, 0, :, 0], filters[1, 1, :, 0] = -0.5, 0.5
    filters[0, 1, 0, 2] = 100
    sheet = pictures.filters_sheet(filters, columns=2)
    self.assertEqual((7, 7, 3), sheet.shape)
    # Gray between them, and where there is no fourth.
    np.testing.assert_array_equal(128, sheet[::3])
    np.testing.assert_array_equal(128, sheet[:, ::3])
    np.testing.assert_array_equal(128, sheet[4:6, 4:6])
    np.testing.assert_array_equal([[0, 128], [128, 255]], sheet[1:3, 1:3, 0])
    np.testing.assert_array_equal(0, sheet[1:3, 4:6])
    np.testing.assert_array_equal([[0, 255], [0, 0]], sheet[4:6, 1:3, 0])
    np.testing.assert_array_equal(0, sheet[4:6, 1:3, 1])
