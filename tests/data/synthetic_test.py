"""Tests of the drawn image set."""

import hashlib
import os
import pathlib
import tempfile
from unittest import mock

from absl.testing import absltest
import numpy as np

from cifar10_compat.base import files
from cifar10_compat.data import synthetic

RECORD_BYTES = 3073
TRAIN_FILES = ['data_batch_%d.bin' % i for i in range(1, 6)]
BATCH_1_SHA256 = (
    '55ff6dffc2b907d1af55d18ec0998f5f9df7c25f47debd95ed8fd04bc5653690'
)


def _draw(label, n=200, seed=7):
  """Returns images of one class, int64 of shape [n, 3, 32, 32]."""
  rng = np.random.RandomState(seed)
  return synthetic.draw_class(label, n, rng).astype(np.int64)


def _spread(images, axis):
  """Returns the range of an image's means over rows (3) or columns (2)."""
  return np.ptp(images.sum(1, keepdims=True).mean(axis), axis=-1)


class WrittenSetTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    scratch = tempfile.TemporaryDirectory()
    cls.addClassCleanup(scratch.cleanup)
    cls.parent = scratch.name
    cls.directory = pathlib.Path(cls.parent, 'set')
    synthetic.write_batches(str(cls.directory))

  def records(self, name):
    data = np.fromfile(self.directory / name, np.uint8)
    return data.reshape(-1, RECORD_BYTES)

  def test_nothing_else_is_there(self):
    self.assertEqual(os.listdir(self.parent), ['set'])
    self.assertCountEqual(
        os.listdir(self.directory),
        TRAIN_FILES + ['test_batch.bin', 'batches.meta.txt'],
    )

  def test_each_file_has_1000_records_of_each_class_and_no_image_twice(self):
    images = set()
    for name in TRAIN_FILES + ['test_batch.bin']:
      self.assertEqual(os.path.getsize(self.directory / name), 10000 * 3073)
      records = self.records(name)
      self.assertEqual(np.bincount(records[:, 0]).tolist(), [1000] * 10)
      images.update(hash(record[1:].tobytes()) for record in records)
    self.assertLen(images, 60000)

  def test_classes_are_shuffled(self):
    labels = self.records('data_batch_1.bin')[:, 0].astype(int)
    # 1,000 records have 100 of each class, within 10.
    counts = np.stack(
        [np.bincount(part, minlength=10) for part in labels.reshape(10, 1000)]
    )
    self.assertBetween(counts.min(), 50, 99)
    self.assertBetween(counts.max(), 101, 150)

  def test_names(self):
    self.assertLen(set(synthetic.CLASS_NAMES), 10)
    self.assertEqual(
        (self.directory / 'batches.meta.txt').read_text(),
        '\n'.join(synthetic.CLASS_NAMES) + '\n',
    )

  def test_first_batch_is_the_same_everywhere(self):
    data = (self.directory / 'data_batch_1.bin').read_bytes()
    self.assertEqual(hashlib.sha256(data).hexdigest(), BATCH_1_SHA256)

  def test_second_writing_is_equal_to_the_byte(self):
    again = pathlib.Path(self.create_tempdir().full_path, 'again')
    synthetic.write_batches(str(again))
    for name in os.listdir(self.directory):
      self.assertEqual(
          (again / name).read_bytes(), (self.directory / name).read_bytes()
      )


