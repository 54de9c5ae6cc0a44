"""Interprets paths as the user means them."""

import os
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from cifar10_compat.base import paths


class PathsTest(absltest.TestCase):

  def test_user_path(self):
    with mock.patch.dict(os.environ):
      os.environ.pop('BUILD_WORKING_DIRECTORY', None)
      self.assertEqual('a/b', paths.user_path('a/b'))
      os.environ['BUILD_WORKING_DIRECTORY'] = '/home/user'
      self.assertEqual('/home/user/a/b', paths.user_path('a/b'))
      self.assertEqual('/a/b', paths.user_path('/a/b'))
      self.assertEqual(os.path.expanduser('~/x'), paths.user_path('~/x'))

  def test_what_tensorflow_takes_for_something_else(self):
    for path in (
        'ram://w',
        'gs://bucket/x',
        'file:///tmp/x',
        's3://x',
        'HDFS://x',
    ):
      with self.assertRaisesRegex(errors.UsageError, 'is not a local file or'):
        paths.user_path(path)
    with self.assertRaisesRegex(
        errors.UsageError, r"'\\udcff' is not valid UTF-8"
    ):
      paths.user_path('\udcff')
    self.assertEqual('gs:/x', paths.user_path('gs:/x'))
    for path in ('run*', 'lr=[0.1]', 'a?', 'a\\b'):
      self.assertEqual(path, paths.user_path(path))
      with self.assertRaisesRegex(errors.UsageError, 'treats as a pattern'):
        paths.checkpoint_directory(path)
    self.assertEqual('é {1}', paths.checkpoint_directory('é {1}'))

  def test_link_to_nothing(self):
    link = os.path.join(self.create_tempdir().full_path, 'link')
    os.symlink('/unmounted/disk', link)
    with self.assertRaisesRegex(errors.UsageError, 'link is a link to a miss'):
      paths.user_path(link)

  def test_checkpoint_in_the_place_of_its_directory(self):
    path = os.path.join(self.create_tempdir().full_path, 'model.ckpt-20')
    with open(path + '.index', 'w'):
      pass
    above = os.path.dirname(path)
    for wrong, expected in (
        (path, f'{path} is a checkpoint: choose its directory, {above}$'),
        (path + '/', f'{path} is a checkpoint: choose its directory, {above}$'),
        (path + '.index', f'index is not a directory: .* {above}$'),
        ('/dev/null', '/dev/null is not a directory: .* /dev$'),
    ):
      with self.assertRaisesRegex(errors.UsageError, expected):
        paths.checkpoint_directory(wrong)
    self.assertEqual(above, paths.checkpoint_directory(above))

  def test_enter_user_directory(self):
    self.addCleanup(os.chdir, os.getcwd())
    directory = os.path.realpath(self.create_tempdir().full_path)
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=directory):
      paths.enter_user_directory()
      self.assertEqual(directory, os.getcwd())
