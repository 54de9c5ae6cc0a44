"""Descriptions of the image sets, and the check of their files."""

import os

from absl.testing import absltest
import numpy as np

from cifar10_compat import datasets
from cifar10_compat import errors
from tests import record_fixture


class DatasetsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.directory = record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(30))
    self.path = os.path.join(self.directory, 'data_batch_2.bin')

  def _assert_error(self, expected):
    with self.assertRaisesRegex(errors.DataError, expected):
      datasets.check(datasets.CIFAR10, self.data_dir, eval_data=False)
    # The other split is not concerned.
    self.assertEqual(
        30, datasets.check(datasets.CIFAR10, self.data_dir, eval_data=True))

  def test_facts(self):
    self.assertEqual(3073, datasets.RECORD_BYTES)
    for dataset in datasets.DATASETS.values():
      self.assertEqual(10, dataset.num_classes)
      self.assertEqual((50000, 10000),
                       (dataset.num_examples_per_epoch_for_train,
                        dataset.num_examples_per_epoch_for_eval))
    self.assertEqual(
        ['/d/cifar-10-batches-bin/data_batch_%d.bin' % i for i in range(1, 6)],
        datasets.filenames(datasets.CIFAR10, '/d', False))
    self.assertEqual(['/d/cifar-10-batches-bin/test_batch.bin'],
                     datasets.filenames(datasets.CIFAR10, '/d', True))
    self.assertEqual(170052171, datasets.CIFAR10.archive.size)

  def test_get(self):
    self.assertIs(datasets.CIFAR10, datasets.get('cifar10'))
    with self.assertRaisesRegex(errors.UsageError, "'x': choose .*synthetic"):
      datasets.get('x')

  def test_whole_files(self):
    self.assertEqual(
        150, datasets.check(datasets.CIFAR10, self.data_dir, eval_data=False))

  def test_missing(self):
    os.remove(self.path)
    self._assert_error(r'cannot read .*data_batch_2.bin \(No such file.*'
                       'directory above cifar-10-batches-bin')

  def test_empty(self):
    os.truncate(self.path, 0)
    self._assert_error('data_batch_2.bin is empty')

  def test_size(self):
    os.truncate(self.path, 3073 * 2 - 1)
    self._assert_error('data_batch_2.bin has 6145 bytes')

  def test_label(self):
    labels = np.zeros(30, int)
    labels[[17, 23]] = 10, 255
    record_fixture.write_batches(self.data_dir,
                                 record_fixture.random_images(30)[0], labels)
    with self.assertRaisesRegex(
        errors.DataError,
        r'data_batch_1.bin: record 17 .* label 10, the highest is 9'):
      datasets.check(datasets.CIFAR10, self.data_dir, eval_data=False)

  def test_unchanged(self):
    unchanged = datasets.Unchanged([self.path])
    unchanged.check()
    os.truncate(self.path, 3073)
    with self.assertRaisesRegex(errors.DataError,
                                'had 92190 bytes .* has 3073 now'):
      unchanged.check()
    os.remove(self.path)
    with self.assertRaisesRegex(errors.DataError, 'cannot be read any more'):
      unchanged.check()


if __name__ == '__main__':
  absltest.main()