class ClassesTest(absltest.TestCase):

  def test_figures(self):
    # Points of radius 8: the center; near the top, the right; towards the lower
    # right corner; near the lower left corner.
    x = np.array([0, 0, 7, 3, 5, -7], np.int16)
    y = np.array([0, -7, 0, 3, 5, 7], np.int16)
    expected = {
        'disc': [1, 1, 1, 1, 1, 0],
        'horizontal_stripes': [0, 0, 0, 0, 1, 1],
        'ring': [0, 1, 1, 1, 1, 0],
        'vertical_stripes': [0, 0, 1, 0, 1, 0],
        'square': [1, 1, 1, 1, 1, 1],
        'checkerboard': [0, 0, 1, 0, 0, 1],
        'triangle': [1, 1, 0, 1, 1, 1],
        'horizon': [0, 1, 0, 0, 0, 0],
        'cross': [1, 1, 1, 0, 0, 0],
        'diamond': [1, 1, 1, 1, 0, 0],
    }
    drawn = {
        name: figure(x, y, np.int16(8)).astype(int).tolist()
        for name, figure, _ in synthetic._CLASSES
    }
    self.assertEqual(drawn, expected)

  def test_only_stripes_and_horizon_have_rows_or_columns_without_contrast(self):
    # A figure raises the sum of the three channels by at least 90.  In stripes
    # it raises entire rows or columns, and the spread across them is noise
    # only.
    for label, name in enumerate(synthetic.CLASS_NAMES):
      images = _draw(label)
      rows, columns = _spread(images, 3), _spread(images, 2)
      with self.subTest(name):
        if name in ('horizontal_stripes', 'horizon'):
          self.assertGreater(rows.min(), 80)
          self.assertLess(columns.max(), 60)
        elif name == 'vertical_stripes':
          self.assertLess(rows.max(), 60)
          self.assertGreater(columns.min(), 80)
        elif name != 'checkerboard':
          self.assertGreater(np.median(rows), 40)
          self.assertGreater(np.median(columns), 40)

  def test_rows_of_horizontal_stripes_are_constant_up_to_noise(self):
    images = _draw(synthetic.CLASS_NAMES.index('horizontal_stripes'))
    self.assertLessEqual(np.ptp(images, axis=3).max(), 2 * 15 * synthetic.NOISE)

  def test_horizon_is_bright_above_and_dark_below(self):
    images = _draw(synthetic.CLASS_NAMES.index('horizon')).sum(1)
    above = images[:, :12].mean((1, 2))
    below = images[:, 19:].mean((1, 2))
    self.assertGreater((above - below).min(), 75)

  def test_no_class_is_the_mirror_image_of_another(self):
    x = np.arange(-8, 9, dtype=np.int16).reshape(1, 17)
    y = x.reshape(17, 1)
    masks = {
        name: np.broadcast_to(figure(x, y, np.int16(8)), (17, 17))
        for name, figure, _ in synthetic._CLASSES
    }
    for name, mask in masks.items():
      for other, other_mask in masks.items():
        if name != other:
          # Of 289 pixels; disc and diamond are the most similar.
          self.assertGreater(
              (mask[:, ::-1] != other_mask).sum(), 25, '%s, %s' % (name, other)
          )


class FailuresTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.parent = self.create_tempdir().full_path
    self.directory = os.path.join(self.parent, 'set')
    # Do not draw: it takes a while and does not matter here.
    self.enter_context(
        mock.patch.object(
            synthetic, '_draw_file', lambda seed: np.zeros(3073, np.uint8)
        )
    )

  def test_directories_above_are_made_and_an_empty_one_is_filled(self):
    above = os.path.join(self.parent, 'a', 'b')
    for directory in (
        os.path.join(above, 'set'),
        self.create_tempdir().full_path,
    ):
      synthetic.write_batches(directory + os.sep)
      self.assertLen(os.listdir(directory), 7)
    self.assertEqual(os.listdir(above), ['set'])

  def test_other_users_may_read_the_set(self):
    synthetic.write_batches(self.directory)
    usual = os.path.join(self.parent, 'usual')
    os.mkdir(usual)
    self.assertEqual(os.stat(self.directory).st_mode, os.stat(usual).st_mode)

  def test_existing_directory_is_left_alone(self):
    os.mkdir(self.directory)
    pathlib.Path(self.directory, 'mine').write_text('kept')
    synthetic.write_batches(self.directory)
    self.assertEqual(os.listdir(self.directory), ['mine'])
    self.assertEqual(os.listdir(self.parent), ['set'])

  def test_directory_that_appears_meanwhile_is_left_alone(self):
    write = files.write

    def slow_write(path, chunks):
      write(path, chunks)
      if path.endswith('batches.meta.txt'):
        os.mkdir(self.directory)
        write(os.path.join(self.directory, 'theirs'), [])

    with mock.patch.object(files, 'write', slow_write):
      synthetic.write_batches(self.directory)
    self.assertEqual(os.listdir(self.directory), ['theirs'])
    self.assertEqual(os.listdir(self.parent), ['set'])

  def test_what_fails_leaves_nothing_behind(self):
    write = files.write

    def failing_write(path, chunks):
      write(path, [b''.join(chunks)[:100]])
      self.assertFalse(os.path.exists(self.directory))
      if path.endswith('data_batch_3.bin'):
        raise OSError(28, 'No space left on device')

    for failure, expected in (
        (mock.patch.object(files, 'write', failing_write), OSError),
        (
            mock.patch.object(
                synthetic, '_draw_file', side_effect=KeyboardInterrupt
            ),
            KeyboardInterrupt,
        ),
    ):
      with failure, self.assertRaises(expected):
        synthetic.write_batches(self.directory)
      self.assertEqual(os.listdir(self.parent), [])

  def test_file_of_that_name_is_an_error_and_is_kept(self):
    pathlib.Path(self.directory).write_text('kept')
    for directory in (self.directory, os.path.join(self.directory, 'below')):
      with self.assertRaises(OSError):
        synthetic.write_batches(directory)
    self.assertEqual(pathlib.Path(self.directory).read_text(), 'kept')
    self.assertEqual(os.listdir(self.parent), ['set'])
