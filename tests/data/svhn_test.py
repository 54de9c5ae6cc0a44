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
    self._save(self.train)
    self._save(self.test, self.images[:2], np.array([10, 3]))

  def _save(self, path, images=None, labels=None, **changes):
    images = self.images if images is None else images
    labels = self.labels if labels is None else labels
    variables = {
        'X': images.transpose(1, 2, 3, 0),
        'y': labels.astype(np.uint8).reshape(-1, 1),
    }
    scipy.io.savemat(path, dict(variables, **changes), do_compression=True)

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
    scipy.io.savemat(self.test, {'X': np.zeros(3)})
    self._assert_error('test_32x32.mat has no array y')
    scipy.io.savemat(self.test, {'x': np.zeros(3), 'y': np.zeros(3)})
    self._assert_error('test_32x32.mat has no array X')
    for wrong in ('pixels', {'a': 1}):
      scipy.io.savemat(self.test, {'X': wrong, 'y': np.zeros(3)})
      self._assert_error(r'test_32x32.mat: X is .* of shape \[1')
    images = self.images[:2]
    for wrong, expected in (
        (images.astype(float), 'X is float64 of shape .2, 32, 32, 3'),
        (images, 'X is uint8 of shape .2, 32, 32, 3'),
        (np.zeros((32, 32, 3, 0), np.uint8), 'X is uint8 of shape'),
        (images[..., :2], 'X is uint8 of shape'),
    ):
      self._save(self.test, X=wrong)
      self._assert_error('test_32x32.mat: ' + expected)
    for wrong, expected in (
        ([1, 2, 3], 'y is int64 of shape .1, 3.: .* 2 labels'),
        ([[1], [0]], r'image 1 .* has label 0: SVHN has 1 to 10'),
        ([[11], [0]], 'image 0 .* has label 11'),
        ([[1], [1.5]], 'image 1 .* has label 1.5'),
        ([[1], [np.nan]], 'image 1 .* has label nan'),
    ):
      self._save(self.test, images, np.array([1, 2]), y=wrong)
      self._assert_error('test_32x32.mat: ' + expected)

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
