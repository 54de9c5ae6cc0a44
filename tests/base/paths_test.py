"""Paths as the user means them."""

import os
from unittest import mock

from absl.testing import absltest

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

  def test_enter_user_directory(self):
    self.addCleanup(os.chdir, os.getcwd())
    directory = os.path.realpath(self.create_tempdir().full_path)
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=directory):
      paths.enter_user_directory()
      self.assertEqual(directory, os.getcwd())
