"""The command line and the sections; no historical files are needed."""

import json
import os
import sys
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.training import checkpoint_list
from tests.helpers import small_training
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.base import event_files
from tools.base import training_graph
from tools.editions import environments
from tools.editions import historical_graph
from tools.editions import scripts
from tools.parity import batches
from tools.parity import comparison
from tools.parity import curves
from tools.parity import distortions
from tools.parity import evaluators
from tools.parity import graph_diff
from tools.parity import ledger
from tools.parity import mapping
from tools.parity import report
from tools.parity import sections


def _section(title):
  return report.section(title, 0, text=[])


class CompareTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.source = self.create_tempdir().full_path
    self.data_dir = side_fixture.data_dir(self)
    self.out = os.path.join(self.create_tempdir().full_path, 'new', 'report')

  def main(self, *more, source=None, data_dir=None, out=None):
    """Returns the exit code and what was printed."""
    code, lines = side_fixture.run_main(
        comparison.main,
        '--source=' + (source or self.source),
        '--data_dir=' + (data_dir or self.data_dir),
        '--out=' + (out or self.out),
        *more,
    )
    return code, '\n'.join(lines)

  def check_error(self, *parts, more=(), **arguments):
    code, text = self.main(*more, **arguments)
    self.assertEqual(1, code)
    self.assertStartsWith(text, 'compare: error: ')
    self.assertNotIn('\n', text)
    for part in parts:
      self.assertIn(part, text)

  def run_small(self, original, port, listed=()):
    """Runs main() on two small graphs; returns (exit code, report.json)."""
    edition = historical_fixture.OLD
    with (
        mock.patch.object(scripts, 'find_edition', return_value=edition),
        mock.patch.object(
            historical_graph,
            'build_apart',
            return_value=small_training.meta_graph(**original),
        ),
        mock.patch.object(
            training_graph,
            'ours',
            return_value=small_training.meta_graph(**port),
        ),
        mock.patch.object(
            training_graph, 'initial_values', return_value=side_fixture.WEIGHTS
        ),
        mock.patch.object(batches, 'draw', side_fixture.batches),
        mock.patch.object(ledger, 'make', return_value=([], [])),
        mock.patch.object(distortions, 'sample'),
        mock.patch.object(distortions, 'compare'),
        mock.patch.object(
            distortions, 'section', return_value=_section('Input')
        ),
        mock.patch.object(
            sections, 'outline_section', return_value=_section('Outline')
        ) as outline_section,
        mock.patch.object(
            sections, 'trainers_sections', return_value=[_section('Trainers')]
        ),
        mock.patch.object(
            mapping,
            'of_edition',
            return_value=mapping.Mapping(exemptions=listed),
        ),
    ):
      code, _ = self.main('--steps=3', '--curve_steps=0')
      outline_section.assert_called_once_with(self.source)
    with open(os.path.join(self.out, 'report.json'), encoding='utf-8') as f:
      return code, json.load(f)

  def test_equal_graphs(self):
    code, report = self.run_small({}, {})
    self.assertEqual((0, 0), (code, report['unexplained']))
    self.assertEqual(
        [
            'Graph',
            'Outline',
            'Checkpoints',
            'Values',
            'Tags',
            'Losses of a training run',
            'Input',
            'Trainers',
            'Ledger of claims',
        ],
        [s['title'] for s in report['sections']],
    )
    with open(os.path.join(self.out, 'report.html'), encoding='utf-8') as f:
      page = f.read()
    for section in report['sections']:
      for text in section['text']:
        self.assertIn(text, page)

  def test_difference_and_its_exemptions(self):
    code, report = self.run_small({}, {'rate': 0.2})
    self.assertEqual(1, code)
    graph, _, restored, values, *_ = report['sections']
    self.assertEqual(
        ['GradientDescent/learning_rate', 'value'],
        graph['tables'][0]['rows'][0][:2],
    )
    self.assertEqual((1, 0), (graph['unexplained'], restored['unexplained']))
    self.assertGreater(values['unexplained'], 0)
    self.assertEqual(report['unexplained'], 1 + values['unexplained'])

    exemption = graph_diff.Exemption(
        'GradientDescent/learning_rate', 'value', 'because'
    )
    _, report = self.run_small({}, {'rate': 0.2}, (exemption,))
    self.assertEqual(0, report['sections'][0]['unexplained'])
    self.assertIn('1 listed exemptions', report['sections'][0]['text'][1])

    code, report = self.run_small({}, {}, (exemption,))
    self.assertEqual((1, 1), (code, report['unexplained']))

  def run_sections(self, latest='/run/model.ckpt-7', **arguments):
    """Returns the titles, and the calls that train, read and score."""
    calls = []
    self.original, self.port = side_fixture.both(self)

    def train(side, train_dir, steps):
      calls.append(('train', side, steps))
      self.assertFalse(os.path.exists(train_dir))
      return event_files.Run({}, {'a': [(0, 1.0)]}, frozenset('a'))

    def read(train_dir):
      calls.append(('read', train_dir))
      return event_files.Run({}, {'a': [(0, 2.0)]}, frozenset('a'))

    def evaluate(*args):
      calls.append(('evaluate', *args))
      return [evaluators.Score('a score', 0.5, False, False)] * 4

    with (
        mock.patch.object(curves, 'train', train),
        mock.patch.object(event_files, 'read', read),
        mock.patch.object(evaluators, 'evaluate', evaluate),
        mock.patch.object(
            checkpoint_list, 'newest', return_value=mock.Mock(path=latest)
        ),
    ):
      found = comparison.runs_sections(self.original, self.port, **arguments)
    return [s['title'] for s in found], calls

  def test_new_runs(self):
    titles, calls = self.run_sections(curve_steps=20)
    self.assertEqual(['Eval', 'Curves'], titles)
    self.assertEqual(
        [('train', self.original, 20), ('train', self.port, 20)], calls[:2]
    )
    self.assertEqual(('evaluate', self.original, self.port), calls[2][:3])
    self.assertEndsWith(calls[2][3], 'original')

  def test_existing_runs(self):
    titles, calls = self.run_sections(
        their_run='/a', our_run='/b', curve_steps=20
    )
    self.assertEqual(['Eval', 'Curves'], titles)
    self.assertEqual(
        [
            ('read', '/a'),
            ('read', '/b'),
            ('evaluate', self.original, self.port, '/a'),
        ],
        calls,
    )
    _, calls = self.run_sections(
        their_run='/a', curve_steps=20, checkpoint_dir='/c'
    )
    self.assertEqual(['read', 'train', 'evaluate'], [c[0] for c in calls])
    self.assertEqual('/c', calls[2][3])

  def test_sections_left_out(self):
    self.assertEqual(([], []), self.run_sections())
    titles, calls = self.run_sections(checkpoint_dir='/c')
    self.assertEqual(['Eval'], titles)
    self.assertLen(calls, 1)

  def test_bad_input(self):
    self.check_error(self.source, 'not the tutorial')
    self.check_error('/no/such', source='/no/such')
    with open(os.path.join(self.source, 'cifar10.py'), 'w'):
      pass
    self.check_error('lacks', 'cifar10_input.py')
    self.assertFalse(os.path.exists(self.out))
    with mock.patch.object(
        scripts, 'find_edition', return_value=historical_fixture.OLD
    ):
      self.check_error('data_batch_1.bin', '--data_dir', data_dir=self.source)
      self.check_error('--out', out=os.path.join(self.source, 'cifar10.py'))
      self.check_error(
          'event files', '--their_run', more=('--their_run=' + self.source,)
      )
      self.check_error(
          '--checkpoint_dir',
          'no checkpoint',
          more=('--checkpoint_dir=' + self.source,),
      )
    self.check_error('--curve_steps=15', more=('--curve_steps=15',))
    code, text = self.main('--steps=0')
    self.assertEqual(1, code)
    self.assertIn('--steps=0', text)
    code, text = self.main('--sauce=1')
    self.assertEqual(1, code)
    self.assertIn('--sauce=1', text)

  def test_bad_input_about_runtimes(self):
    self.check_error(
        '--runtime_steps=0: it must be at least 1',
        more=('--runtime=0.12.1', '--runtime_steps=0'),
    )
    self.check_error(
        'TensorFlow 0.11.0 is not supported here: choose one of 0.12.1, 1.0.1',
        more=('--runtime=0.11.0',),
    )
    with mock.patch('builtins.print') as printed:
      self.assertEqual(
          1, comparison.main(['--data_dir=/none', '--out=' + self.out])
      )
    (text,) = printed.call_args[0]
    self.assertStartsWith(text, 'compare: error: specify the historical files')
    self.assertIn('--source=DIR', text)
    self.assertIn('--runtime=0.12.1', text)
    with (
        mock.patch.object(
            scripts,
            'find_edition',
            return_value=historical_fixture.OLD._replace(python2=True),
        ),
        mock.patch.object(environments, 'make') as make,
    ):
      self.check_error(
          'a test is written in Python 2', more=('--runtime=1.15.5',)
      )
    make.assert_not_called()
    self.assertFalse(os.path.exists(self.out))

  def test_missing_packages(self):
    for name in ('jinja2', 'matplotlib', 'scipy'):
      with mock.patch.dict(sys.modules, {name: None}):
        self.check_error(name + ' is not installed: pip install')

  def test_process_that_fails(self):
    with self.assertRaisesRegex(errors.UsageError, 'not the tutorial'):
      historical_graph.build_apart(self.source, self.data_dir)
