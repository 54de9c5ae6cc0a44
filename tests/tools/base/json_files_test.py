"""Files of results that are whole, or what they were."""

import os

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.base import json_files


class JsonFilesTest(absltest.TestCase):

  def test_write(self):
    directory = self.create_tempdir().full_path
    path = os.path.join(directory, 'results.json')
    json_files.write(path, {'b': [1], 'a': None})
    with open(path) as f:
      self.assertEqual('{\n "b": [\n  1\n ],\n "a": null\n}\n', f.read())
    # What JSON cannot hold leaves the file as it was.
    with self.assertRaises(TypeError):
      json_files.write(path, {'b': object()})
    with open(path) as f:
      self.assertIn('"b"', f.read())
    self.assertEqual(['results.json'], os.listdir(directory))

  def test_a_directory_that_is_not_there(self):
    path = os.path.join(self.create_tempdir().full_path, 'none', 'x.json')
    with self.assertRaisesRegex(
        errors.UsageError,
        r'\S+x.json cannot be written \(No such file .*: choose another --out',
    ):
      json_files.write(path, {}, '--out')
