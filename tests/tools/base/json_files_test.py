"""Files of results are complete or unchanged."""

import json
import os
import pathlib

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.base import json_files


class JsonFilesTest(absltest.TestCase):

  def test_write(self):
    directory = self.create_tempdir().full_path
    path = os.path.join(directory, 'results.json')
    json_files.write(path, {'b': [1], 'a': None})
    self.assertEqual('{"b": [1], "a": null}\n', pathlib.Path(path).read_text())
    self.assertEqual({'b': [1], 'a': None}, json_files.read(path))
    self.assertEqual({'b': [1], 'a': None}, json_files.read_if_there(path, 3))
    # A value that JSON cannot represent leaves the file unchanged.
    with self.assertRaises(TypeError):
      json_files.write(path, {'b': object()})
    self.assertIn('"b"', pathlib.Path(path).read_text())
    self.assertEqual(['results.json'], os.listdir(directory))

  def test_one_record_per_line(self):
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

  def test_missing_directory(self):
    path = os.path.join(self.create_tempdir().full_path, 'none', 'x.json')
    with self.assertRaisesRegex(
        errors.UsageError,
        r'cannot write \S+x.json \(No such file .*\): choose another --out',
    ):
      json_files.write(path, {}, '--out')

  def test_unreadable_files(self):
    path = os.path.join(self.create_tempdir().full_path, 'x.json')
    self.assertEqual(3, json_files.read_if_there(path, 3))
    with self.assertRaisesRegex(
        errors.UsageError, r'--a=\S+x.json cannot be read \(.*\): do that$'
    ):
      json_files.read(path, '--a', remedy='do that')
    pathlib.Path(path).write_text('{')
    for read in (json_files.read, lambda p: json_files.read_if_there(p, 3)):
      with self.assertRaisesRegex(errors.UsageError, '--json=.* another file'):
        read(path)
