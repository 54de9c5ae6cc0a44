"""The command line and the sections; the historical files are not needed."""

import json
import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import errors
from tests import historical_fixture
from tests import record_fixture
from tests import small_training
from tools import compare
from tools import compare_exemptions
from tools import compare_graph
from tools import compare_values
from tools import historical
from tools import ledger
from tools import training_graph

_WEIGHTS = {'w': np.array([1, 2, 3], np.float32)}


def _batches(unused_data_dir, steps, unused_seed):
  for i in range(steps):
    yield np.full((2, 3), i + 1, np.float32), np.full(2, i, np.int32)


class CompareTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.source = self.create_tempdir().full_path
    self.data_dir = self.create_tempdir().full_path
    self.out = os.path.join(self.create_tempdir().full_path, 'new', 'report')
    record_fixture.write_batches(self.data_dir,
                                 *record_fixture.random_images(2))

  def main(self, *more, source=None, data_dir=None, out=None):
    """Returns the exit code and what was printed."""
    with mock.patch.object(compare, 'print', create=True) as printed:
      code = compare.main(['--source=' + (source or self.source),
                           '--data_dir=' + (data_dir or self.data_dir),
                           '--out=' + (out or self.out)] + list(more))
    return code, '\n'.join(call.args[0] for call in printed.call_args_list)

  def check_error(self, *parts, **arguments):
    code, text = self.main(**arguments)
    self.assertEqual(1, code)
    self.assertStartsWith(text, 'compare: error: ')
    self.assertNotIn('\n', text)
    for part in parts:
      self.assertIn(part, text)

  def run_small(self, theirs, ours, exemptions=()):
    """Runs main() on two small graphs; returns (exit code, report.json)."""
    edition = historical_fixture.OLD
    with mock.patch.object(historical, 'find_edition', return_value=edition), \
        mock.patch.object(compare, 'theirs',
                          return_value=small_training.meta_graph(**theirs)), \
        mock.patch.object(training_graph, 'ours',
                          return_value=small_training.meta_graph(**ours)), \
        mock.patch.object(training_graph, 'initial_values',
                          return_value=_WEIGHTS), \
        mock.patch.object(compare_values, 'batches', _batches), \
        mock.patch.object(ledger, 'make', return_value=([], [])), \
        mock.patch.dict(compare_exemptions.EXEMPTIONS,
                        {edition.name: exemptions}):
      code, _ = self.main('--steps=3')
    with open(os.path.join(self.out, 'report.json'), encoding='utf-8') as f:
      return code, json.load(f)

  def test_equal_graphs(self):
    code, report = self.run_small({}, {})
    self.assertEqual((0, 0), (code, report['unexplained']))
    self.assertEqual(['Graph', 'Checkpoints', 'Values', 'Ledger of claims'],
                     [s['title'] for s in report['sections']])
    with open(os.path.join(self.out, 'report.html'), encoding='utf-8') as f:
      page = f.read()
    for section in report['sections']:
      for text in section['text']:
        self.assertIn(text, page)

  def test_difference_and_its_exemptions(self):
    code, report = self.run_small({}, {'rate': 0.2})
    self.assertEqual(1, code)
    graph, checkpoints, values, _ = report['sections']
    self.assertEqual(['GradientDescent/learning_rate', 'value'],
                     graph['tables'][0]['rows'][0][:2])
    self.assertEqual((1, 0), (graph['unexplained'],
                              checkpoints['unexplained']))
    self.assertGreater(values['unexplained'], 0)
    self.assertEqual(report['unexplained'], 1 + values['unexplained'])

    exemption = compare_graph.Exemption('GradientDescent/learning_rate',
                                        'value', 'because')
    _, report = self.run_small({}, {'rate': 0.2}, (exemption,))
    self.assertEqual(0, report['sections'][0]['unexplained'])
    self.assertIn('1 listed exemptions', report['sections'][0]['text'][1])

    code, report = self.run_small({}, {}, (exemption,))
    self.assertEqual((1, 1), (code, report['unexplained']))

  def test_mapping_of_the_step_counter_is_said(self):
    _, report = self.run_small(
        {'step_name': 'Variable', 'step_type': tf.int32}, {})
    theirs, ours = report['sections'][1]['text']
    self.assertIn('Variable (int32) as global_step (int64)', theirs)
    self.assertIn('global_step (int64) as Variable (int32)', ours)

  def test_bad_input(self):
    self.check_error(self.source, 'not the tutorial')
    self.check_error('/no/such', source='/no/such')
    with open(os.path.join(self.source, 'cifar10.py'), 'w'):
      pass
    self.check_error('lacks', 'cifar10_input.py')
    self.assertFalse(os.path.exists(self.out))
    with mock.patch.object(historical, 'find_edition',
                           return_value=historical_fixture.OLD):
      self.check_error('data_batch_1.bin', '--data_dir',
                       data_dir=self.source)
      self.check_error('--out', out=os.path.join(self.source, 'cifar10.py'))
    code, text = self.main('--steps=0')
    self.assertEqual(1, code)
    self.assertIn('--steps=0', text)
    code, text = self.main('--sauce=1')
    self.assertEqual(1, code)
    self.assertIn('--sauce=1', text)

  def test_process_that_fails(self):
    with self.assertRaisesRegex(errors.UsageError, 'not the tutorial'):
      compare.theirs(self.source, self.data_dir)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
