"""What is counted and measured in records, from values worked out by hand."""

import contextlib
import io
import os

from absl.testing import absltest
import numpy as np
from PIL import Image

from cifar10_compat.base import errors
from cifar10_compat.data import description
from tests.helpers import record_fixture
from tools.images import check_records


class CheckRecordsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    # One half of the pixels 10, the other 30: mean 20, deviation 10.
    half = record_fixture.plain(10, 100, 0)
    half[:16, :, 0] = 30
    self.half = half
    black = record_fixture.plain(0, 0, 0)
    self._write('a.bin', [(1, half)] * 3 + [(0, black)])
    self._write('b.bin', [(0, black)] + [(1, half)] * 3)
    self._write('test.bin', [(1, half)])
    self.dataset = description.Dataset(
        'set',
        self.directory,
        ('a.bin', 'b.bin'),
        ('test.bin',),
        ('no [red]color[/red]', 'half', 'none'),
        8,
        1,
        label_bytes=2,
        label_index=1,
    )

  def _write(self, name, records):
    with open(os.path.join(self.directory, name), 'wb') as f:
      # A first label byte that does not count.
      f.write(b''.join(b'\x07' + record_fixture.record(*r) for r in records))

  def test_numbers(self):
    part = check_records.examine(self.dataset, '', False)
    self.assertEqual([2, 6, 0], list(part.counts))
    # Red: of 8 images, 2 are 0 and 6 are 10 or 30: mean 15, mean square 375.
    np.testing.assert_allclose([15, 75, 0], part.mean)
    np.testing.assert_allclose([150**0.5, 1875**0.5, 0], part.deviation)
    a, b = self.dataset.filenames('', False)
    self.assertEqual(((a, 4 * 3074), (b, 4 * 3074)), part.sizes)
    self.assertEqual(((a, 3), (b, 0)), part.zeros)
    self.assertEqual([2, 6, 0], [len(s) for s in part.samples])
    np.testing.assert_array_equal(self.half, part.samples[1][0])
    part = check_records.examine(self.dataset, '', True)
    np.testing.assert_allclose([20, 100, 0], part.mean)
    np.testing.assert_allclose([10, 0, 0], part.deviation)
    self.assertEqual((), part.zeros)

  def test_more_records_than_are_looked_at_together(self):
    images, labels = record_fixture.random_images(1002)
    self._write('a.bin', list(zip(labels, images)))
    dataset = self.dataset._replace(
        class_names=tuple('0123456789'),
        train_files=('a.bin',),
        num_examples_per_epoch_for_train=1002,
    )
    part = check_records.examine(dataset, '', False)
    self.assertEqual([101, 101] + [100] * 8, list(part.counts))
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), part.mean)
    np.testing.assert_allclose(images.std(axis=(0, 1, 2)), part.deviation)
    # The first ten of each class.
    np.testing.assert_array_equal(images[3:103:10], part.samples[3])

  def test_contact_sheet(self):
    samples = (np.array([self.half]), np.array([self.half] * 2), np.array([]))
    sheet = np.asarray(
        check_records.contact_sheet(('cat', 'dog', 'x'), samples)
    )
    width = sheet.shape[1]
    self.assertEqual(3 * 66, sheet.shape[0])
    first, second = width - 660, width - 594
    self.assertEqual([30, 100, 0], list(sheet[0, first]))
    self.assertEqual([10, 100, 0], list(sheet[63, first + 63]))
    self.assertTrue((sheet[:66, second:] == 255).all())
    self.assertEqual([30, 100, 0], list(sheet[66, second]))
    # Each name stands at the left of its row.
    for row in range(3):
      self.assertLess(sheet[66 * row : 66 * row + 66, :first].min(), 100)

  def test_report(self):
    path = os.path.join(self.directory, 'sheet.png')
    with contextlib.redirect_stdout(io.StringIO()) as out:
      check_records.check(self.dataset, '', path)
    words = [line.split() for line in out.getvalue().splitlines()]
    self.assertIn(['0', 'no', '[red]color[/red]', '2', '0'], words)
    self.assertIn(['1', 'half', '6', '1'], words)
    self.assertIn(['all', '8', '1'], words)
    self.assertIn(
        'train: 8 of the 8 records of the whole set, 3074 bytes '
        'each; labels 0 to 1\n',
        out.getvalue(),
    )
    self.assertIn(
        'mean of red, green, blue: 15.00, 75.00, 0.00; deviation: '
        '12.25, 43.30, 0.00\n',
        out.getvalue(),
    )
    self.assertIn('a.bin: 12296 bytes\n', out.getvalue())
    self.assertIn('a.bin: 1 images are all zero: records 3\n', out.getvalue())
    with Image.open(path) as sheet:
      self.assertEqual(3 * 66, sheet.height)
    # A link in another user's set: the file that it names does not change.
    os.replace(path, path + '.other')
    os.symlink(path + '.other', path)
    with open(path, 'rb') as f:
      before = f.read()
    self._write('b.bin', [(0, self.half)])
    with contextlib.redirect_stdout(io.StringIO()):
      check_records.check(self.dataset, '', path)
    self.assertFalse(os.path.islink(path))
    with open(path + '.other', 'rb') as f:
      self.assertEqual(before, f.read())

  def test_errors(self):
    with self.assertRaisesRegex(errors.UsageError, 'write .*--contact_sheet'):
      check_records.check(self.dataset, '', '/missing/sheet.png')
    self._write('b.bin', [(3, self.half)])
    with self.assertRaisesRegex(errors.DataError, 'b.bin: record 0 .* label 3'):
      check_records.check(self.dataset, '', '/missing/sheet.png')
