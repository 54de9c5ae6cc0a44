"""The description of your own image set."""

import json
import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from tests.helpers import limits


class DescriptionTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.path = os.path.join(self.directory, 'image_set.json')
    for name, n in (('train.bin', 3), ('test.bin', 2)):
      pathlib.Path(self.directory, name).write_bytes(bytes(n * 3074))
    self.dataset = description.Dataset(
        'pets',
        self.directory,
        ('train.bin',),
        ('test.bin',),
        ('cat', 'dog'),
        3,
        2,
        label_bytes=2,
        label_index=1,
        flip=False,
    )
    self._write(description.describe(self.dataset))

  def _write(self, text):
    pathlib.Path(self.path).write_text(text, 'utf-8', 'surrogatepass')

  def test_what_is_written_is_read(self):
    self.assertEqual(self.dataset, datasets.get(self.directory))
    # An absolute directory needs no data_dir.
    self.assertEqual(
        [os.path.join(self.directory, 'train.bin')],
        self.dataset.filenames('/elsewhere', False),
    )

  def _assert_error(self, expected):
    with self.assertRaisesRegex(
        errors.DataError, '%s.*%s' % (self.path, expected)
    ):
      datasets.get(self.directory)

  def test_description_that_is_no_file_or_may_not_be_read(self):
    os.chmod(self.path, 0)
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            'import sys\n'
            'from cifar10_compat.data import description\n'
            'description.load(sys.argv[1])',
            self.directory,
        ],
        capture_output=True,
        text=True,
        preexec_fn=limits.heed_permissions,
    )
    self.assertEndsWith(
        result.stderr,
        'DataError: cannot read %s (Permission denied): ask its owner for '
        'read permission\n' % self.path,
    )
    os.remove(self.path)
    for make, kind in ((os.mkfifo, 'a pipe'), (os.mkdir, 'a directory')):
      make(self.path)
      self._assert_error(r' \(it is %s, not' % kind)
      os.rename(self.path, self.path + kind)
    with open(self.path, 'wb') as f:
      f.truncate(1 << 40)  # A sparse file, which needs no disk space.
    self._assert_error('has more than 1048576 bytes')

  def test_no_description(self):
    for text in ('', '{', '[' * 100000, '\ud800'):
      self._write(text)
      self._assert_error('is not a description')
    for text in ('[]', '1', '{}', '{"dataset": "cifar10"}'):
      self._write(text)
      self._assert_error('version is missing')

  def test_each_key(self):
    values = json.loads(description.describe(self.dataset))
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
        (
            'num_examples_per_epoch_for_train',
            4,
            r'train is 4, but train.bin has'
            ' 9222 bytes, which is not 4 times the 3074',
        ),
        ('num_examples_per_epoch_for_eval', 1, 'eval is 1, but test.bin'),
        ('num_examples_per_epoch_for_eval', -1, 'at least 1'),
        ('train_files', [], 'train_files is .*non-empty'),
        ('train_files', ['../train.bin'], 'in the same directory'),
        ('train_files', ['/etc/passwd'], 'in the same directory'),
        ('eval_files', ['..'], 'in the same directory'),
        ('eval_files', ['a\nb'], 'in the same directory'),
        (
            'eval_files',
            ['missing.bin'],
            'missing.bin, which is listed, is missing',
        ),
        ('class_names', ['cat', 1], 'list of strings'),
        ('class_names', ['cat'], 'class_names: there must be 2 to 256'),
        ('class_names', [str(i) for i in range(257)], '2 to 256 classes, not'),
        ('class_names', ['cat', 'cat'], "'cat' and 'cat' are too similar"),
        ('class_names', ['cat', ''], 'not a printable name'),
        ('class_names', ['cat', '\ud800'], 'not a printable name'),
        ('name', '', 'must be printable'),
        ('nmae', 'pets', "'nmae' is not a valid key"),
    ):
      self._write(json.dumps(dict(values, **{key: wrong})))
      self._assert_error(expected)

  def test_names_that_are_too_much_alike(self):
    for a, b in (
        ('cat', 'Cat'),
        ('cat', 'cat '),
        ('stra\u00dfe', 'STRASSE'),
        ('caf\u00e9', 'cafe\u0301'),
        ('cat', '\uff43at'),
    ):
      with self.assertRaisesRegex(ValueError, 'too similar'):
        description.check_class_names([a, 'dog', b])
    description.check_class_names(['cat', 'cats', 'c a t'])
