"""The checks of an image set's files."""

import os
import pathlib
import subprocess
import sys

from absl.testing import parameterized
import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from tests.helpers import limits
from tests.helpers import record_fixture


class ChecksTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.directory = record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(30)
    )
    self.path = os.path.join(self.directory, 'data_batch_2.bin')

  def _check(self, dataset=datasets.CIFAR10, eval_data=False):
    return checks.check(dataset, self.data_dir, eval_data)

  def _assert_error(self, expected, dataset=datasets.CIFAR10):
    with self.assertRaisesRegex(errors.DataError, expected):
      self._check(dataset)
    # The other split is not checked.
    self.assertEqual(30, self._check(eval_data=True))

  def test_fingerprint(self):
    def fingerprint():
      return checks.watch(datasets.CIFAR10, self.data_dir).fingerprint

    before = fingerprint()
    self.assertRegex(before, '^[0-9a-f]{8}$')
    self.assertEqual(before, fingerprint())
    with open(self.path, 'r+b') as f:
      f.seek(-1, os.SEEK_END)
      (last,) = f.read()
      f.seek(-1, os.SEEK_END)
      f.write(bytes([last ^ 1]))
    self.assertNotEqual(before, fingerprint())

  @parameterized.named_parameters(
      (
          'missing',
          os.remove,
          r'cannot read .*data_batch_2.bin \(No such file.*'
          'directory above cifar-10-batches-bin',
      ),
      (
          'empty',
          lambda path: os.truncate(path, 0),
          'data_batch_2.bin is empty',
      ),
      (
          'cut',
          lambda path: os.truncate(path, 3073 * 2 - 1),
          'data_batch_2.bin has 6145 bytes',
      ),
  )
  def test_file(self, damage, expected):
    damage(self.path)
    self._assert_error(expected)

  def test_no_file_or_not_to_be_read(self):
    os.rename(self.path, self.path + '.away')
    for make, kind in ((os.mkfifo, 'a pipe'), (os.mkdir, 'a directory')):
      make(self.path)
      self._assert_error(
          r'cannot read .*data_batch_2.bin \(it is %s, not a file\): replace it'
          % kind
      )
      os.rename(self.path, self.path + kind)
    os.symlink('/dev/zero', self.path)
    self._assert_error('it is a device, not a file')
    os.replace(self.path + '.away', self.path)
    os.chmod(self.path, 0)
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            'import sys\n'
            'from cifar10_compat.data import checks, datasets\n'
            'checks.check(datasets.CIFAR10, sys.argv[1], False)',
            self.data_dir,
        ],
        capture_output=True,
        text=True,
        preexec_fn=limits.heed_permissions,
    )
    self.assertIn(
        'data_batch_2.bin (Permission denied): ask its owner for read permission',
        result.stderr,
    )

  def test_zeros(self):
    with open(self.path, 'r+b') as f:
      f.write(bytes(30 * 3073 - 1))
    # One nonzero byte, the very last.
    self.assertEqual(150, self._check())
    os.truncate(self.path, 0)
    os.truncate(self.path, 30 * 3073)
    self._assert_error('data_batch_2.bin has 92190 bytes that are all zero')

  def test_too_long(self):
    dataset = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=150)
    self.assertEqual(150, self._check(dataset))
    with open(self.path, 'ab') as f:
      f.write(bytes(3073))
    self._assert_error(
        'data_batch_2.bin has 31 records; .* 151, but the set has 150', dataset
    )

  def test_records_of_another_set(self):
    pathlib.Path(self.directory, 'train.bin').write_bytes(
        20
        * (
            bytes([20])
            + record_fixture.record(99, record_fixture.plain(1, 2, 3))
        )
    )
    directory = datasets.CIFAR10.directory
    cifar100, coarse, svhn = [
        dataset._replace(directory=directory)
        for dataset in (
            datasets.CIFAR100,
            datasets.CIFAR100_COARSE,
            datasets.SVHN,
        )
    ]
    self.assertEqual(20, self._check(cifar100))
    self._assert_error('record 0 .* label 20, .* 19', coarse)
    self._assert_error('3073 bytes of a record.*svhn', svhn)

  def test_label(self):
    labels = np.zeros(30, int)
    labels[[17, 23]] = 10, 255
    record_fixture.write_batches(
        self.data_dir, record_fixture.random_images(30)[0], labels
    )
    with self.assertRaisesRegex(
        errors.DataError,
        r'data_batch_1.bin: record 17 .* label 10, but the highest is 9.*; '
        'labels count from 0$',
    ):
      self._check()

  def test_a_file_that_changes(self):
    checked = checks.watch(datasets.CIFAR10, self.data_dir)
    checked.check()
    os.truncate(self.path, 3073)
    with self.assertRaisesRegex(
        errors.DataError, 'had 92190 bytes .* now it has 3073'
    ):
      checked.check()
    os.remove(self.path)
    with self.assertRaisesRegex(errors.DataError, 'can no longer be read'):
      checked.check()

  def test_overwritten(self):
    content = pathlib.Path(self.path).read_bytes()
    checked = checks.watch(datasets.CIFAR10, self.data_dir)
    # The same content, with a new date and as a new file.
    os.utime(self.path, (1, 1))
    checked.check()
    pathlib.Path(self.path + '.new').write_bytes(content)
    os.replace(self.path + '.new', self.path)
    checked.check()
    with open(self.path, 'r+b') as f:
      f.seek(3073 * 7 + 5)
      f.write(bytes([content[3073 * 7 + 5] ^ 1]))
    for _ in range(2):
      with self.assertRaisesRegex(
          errors.DataError, 'data_batch_2.bin was overwritten while it was'
      ):
        checked.check()
    os.remove(self.path)
    os.mkfifo(self.path)
    with self.assertRaisesRegex(errors.DataError, 'it is a pipe'):
      checked.check()
