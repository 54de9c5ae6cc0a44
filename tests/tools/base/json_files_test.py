"""Files of results that are whole, or what they were."""

import json
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
      self.assertEqual('{"b": [1], "a": null}\n', f.read())
    # What JSON cannot hold leaves the file as it was.
    with self.assertRaises(TypeError):
      json_files.write(path, {'b': object()})
    with open(path) as f:
      self.assertIn('"b"', f.read())
    self.assertEqual(['results.json'], os.listdir(directory))

  def test_a_record_a_line(self):
    records = [{'number': n, 'message': 'm' * 80} for n in range(2)]
    series = [[step, 0.5] for step in range(100)]
    line = json.dumps(series)
    self.assertGreater(len(line), 120)
    self.assertEqual(
        '{\n "tries": [\n  {"number": 0, "message": "%s"},\n  {"number": 1,'
        ' "message": "%s"}\n ],\n "loss": %s,\n "few": {"a": [1], "b": {}}\n}'
        % ('m' * 80, 'm' * 80, line),
        json_files.text(
            {'tries': records, 'loss': series, 'few': {'a': [1], 'b': {}}}
        ),
    )

  def test_a_directory_that_is_not_there(self):
    path = os.path.join(self.create_tempdir().full_path, 'none', 'x.json')
    with self.assertRaisesRegex(
        errors.UsageError,
        r'\S+x.json cannot be written \(No such file .*: choose another --out',
    ):
      json_files.write(path, {}, '--out')
