"""Descriptions of the image sets, and the check of their files."""

import json
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
    facts = {
        name: (d.num_classes, d.record_bytes, d.flip,
               d.num_examples_per_epoch_for_train,
               d.num_examples_per_epoch_for_eval)
        for name, d in datasets.DATASETS.items()}
    self.assertEqual({
        'cifar10': (10, 3073, True, 50000, 10000),
        'cifar100': (100, 3074, True, 50000, 10000),
        'cifar100_coarse': (20, 3074, True, 50000, 10000),
        'svhn': (10, 3073, False, 73257, 26032),
        'synthetic': (10, 3073, True, 50000, 10000)}, facts)
    for dataset in datasets.DATASETS.values():
      datasets.check_class_names(dataset.class_names)
    for dataset in (datasets.CIFAR100, datasets.CIFAR100_COARSE):
      self.assertEqual(sorted(dataset.class_names), list(dataset.class_names))
    self.assertEqual(
        ['/d/cifar-10-batches-bin/data_batch_%d.bin' % i for i in range(1, 6)],
        datasets.filenames(datasets.CIFAR10, '/d', False))
    self.assertEqual(['/d/cifar-10-batches-bin/test_batch.bin'],
                     datasets.filenames(datasets.CIFAR10, '/d', True))
    self.assertEqual(170052171, datasets.CIFAR10.sources[0].size)

  def test_get(self):
    self.assertIs(datasets.CIFAR10, datasets.get('cifar10'))
    with self.assertRaisesRegex(
        errors.UsageError, "'x': choose .*synthetic, or a directory written"):
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

  def test_zeros(self):
    with open(self.path, 'r+b') as f:
      f.write(bytes(30 * 3073 - 1))
    # One byte that is not zero, the very last.
    self.assertEqual(
        150, datasets.check(datasets.CIFAR10, self.data_dir, eval_data=False))
    os.truncate(self.path, 0)
    os.truncate(self.path, 30 * 3073)
    self._assert_error('data_batch_2.bin has 92190 bytes that are all zero')

  def test_too_long(self):
    dataset = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=150)
    self.assertEqual(150, datasets.check(dataset, self.data_dir, False))
    with open(self.path, 'ab') as f:
      f.write(bytes(3073))
    with self.assertRaisesRegex(
        errors.DataError,
        'data_batch_2.bin has 31 records, .* 151, but the whole set has 150'):
      datasets.check(dataset, self.data_dir, False)

  def test_records_of_another_set(self):
    path = os.path.join(self.directory, 'train.bin')
    with open(path, 'wb') as f:
      f.write(b''.join(bytes([20]) + record_fixture.record(
          99, record_fixture.plain(1, 2, 3)) for _ in range(20)))
    directory = datasets.CIFAR10.directory
    cifar100 = datasets.CIFAR100._replace(directory=directory)
    self.assertEqual(20, datasets.check(cifar100, self.data_dir, False))
    with self.assertRaisesRegex(errors.DataError,
                                'record 0 .* label 20, .* 19'):
      datasets.check(datasets.CIFAR100_COARSE._replace(directory=directory),
                     self.data_dir, False)
    with self.assertRaisesRegex(errors.DataError,
                                '3073 bytes of a record.*svhn'):
      datasets.check(datasets.SVHN._replace(directory=directory),
                     self.data_dir, False)

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


class DescriptionTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    for name, n in (('train.bin', 3), ('test.bin', 2)):
      with open(os.path.join(self.directory, name), 'wb') as f:
        f.write(bytes(n * 3074))
    self.dataset = datasets.Dataset(
        'pets', self.directory, ('train.bin',), ('test.bin',), ('cat', 'dog'),
        3, 2, label_bytes=2, label_index=1, flip=False)
    self._write(datasets.describe(self.dataset))

  def _write(self, text, encoding='utf-8'):
    with open(os.path.join(self.directory, 'image_set.json'), 'w',
              encoding=encoding, errors='surrogatepass') as f:
      f.write(text)

  def test_what_is_written_is_read(self):
    self.assertEqual(self.dataset, datasets.get(self.directory))
    # An absolute directory needs no data_dir.
    self.assertEqual([os.path.join(self.directory, 'train.bin')],
                     datasets.filenames(self.dataset, '/elsewhere', False))

  def _assert_error(self, expected):
    with self.assertRaisesRegex(
        errors.DataError, '%s/image_set.json.*%s' % (self.directory, expected)):
      datasets.get(self.directory)

  def test_no_description(self):
    for text in ('', '{', '[' * 100000, '\ud800'):
      self._write(text)
      self._assert_error('is no JSON')
    for text in ('[]', '1', '{}', '{"dataset": "cifar10"}'):
      self._write(text)
      self._assert_error('version is missing')
    os.remove(os.path.join(self.directory, 'image_set.json'))
    os.mkdir(os.path.join(self.directory, 'image_set.json'))
    with self.assertRaisesRegex(errors.DataError,
                                'cannot read .*/image_set.json'):
      datasets.get(self.directory)

  def test_each_key(self):
    values = json.loads(datasets.describe(self.dataset))
    for key in values:
      self._write(json.dumps({k: v for k, v in values.items() if k != key}))
      self._assert_error(key + ' is missing')
      for wrong in (None, 1.5, {}):
        self._write(json.dumps(dict(values, **{key: wrong})))
        self._assert_error(key + ' is ')
    for key, wrong, expected in (
        ('version', 2, 'this program reads 1'),
        ('flip', 1, 'true or false'),
        ('label_bytes', True, 'an integer'),
        ('label_bytes', 0, 'at least 1'),
        ('label_bytes', 1, 'label_index is 1'),
        ('label_index', 2, 'label_index is 2'),
        ('label_index', -1, 'label_index is -1'),
        ('num_examples_per_epoch_for_train', 4, r'train is 4, but train.bin has'
         ' 9222 bytes, which is not 4 times the 3074'),
        ('num_examples_per_epoch_for_eval', 1, 'eval is 1, but test.bin'),
        ('num_examples_per_epoch_for_eval', -1, 'at least 1'),
        ('train_files', [], 'train_files is .*not empty'),
        ('train_files', ['../train.bin'], 'in the same directory'),
        ('train_files', ['/etc/passwd'], 'in the same directory'),
        ('eval_files', ['..'], 'in the same directory'),
        ('eval_files', ['a\nb'], 'in the same directory'),
        ('eval_files', ['missing.bin'], 'missing.bin, which it names, is not'),
        ('class_names', ['cat', 1], 'a list of strings'),
        ('class_names', ['cat'], 'class_names: there must be 2 to 256'),
        ('class_names', [str(i) for i in range(257)], '2 to 256 classes, not'),
        ('class_names', ['cat', 'cat'], "'cat' and 'cat' are too much alike"),
        ('class_names', ['cat', ''], 'no printable name'),
        ('class_names', ['cat', '\ud800'], 'no printable name'),
        ('name', '', 'must be printable'),
        ('nmae', 'pets', "'nmae' is no key")):
      self._write(json.dumps(dict(values, **{key: wrong})))
      self._assert_error(expected)

  def test_names_that_are_too_much_alike(self):
    for a, b in (('cat', 'Cat'), ('cat', 'cat '), ('stra\u00dfe', 'STRASSE'),
                 ('caf\u00e9', 'cafe\u0301'), ('cat', '\uff43at')):
      with self.assertRaisesRegex(ValueError, 'alike'):
        datasets.check_class_names([a, 'dog', b])
    datasets.check_class_names(['cat', 'cats', 'c a t'])


if __name__ == '__main__':
  absltest.main()
