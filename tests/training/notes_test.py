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
_LOCAL = config_lib.Network(dataset=_PETS, model=config_lib.CONV_LOCAL)


class NotesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.path = pathlib.Path(self.directory, 'dataset.json')

  def _check(self, config, directory=None):
    notes.check(directory or self.directory, config, '--train_dir')

  def _assert_refused(self, expected, config=config_lib.Network()):
    with self.assertRaisesRegex(errors.UsageError, expected):
      self._check(config)

  def test_written(self):
    notes.write(self.directory, _LOCAL, [(0, 0.1)], [(0, {'batch_size': 5})])
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
        json.loads(self.path.read_text()),
    )
    self.assertEqual([(0, 0.1)], notes.learning_rates(self.directory))
    self.assertEqual([(0, {'batch_size': 5})], notes.settings(self.directory))

  def test_directory_that_does_not_say(self):
    for directory in (self.directory, os.path.join(self.directory, 'none')):
      self._check(_LOCAL, directory)
      self.assertEqual([], notes.learning_rates(directory))

  def test_other_set_or_model(self):
    fine = _PETS._replace(label_bytes=2, label_index=1)
    cifar10 = config_lib.Network()
    for config, other, expected in (
        (
            config_lib.Network(dataset=datasets.SYNTHETIC),
            cifar10,
            "'synthetic', not to 'cifar10'",
        ),
        (
            config_lib.Network(dataset=_PETS),
            config_lib.Network(
                dataset=_PETS._replace(class_names=('dog', 'cat'))
            ),
            "'pets' with other classes",
        ),
        (
            config_lib.Network(dataset=fine),
            config_lib.Network(dataset=fine._replace(label_index=0)),
            "'pets' with label_index 1, not 0: .*--train_dir, or that set",
        ),
        (
            config_lib.Network(model=config_lib.CONV_LOCAL),
            cifar10,
            "to model 'conv_local', not to 'cifar10': .*--model=conv_local",
        ),
    ):
      notes.write(self.directory, config)
      self._check(config)
      self._assert_refused(expected, other)

  def test_of_an_earlier_version(self):
    # It has only the name.
    self.path.write_text('{"dataset": "pets"}')
    self._check(config_lib.Network(dataset=_PETS))
    # A directory without a model name has the tutorial's network.
    self.path.write_text('{"dataset": "cifar10"}')
    self._check(config_lib.Network())
    self._assert_refused(
        '--model=cifar10', config_lib.Network(model=config_lib.CONV_LOCAL)
    )

  def test_that_cannot_be_read(self):
    self.path.mkdir()
    self._assert_refused(r'\(it is a directory, not a file\).*: move it away$')
    for number, remedy in (
        (errno.EACCES, 'ask its owner for read permission'),
        (errno.EIO, 'try again'),
        (errno.EMFILE, 'try again'),
    ):
      reason = os.strerror(number)
      error = OSError(number, reason, str(self.path))
      with mock.patch.object(files, 'open_regular', side_effect=error):
        self._assert_refused(rf'\({reason}\).*: {remedy}$')

  def test_that_is_none(self):
    for contents in ('', '[]', '{}', '{"learning_rates": [[Infinity, 1]]}'):
      self.path.write_text(contents)
      self._assert_refused('records no data set')
      self.assertEqual([], notes.settings(self.directory))
      self.assertEqual([], notes.learning_rates(self.directory))
