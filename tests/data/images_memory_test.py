"""The memory for decoding an image is bounded."""

import os

from absl.testing import absltest
from PIL import Image

from tests.helpers import image_loader


class ImagesMemoryTest(absltest.TestCase):

  def test_memory_is_bounded(self):
    path = os.path.join(self.create_tempdir().full_path, 'image')
    exif = Image.Exif()
    exif[0x0112] = 6
    large = 'RGBA', (9400, 9500), (9, 8, 7, 255)
    larger = 'RGB', (13300, 13300), (200, 200, 200)
    refused = (
        'DataError %s cannot be decoded (it has 13300 x 13300 pixels, more '
        'than 89478485 in total: make it smaller, or convert it to baseline '
        'JPEG)' % path
    )
    for new, form, options, expected, bounds in (
        # The worst case: maximum size, transparent, and to be turned.
        (
            large,
            'png',
            {'compress_level': 1, 'exif': exif},
            '[9 8 7]',
            (0, 0.85e9),
        ),
        # Decoders that make their own copies.
        (
            large,
            'webp',
            {'lossless': True, 'quality': 0, 'method': 0},
            '[9 8 7]',
            (1.1e9, 1.5e9),
        ),
        (large, 'jpeg2000', {}, '[9 8 7]', (1.9e9, 2.3e9)),
        # A bomb: 80 KB of file, 177 million pixels.
        (('1', (13300, 13300)), 'png', {}, refused, (0, 0.1e9)),
        # As JPEG, it is decoded at half the size, unless it is progressive.
        (larger, 'jpeg', {}, '[200 200 200]', (0, 0.5e9)),
        (larger, 'jpeg', {'progressive': True}, refused, (0, 0.1e9)),
    ):
      with Image.new(*new) as image:
        image.save(path, form, **options)
      said, memory = image_loader.load(path)
      self.assertEqual(expected, said)
      self.assertBetween(memory, *bounds)
