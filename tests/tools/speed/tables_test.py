"""Tables of results written by hand."""

import copy
import json

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.speed import children
from tools.speed import disturbance
from tools.speed import results
from tools.speed import tables

MANIFEST = {
    'commit': '0123456789abcdef',
    'dirty': True,
    'processor': {
        'name': 'A | Processor',
        'features': ['avx2'],
        'cores': None,
        'threads': 2,
    },
    'versions': {'tensorflow': '2.21.0', 'python': '3.11.7'},
}


def _results():
  found = results.Results(copy.deepcopy(MANIFEST))
  busy = disturbance.Disturbance(0.5, 0.0, 1.0)
  quiet = disturbance.Disturbance(0.0, 0.0, 1.0)
  for number, literal, fast, about in (
      (0, 1.0, 1.0, busy),
      (1, 1000.0, 5000.0, quiet),
      (2, 1200.0, 5400.0, busy),
      (3, 1400.0, 9800.0, quiet),
  ):
    for name, value in (('literal', literal), ('fast', fast)):
      found.add(
          number,
          'input',
          name,
          values={'examples_per_second': value},
          result=children.Result({}, '', 0.0, 1.0, 123456789, about),
      )
  return found


class TablesTest(absltest.TestCase):

  def test_rows(self):
    table, targets = tables.tables(_results())
    self.assertEqual('Input alone, examples/s', table.title)
    self.assertEqual('paired ratio to default', table.header[4])
    self.assertEqual(
        (
            (
                'default',
                '3',
                '1,200',
                '1,000 to 1,400',
                '',
                '123',
                '1 of 3',
            ),
            (
                '--fast',
                '3',
                '5,400',
                '5,000 to 9,800',
                '5.000 (4.500 to 7.000)',
                '123',
                '1 of 3',
            ),
        ),
        table.rows,
    )
    self.assertEqual('Targets', targets.title)
    # None of these contestants has a separate target.
    self.assertEqual({'0'}, {row[3] for row in targets.rows})
    self.assertEqual({'open', ''}, {row[4] for row in targets.rows})

  def test_unknown_disturbance(self):
    found = _results()
    found.runs[-1]['disturbance'] = None
    self.assertEqual('?', tables.tables(found)[0].rows[1][-1])

  def test_nothing_was_run(self):
    self.assertEmpty(tables.tables(results.Results(copy.deepcopy(MANIFEST))))

  def test_text(self):
    lines = tables.text(_results()).splitlines()
    self.assertIn('A | Processor (avx2), unknown cores, 2 threads', lines[0])
    self.assertIn('commit 0123456789ab with changes', lines[0])
    self.assertIn('more than 5% of', lines[0])
    start = lines.index('Input alone, examples/s')
    # The columns are aligned.
    self.assertEqual(
        lines[start + 1].index('peak MB') + len('peak MB'),
        lines[start + 2].index('123') + 3,
    )

  def test_markdown(self):
    text = tables.speed_table(_results().to_json())
    self.assertIn('**Input alone, examples/s**\n\n| ', text)
    self.assertIn('|  | runs | median |', text)
    self.assertIn('| --fast | 3 | 5,400 |', text)
    widths = {
        line.replace('\\|', '').count('|')
        for line in text.partition('**Targets**')[0].splitlines()
        if line.startswith('|')
    }
    self.assertEqual({8}, widths)
    with self.assertRaises(errors.UsageError):
      tables.speed_table({})

  def test_files_in_a_directory(self):
    directory = self.create_tempdir()
    self.assertEqual('', tables.speed_tables(directory.full_path))
    document = _results().to_json()
    for name, processor in (('speed_b', 'B'), ('speed_a', 'A'), ('other', 'C')):
      document['manifest']['processor']['name'] = processor
      directory.create_file(name + '.json', content=json.dumps(document))
    text = tables.speed_tables(directory.full_path)
    self.assertStartsWith(text, 'A (avx2), ')
    self.assertIn('|\n\nB (avx2), ', text)
    self.assertNotIn('\nC (avx2)', text)

  def test_each_contestant_has_a_label(self):
    self.assertEqual('batch 1024', tables.label('batch_1024'))
    self.assertEqual('unmodified tutorial', tables.label('tutorial'))
    self.assertStartsWith(tables.label('lrn'), 'default with normalization as')
