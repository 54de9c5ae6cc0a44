"""Converts .mat files, written by scipy like the published ones, to records."""

import os
import pathlib

from absl.testing import absltest
import numpy as np
import scipy.io

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.data import svhn
from tests.helpers import record_fixture


class SvhnTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.directory = os.path.join(self.data_dir, datasets.SVHN.directory)
    self.train = os.path.join(self.data_dir, 'train_32x32.mat')
    self.test = os.path.join(self.data_dir, 'test_32x32.mat')
    # More than one chunk.
    self.images, _ = record_fixture.random_images(1003)
    self.labels = np.arange(1003) % 10 + 1
    self._save(self.train, self.images, self.labels)
    self._save(self.test, self.images[:2], np.array([10, 3]))

  def _save(self, path, images, labels):
    scipy.io.savemat(
        path,
        {
            'X': images.transpose(1, 2, 3, 0),
            'y': labels.astype(np.uint8).reshape(-1, 1),
        },
        do_compression=True,
    )

  def _write(self):
    svhn.write_batches(self.directory, self.train, self.test)

  def test_label_and_pixels(self):
    self._write()
    # Label 10 stands for the digit 0.
    self.assertEqual(
        record_fixture.record(0, self.images[0])
        + record_fixture.record(3, self.images[1]),
        pathlib.Path(self.directory, 'test.bin').read_bytes(),
    )
    self.assertEqual(
        b''.join(
            record_fixture.record(label % 10, image)
            for label, image in zip(self.labels, self.images)
        ),
        pathlib.Path(self.directory, 'train.bin').read_bytes(),
    )
    self.assertEqual(1003, checks.check(datasets.SVHN, self.data_dir, False))
    self.assertCountEqual(
        ['train_32x32.mat', 'test_32x32.mat', 'svhn-batches-bin'],
        os.listdir(self.data_dir),
    )

  def test_other_types_and_no_compression(self):
    for i, labels in enumerate(
        (
            np.array([[10.0], [3.0]]),
            np.array([[10], [3]], np.int64),
            np.array([[10, 3]], np.uint16),
        )
    ):
      self.directory += str(i)
      scipy.io.savemat(
          self.test,
          {
              'y': labels,
              'other': 'text',
              'X': self.images[:2].transpose(1, 2, 3, 0),
          },
      )
      self._write()
      self.assertEqual(
          record_fixture.record(0, self.images[0])
          + record_fixture.record(3, self.images[1]),
          pathlib.Path(self.directory, 'test.bin').read_bytes(),
      )

  def _assert_error(self, expected):
    with self.assertRaisesRegex(errors.DataError, expected):
      self._write()
    self.assertCountEqual(
        ['train_32x32.mat', 'test_32x32.mat'], os.listdir(self.data_dir)
    )

  def test_not_svhn(self):
    images = self.images[:2]
    pixels = images.transpose(1, 2, 3, 0)
    for X, y, expected in (
        (np.zeros(3), None, ' has no array y'),
        (None, np.zeros(3), ' has no array X'),
        ('pixels', np.zeros(3), r': X is .* of shape \[1'),
        ({'a': 1}, np.zeros(3), r': X is .* of shape \[1'),
        (
            images.astype(float),
            [[1], [2]],
            ': X is float64 of shape .2, 32, 32, 3',
        ),
        (images, [[1], [2]], ': X is uint8 of shape .2, 32, 32, 3'),
        (
            np.zeros((32, 32, 3, 0), np.uint8),
            [[1], [2]],
            ': X is uint8 of shape',
        ),
        (images[..., :2], [[1], [2]], ': X is uint8 of shape'),
        (pixels, [1, 2, 3], ': y is int64 of shape .1, 3.: .* 2 labels'),
        (
            pixels,
            [[1], [0]],
            ': image 1 .* has label 0: SVHN labels are 1 to 10',
        ),
        (pixels, [[11], [0]], ': image 0 .* has label 11'),
        (pixels, [[1], [1.5]], ': image 1 .* has label 1.5'),
        (pixels, [[1], [np.nan]], ': image 1 .* has label nan'),
    ):
      scipy.io.savemat(
          self.test,
          {k: v for k, v in (('X', X), ('y', y)) if v is not None},
          do_compression=True,
      )
      self._assert_error('test_32x32.mat' + expected)

  def test_damaged(self):
    whole = pathlib.Path(self.test).read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    for contents in (
        b'',
        b'no MATLAB',
        whole[:200],
        whole[:-100],
        bytes(500),
        bytes(damaged),
        b'<html>' * 100,
    ):
      pathlib.Path(self.test).write_bytes(contents)
      self._assert_error(
          'test_32x32.mat is damaged or not a MATLAB 5 file|no array X'
      )
    os.remove(self.test)
    with self.assertRaisesRegex(
        errors.DataError, r'cannot read .*test_32x32.* \(No such file'
    ):
      self._write()
