"""The metadata file of a directory of checkpoints, and the runs it rejects."""

import errno
import json
import os
import pathlib
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.training import notes

_PETS = datasets.CIFAR10._replace(name='pets', class_names=('cat', 'dog'))


def _config(dataset, model):
  return config_lib.Network(dataset=dataset, model=model)


class NotesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path

  def _write(self, contents):
    pathlib.Path(self.directory, 'dataset.json').write_text(contents)

  def _assert_refused(self, expected, dataset, model=config_lib.CIFAR10):
    with self.assertRaisesRegex(errors.UsageError, expected):
      notes.check(self.directory, _config(dataset, model), '--train_dir')

  def test_written(self):
    notes.write(
        self.directory,
        _config(_PETS, config_lib.CONV_LOCAL),
        [(0, 0.1)],
        [(0, {'batch_size': 5})],
    )
    self.assertEqual(['dataset.json'], os.listdir(self.directory))
    self.assertEqual(
        {
            'dataset': 'pets',
            'class_names': ['cat', 'dog'],
            'label_index': 0,
            'model': 'conv_local',
            'learning_rates': [[0, 0.1]],
            'settings': [[0, {'batch_size': 5}]],
        },
        json.loads(pathlib.Path(self.directory, 'dataset.json').read_text()),
    )
    self.assertEqual([(0, 0.1)], notes.learning_rates(self.directory))
    self.assertEqual([(0, {'batch_size': 5})], notes.settings(self.directory))

  def test_directory_that_does_not_say(self):
    missing = os.path.join(self.directory, 'none')
    for directory in (self.directory, missing):
      notes.check(
          directory, _config(_PETS, config_lib.CONV_LOCAL), '--train_dir'
      )
      self.assertEqual([], notes.learning_rates(directory))

  def test_other_set(self):
    notes.write(self.directory, _config(datasets.SYNTHETIC, config_lib.CIFAR10))
    notes.check(
        self.directory,
        _config(datasets.SYNTHETIC, config_lib.CIFAR10),
        '--train_dir',
    )
    self._assert_refused("'synthetic', not of 'cifar10'", datasets.CIFAR10)

  def test_two_sets_of_one_name(self):
    notes.write(self.directory, _config(_PETS, config_lib.CIFAR10))
    notes.check(
        self.directory, _config(_PETS, config_lib.CIFAR10), '--train_dir'
    )
    self._assert_refused(
        "'pets' with other classes",
        _PETS._replace(class_names=('dog', 'cat')),
    )
    # A metadata file of an earlier version has only the name.
    self._write('{"dataset": "pets"}')
    notes.check(
        self.directory, _config(_PETS, config_lib.CIFAR10), '--train_dir'
    )

  def test_other_label_of_a_record(self):
    fine = _PETS._replace(label_bytes=2, label_index=1)
    notes.write(self.directory, _config(fine, config_lib.CIFAR10))
    notes.check(self.directory, _config(fine, config_lib.CIFAR10), '--eval_dir')
    self._assert_refused(
        "'pets' with label_index 1, not 0: .*--train_dir, or that set",
        fine._replace(label_index=0),
    )

  def test_other_model(self):
    notes.write(
        self.directory, _config(datasets.CIFAR10, config_lib.CONV_LOCAL)
    )
    notes.check(
        self.directory,
        _config(datasets.CIFAR10, config_lib.CONV_LOCAL),
        '--train_dir',
    )
    self._assert_refused(
        "of model 'conv_local', not of 'cifar10': .*--model=conv_local",
        datasets.CIFAR10,
    )
    # A directory without a model name has the tutorial's network.
    self._write('{"dataset": "cifar10"}')
    notes.check(
        self.directory,
        _config(datasets.CIFAR10, config_lib.CIFAR10),
        '--train_dir',
    )
    self._assert_refused(
        '--model=cifar10', datasets.CIFAR10, config_lib.CONV_LOCAL
    )

  def test_that_cannot_be_read(self):
    path = os.path.join(self.directory, 'dataset.json')
    os.mkdir(path)
    self._assert_refused(
        r'\(it is a directory, not a file\).*: move it away$', datasets.CIFAR10
    )
    for number, remedy in (
        (errno.EACCES, 'ask its owner for read permission'),
        (errno.EIO, 'try again'),
        (errno.EMFILE, 'try again'),
    ):
      error = OSError(number, os.strerror(number), path)
      with mock.patch.object(files, 'open_regular', side_effect=error):
        self._assert_refused(
            rf'\({os.strerror(number)}\).*: {remedy}$', datasets.CIFAR10
        )

  def test_that_is_none(self):
    for contents in ('', '[]', '{}', '{"learning_rates": [[Infinity, 1]]}'):
      self._write(contents)
      self._assert_refused('records no data set', datasets.CIFAR10)
      self.assertEqual([], notes.settings(self.directory))
      self.assertEqual([], notes.learning_rates(self.directory))
