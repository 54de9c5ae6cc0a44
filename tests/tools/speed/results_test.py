"""Results written by hand, saved, continued and rejected."""

import json
import os
import pathlib

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.speed import children
from tools.speed import disturbance
from tools.speed import results


def _result(seconds=2.5, disturbed=None):
  return children.Result({}, '', 0.0, seconds, 1000, disturbed)


class ResultsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir().full_path, 'a.json')
    self.manifest = {'commit': 'abc', 'flags': {'steps': 100}}

  def open(self):
    return results.open_or_create(self.path, self.manifest)

  def test_each_run_is_saved(self):
    new = self.open()
    new.add(0, 'input', 'literal', values={'rate': 1.0}, result=_result())
    new.add(
        1,
        'input',
        'literal',
        values={'rate': 2.0},
        result=_result(disturbed=disturbance.Disturbance(0.1, 0.0, 3.0)),
    )
    document = json.loads(pathlib.Path(self.path).read_text(encoding='utf-8'))
    self.assertEqual(self.manifest, document['manifest'])
    self.assertEqual(disturbance.THRESHOLD, document['disturbed_above'])
    self.assertIsNone(document['runs'][0]['disturbance'])
    self.assertEqual(
        {
            'measurement': 'input',
            'contestant': 'literal',
            'round': 1,
            'date': '1970-01-01T00:00:00+00:00',
            'values': {'rate': 2.0},
            'seconds': 2.5,
            'peak_memory_bytes': 1000,
            'disturbance': {
                'others': 0.1,
                'steal': 0.0,
                'load': 3.0,
                'disturbed': True,
            },
        },
        document['runs'][1],
    )
    # No other files remain in the directory.
    self.assertEqual(['a.json'], os.listdir(os.path.dirname(self.path)))
    again = self.open()
    self.assertEqual(
        {(0, 'input', 'literal'), (1, 'input', 'literal')}, again.done()
    )
    again.add(2, 'input', 'literal', values={'rate': 4.0}, result=_result())
    self.assertEqual(
        {1: 2.0, 2: 4.0}, self.open().values('input', 'literal', 'rate')
    )

  def test_the_warm_up_does_not_count(self):
    new = results.Results(self.manifest)
    for number, contestant in ((0, 'a'), (0, 'b'), (1, 'b'), (2, 'b')):
      new.add(
          number, 'start', contestant, values={'x': number}, result=_result()
      )
    new.add(1, 'eval', 'a', values={'x': 5}, result=_result())
    self.assertEqual(['b'], new.contestants('start'))
    self.assertEqual({1: 1, 2: 2}, new.values('start', 'b', 'x'))
    self.assertEqual({}, new.values('start', 'a', 'x'))
    self.assertEqual({}, new.values('start', 'b', 'y'))
    self.assertEqual(
        {1: 1000, 2: 1000}, new.values('start', 'b', 'peak_memory_bytes')
    )

  def test_another_manifest(self):
    self.open().save()
    self.manifest = {'commit': 'def', 'flags': {'steps': 200}, 'seed': None}
    with self.assertRaisesRegex(errors.UsageError, 'different commit, flags:'):
      self.open()

  def test_manifest_with_tuples(self):
    self.manifest = {'features': ('a', 'b')}
    self.open().save()
    self.assertEmpty(self.open().runs)

  def test_files_without_results(self):
    with self.assertRaisesRegex(errors.UsageError, 'cannot be read'):
      results.read(self.path)
    for text in ('{"runs": []}', '[]', 'no JSON'):
      pathlib.Path(self.path).write_text(text, encoding='utf-8')
      with self.assertRaises(errors.UsageError):
        self.open()
      self.assertEqual(
          text, pathlib.Path(self.path).read_text(encoding='utf-8')
      )

  def test_unwritable_file(self):
    new = results.Results({}, os.path.join(self.path, 'no', 'directory'))
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write .* another --json'
    ):
      new.save()
