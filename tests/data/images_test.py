"""Reads image files of all kinds, made here with Pillow."""

import contextlib
import io
import os
import pathlib
import struct
import sys
from unittest import mock
import zlib

from absl.testing import absltest
import numpy as np
from PIL import Image
from PIL import PngImagePlugin
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat.base import errors
from cifar10_compat.data import images
from tests.helpers import image_loader
from tests.helpers import limits
from tests.helpers import record_fixture


class LoadImageTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    (self.image,), _ = record_fixture.random_images(1)

  def _load(self, image, name='image.png', **kwargs):
    path = os.path.join(self.directory, name)
    image.save(path, **kwargs)
    loaded = images.load_image(path)
    self.assertEqual(((32, 32, 3), np.uint8), (loaded.shape, loaded.dtype))
    return loaded

  def test_image_of_that_size_keeps_its_pixels(self):
    np.testing.assert_array_equal(
        self.image, self._load(Image.fromarray(self.image))
    )

  def test_formats(self):
    color = record_fixture.plain(200, 100, 50)
    for name in ('a.jpg', 'a.bmp', 'a.gif', 'a.webp', 'a.ppm', 'a.tiff'):
      loaded = self._load(Image.fromarray(color), name)
      np.testing.assert_allclose(loaded, color, atol=3, err_msg=name)

  def test_gray(self):
    gray = self.image[..., 0]
    np.testing.assert_array_equal(
        np.stack([gray] * 3, -1), self._load(Image.fromarray(gray))
    )

  def _palette(self):
    """Returns a diagonal of color 1, 2, 3 on 9, 8, 7."""
    image = Image.fromarray(np.eye(32, dtype=np.uint8), 'P')
    image.putpalette([9, 8, 7, 1, 2, 3])
    return image

  def test_palette_and_one_bit(self):
    self.assertEqual(
        [[1, 2, 3], [9, 8, 7]], self._load(self._palette())[5, 5:7].tolist()
    )
    loaded = self._load(Image.fromarray(np.eye(32) > 0))
    self.assertEqual([[255] * 3, [0] * 3], loaded[5, 5:7].tolist())

  def test_transparent_becomes_white(self):
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:, 16:] = 255
    for image, color in (
        (Image.fromarray(np.dstack([self.image, alpha])), self.image[3, 20]),
        (
            Image.fromarray(np.dstack([self.image[..., 0], alpha]), 'LA'),
            [self.image[3, 20, 0]] * 3,
        ),
    ):
      loaded = self._load(image)
      self.assertTrue((loaded[:, :16] == 255).all())
      self.assertEqual(list(color), list(loaded[3, 20]))
    # A palette's transparent entry.
    loaded = self._load(self._palette(), transparency=0)
    self.assertEqual([[1, 2, 3], [255] * 3], loaded[5, 5:7].tolist())

  def test_sixteen_bits(self):
    values = np.full((32, 32), 0x1234, np.uint16)
    values[0, 0], values[0, 1] = 0xFFFF, 0x00FF
    loaded = self._load(Image.fromarray(values))
    self.assertEqual(
        (0x12, 255, 0), (loaded[9, 9, 0], loaded[0, 0, 1], loaded[0, 1, 2])
    )
    for value, kind, expected in (
        (0, np.float32, 'no known range'),
        (1 << 16, np.int32, 'more than 16 bits'),
    ):
      with self.assertRaisesRegex(errors.DataError, expected):
        self._load(Image.fromarray(np.full((32, 32), value, kind)), 'x.tiff')

  def test_sixteen_bits_of_which_fewer_are_used(self):
    values = np.full((32, 32), 2048, np.uint16)
    values[0, :2] = 4095, 15
    path = os.path.join(self.directory, 'i.tiff')
    for image in (
        Image.fromarray(values),
        Image.fromarray(values.astype('i4')),
    ):
      image.save(path)
      dark = []
      self.assertEqual(8, images.load_image(path, dark=dark)[9, 9, 0])
      self.assertEqual([path + ' has no value above 4095'], dark)
      loaded = images.load_image(path, 4095, dark)
      self.assertEqual(
          (128, 255, 0), (loaded[9, 9, 0], loaded[0, 0, 0], loaded[0, 1, 0])
      )
      self.assertLen(dark, 1)
      with self.assertRaisesRegex(
          errors.DataError, 'value 4095 is above --white=4094: .* at least 4095'
      ):
        images.load_image(path, 4094)
    with contextlib.redirect_stderr(io.StringIO()) as err:
      images.tell_dark([], 65535)
      images.tell_dark(dark * 3, 65535)
    self.assertEqual(
        f'{path} has no value above 4095, and 2 more images are similar: in '
        '16-bit images 65535 is white, so these images become dark; set the '
        'value of white with --white=N, or convert color images to 8 bits\n',
        err.getvalue(),
    )

  def _write_png(self, values, color_type, transparent=b''):
    """Writes a 16-bit PNG, which Pillow cannot; returns its path."""

    def chunk(name, data):
      checksum = struct.pack('>I', zlib.crc32(name + data))
      return struct.pack('>I', len(data)) + name + data + checksum

    height, width = values.shape[:2]
    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in values)
    path = os.path.join(self.directory, '16.png')
    with open(path, 'wb') as f:
      f.write(b'\x89PNG\r\n\x1a\n')
      header = struct.pack('>IIBBBBB', width, height, 16, color_type, 0, 0, 0)
      f.write(chunk(b'IHDR', header))
      if transparent:
        f.write(chunk(b'tRNS', transparent))
      f.write(chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
    return path

  def test_sixteen_bits_and_transparency(self):
    values = np.full((32, 32), 0x1234)
    values[:, 16:] = 0x1235  # The same upper byte.
    colors = np.stack([values, values, values], 2)
    colors[:, 16:] = 0xFFFF, 0, 0
    for image, color_type, transparent, expected in (
        (values, 0, struct.pack('>H', 0x1234), [0x12] * 3),
        (colors, 2, struct.pack('>HHH', *[0x1234] * 3), [255, 0, 0]),
    ):
      loaded = images.load_image(
          self._write_png(image, color_type, transparent)
      )
      self.assertEqual([[255] * 3, expected], loaded[9, [9, 20]].tolist())

  def test_sixteen_bits_of_several_channels(self):
    # Color, gray with alpha, color with alpha.
    for color_type, channels in ((2, 3), (4, 2), (6, 4)):
      values = np.full((32, 32, channels), 0xFFFF)
      colors = values[..., : channels - (channels != 3)]
      colors[:] = 4095
      path = self._write_png(values, color_type)
      dark = []
      self.assertEqual([15] * 3, list(images.load_image(path, dark=dark)[9, 9]))
      self.assertEqual([path + ' has no value above 4095'], dark)
      with self.assertRaisesRegex(
          errors.DataError, 'several 16-bit channels.*: convert it to 8 bits'
      ):
        images.load_image(path, white=4095)
      colors[0, 0] = 0x8000
      dark.clear()
      images.load_image(self._write_png(values, color_type), dark=dark)
      self.assertEmpty(dark)

  def test_big_endian(self):
    values = np.full((32, 32), 0x1234, '>u2')
    values[0, 0] = 0x0FFF
    path = os.path.join(self.directory, 'big.tif')
    shorts = ((256, 32), (257, 32), (258, 16), (259, 1), (262, 1), (277, 1))
    tags = [struct.pack('>HHIHH', tag, 3, 1, n, 0) for tag, n in shorts]
    longs = ((273, 8), (278, 32), (279, values.nbytes))
    tags += [struct.pack('>HHII', tag, 4, 1, n) for tag, n in longs]
    with open(path, 'wb') as f:
      f.write(b'MM\0*' + struct.pack('>I', 8 + values.nbytes))
      f.write(values.tobytes() + struct.pack('>H', len(tags)))
      f.write(b''.join(sorted(tags)) + bytes(4))
    dark = []
    loaded = images.load_image(path, dark=dark)
    self.assertEqual((0x12, 0x0F), (loaded[9, 9, 0], loaded[0, 0, 0]))
    self.assertEqual([path + ' has no value above 4660'], dark)
    with self.assertRaisesRegex(errors.DataError, '4660 is above --white=4095'):
      images.load_image(path, 4095)

  def test_long_text_in_a_sound_png(self):
    info = PngImagePlugin.PngInfo()
    info.add_itxt('XML:com.adobe.xmp', 'x' * (1 << 22), zip=True)
    np.testing.assert_array_equal(
        self.image, self._load(Image.fromarray(self.image), pnginfo=info)
    )

  def test_orientation(self):
    image = np.zeros((32, 32, 3), np.uint8)
    image[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # Display turned clockwise by 90 degrees.
    loaded = self._load(Image.fromarray(image), exif=exif)
    self.assertEqual(255, loaded[0, 31, 0])
    self.assertEqual(0, loaded[0, 0, 0])

  def test_other_sizes(self):
    # Of 96 x 64, the central square, from column 16 on, is scaled to one half.
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :16], image[:, 16:48], image[:, 48:80] = 77, 10, 200
    loaded = self._load(Image.fromarray(image))
    np.testing.assert_array_equal(loaded[:, :16], 10)
    np.testing.assert_array_equal(loaded[:, 16:], 200)
    self.assertEqual(
        9,
        self._load(Image.fromarray(record_fixture.plain(9, 9, 9)[:1, :1]))[
            31, 31, 0
        ],
    )
    self._load(Image.fromarray(np.zeros((1, 3000, 3), np.uint8)))

  def test_pixels_are_those_of_an_image_to_predict(self):
    image = np.random.RandomState(0).randint(0, 256, (77, 50, 3)).astype('u1')
    with tf.Graph().as_default(), tf.Session() as sess:
      fitted = sess.run(cifar10_input.fit(tf.constant(image)))
    np.testing.assert_allclose(
        self._load(Image.fromarray(image)).astype(int), fitted, atol=1
    )

  def test_what_does_not_decode(self):
    png, eps = io.BytesIO(), io.BytesIO()
    Image.fromarray(self.image).save(png, 'png')
    Image.fromarray(self.image).save(eps, 'eps')
    whole = png.getvalue()
    for name, contents, expected in (
        ('empty.png', b'', 'empty.png cannot be decoded'),
        ('text.png', b'text', 'text.png cannot be decoded'),
        ('half.png', whole[: len(whole) // 2], 'half.png cannot be decoded'),
        ('head.png', whole[:40], 'head.png cannot be decoded'),
        (
            'photo.jpg',
            b'\0\0\0\x18ftypheic' + bytes(50),
            'photo.jpg is a HEIC image, .*: convert it to JPEG',
        ),
        # PostScript is not run.
        ('image.eps', eps.getvalue(), 'cannot identify image'),
    ):
      path = pathlib.Path(self.directory, name)
      path.write_bytes(contents)
      with self.assertRaisesRegex(errors.DataError, expected):
        images.load_image(str(path))
    pipe = os.path.join(self.directory, 'pipe')
    os.mkfifo(pipe)
    for other, reason in (
        (pipe, 'it is a pipe, not'),
        (self.directory, 'it is a directory, not'),
        ('/dev/zero', 'it is a device, not'),
        (os.path.join(self.directory, 'none.png'), 'No such file'),
    ):
      with self.assertRaisesRegex(
          errors.DataError, r'%s cannot be read \(%s' % (other, reason)
      ):
        images.load_image(other)
    # Chunks that unpack to more text than Pillow accepts.
    info = PngImagePlugin.PngInfo()
    info.add_text('bomb', 'x' * (1 << 26), zip=True)
    info.add_text('more', 'x', zip=True)
    with self.assertRaisesRegex(
        errors.DataError, 'image.png cannot be decoded'
    ):
      self._load(Image.fromarray(self.image), pnginfo=info)

  def test_an_image_of_several_strips(self):
    # 2,080 = 65 * 32 rows; one small pixel extends over the first two strips.
    small = self.image.astype(np.uint8)
    large = small.repeat(65, 0).repeat(65, 1)
    np.testing.assert_array_equal(small, self._load(Image.fromarray(large)))

  def test_that_may_not_be_read(self):
    path = os.path.join(self.directory, 'image.png')
    Image.fromarray(self.image).save(path)
    os.chmod(path, 0)
    said, _ = image_loader.load(path, preexec_fn=limits.heed_permissions)
    self.assertIn('image.png cannot be read (Permission denied)', said)

  def test_a_bad_sector(self):
    # A regular file to stat(); reading its start fails with EIO.
    with self.assertRaisesRegex(errors.DataError, 'Input/output error'):
      images.load_image('/proc/self/mem')

  def test_without_pillow(self):
    with (
        mock.patch.dict(sys.modules, {'PIL': None}),
        self.assertRaisesRegex(errors.UsageError, r'\[data\]'),
    ):
      images.load_image('a.png')
