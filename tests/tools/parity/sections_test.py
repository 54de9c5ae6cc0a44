"""Sections of the report, each made from its own small graphs."""

import dataclasses
import os
from unittest import mock

from absl.testing import absltest
import tensorflow.compat.v1 as tf

from cifar10_compat.training import checkpoint_list
from tests.tools.parity import side_fixture
from tools.parity import checkpoint_exchange
from tools.parity import curves
from tools.parity import distortions
from tools.parity import evaluators
from tools.parity import graph_diff
from tools.parity import losses
from tools.parity import mapping
from tools.parity import outline
from tools.parity import sections
from tools.parity import steps
from tools.parity import times
from tools.parity import trainers


def _graph(*names):
  """Returns a GraphDef of ops without inputs."""
  graph = tf.GraphDef()
  for name in names:
    graph.node.add(name=name, op='NoOp')
  return graph


_MADE = (
    (checkpoint_exchange, 'section'),
    (steps, 'compare'),
    (losses, 'train'),
    (steps, 'section'),
    (curves, 'tags_section'),
    (losses, 'section'),
    (evaluators, 'evaluate'),
    (evaluators, 'section'),
    (distortions, 'sample'),
    (distortions, 'compare'),
    (distortions, 'section'),
    (curves, 'train_in_turn'),
    (curves, 'section'),
    (times, 'measure'),
    (times, 'section'),
)


class OfSidesTest(tf.test.TestCase):
  """One pair of sides gives all sections; and the arguments of each."""

  def make(self, sizes, **attributes):
    """Returns the sections; self.given has each function's arguments."""
    self.original, self.port = side_fixture.both(self)
    for side in (self.original, self.port):
      side.load(side.marked)
    for name, value in attributes.items():
      setattr(self.original, name, value)
    self.given = {}
    for module, function in _MADE:
      name = '%s.%s' % (module.__name__.rpartition('.')[2], function)

      def note(*args, name=name, **kwargs):
        self.given.setdefault(name, []).append((args, kwargs))
        return (name,) * (2 if name.endswith('train_in_turn') else 4)

      self.enter_context(mock.patch.object(module, function, note))
    scratch = self.create_tempdir().full_path
    found = sections.of_sides(self.original, self.port, sizes, scratch)
    return [name.partition('.')[0] for name, *_ in found]

  def test_today(self):
    sizes = dataclasses.replace(sections.TODAY, runtime_images=0)
    self.assertEqual(
        ['checkpoint_exchange', 'steps', 'curves', 'losses'],
        self.make(sizes),
    )
    ((args, _),) = self.given['checkpoint_exchange.section']
    self.assertEqual((self.original, self.port), args[:2])
    self.assertEqual('global_step', args[2].port['global_step'])

  def test_on_an_old_tensorflow(self):
    sizes = sections.Sizes(
        runtime_images=64, spread_runs=3, spread_steps=20, time_rounds=2
    )
    found = self.make(sizes, runtime='0.12.1', steps=7)
    self.assertEqual(
        ['evaluators', 'evaluators', 'distortions', 'curves', 'times'],
        found[4:],
    )
    scored = [args for args, _ in self.given['evaluators.evaluate']]
    self.assertEqual([(self.original, self.port)] * 2, [a[:2] for a in scored])
    self.assertEqual(
        ['original', 'port'], [os.path.basename(a[2]) for a in scored]
    )
    for _, _, directory in scored:
      self.assertEndsWith(checkpoint_list.newest(directory).path, '-7')
    self.assertEqual(
        [
            'Eval of the %s, on TensorFlow 0.12.1' % whose
            for whose in ('original', 'port')
        ],
        [kwargs['title'] for _, kwargs in self.given['evaluators.section']],
    )
    self.assertIn(
        'A checkpoint of the port', self.given['evaluators.section'][1][0][1]
    )
    self.assertEqual(
        [((side, 64), {}) for side in (self.original, self.port)],
        self.given['distortions.sample'],
    )
    self.assertEqual(
        'Input on TensorFlow 0.12.1', self.given['distortions.section'][0][0][1]
    )
    self.assertEqual(
        [((self.original, self.port), {'runs': 3, 'steps': 20})],
        self.given['curves.train_in_turn'],
    )
    ((args, kwargs),) = self.given['curves.section']
    self.assertEqual(curves.listed(self.original.edition, '0.12.1'), args[2])
    self.assertEqual(
        {'where': ' on TensorFlow 0.12.1', 'model': 'cifar10'}, kwargs
    )
    self.assertEqual([((self.original, 2), {})], self.given['times.measure'])


class SectionsTest(absltest.TestCase):

  def graph_section(self, names, *exemptions):
    """Returns the section on graphs of NoOps: 'a', and these names."""
    return sections.graph_section(
        'Graph',
        _graph('a'),
        _graph(*names),
        mapping.Mapping(exemptions=exemptions),
    )

  def test_graph_section(self):
    exempt = graph_diff.Exemption('b', 'presence', 'the first one is meant')
    section = self.graph_section('abc', exempt)
    self.assertEqual(1, section['unexplained'])
    self.assertEqual(
        [['c', 'presence', '(absent)', 'NoOp']], section['tables'][0]['rows']
    )
    self.assertIn('The original has 1 ops and the port 3.', section['text'][0])

  def test_exemptions_that_change_a_number(self):
    section = self.graph_section(
        'abcd',
        graph_diff.Exemption('b', 'presence', 'another rate', True),
        graph_diff.Exemption('c', 'presence', 'another rate', True),
        graph_diff.Exemption('d', 'presence', 'another name'),
    )
    self.assertEqual(0, section['unexplained'])
    self.assertStartsWith(
        section['text'][2],
        'Of these exemptions, 2 change a number that is computed, drawn or '
        'saved: another rate. The other 1 change',
    )
    (exempt,) = section['tables']
    self.assertEqual(['yes', 'yes', 'no'], [row[-1] for row in exempt['rows']])

  def test_outline_section(self):
    original = self.create_tempdir().full_path
    port = self.create_tempdir().full_path
    for name in outline.FILES:
      for directory in (original, port):
        with open(os.path.join(directory, name), 'w') as f:
          f.write('def main():\n  run()\n')
    with open(os.path.join(original, 'cifar10_train.py'), 'w') as f:
      f.write(
          'def train():\n  tf.mul()\n  tf.Session()\n  sess.run()\n'
          'def lost():\n  a()\n'
      )
    with open(os.path.join(port, 'cifar10_train.py'), 'w') as f:
      f.write(
          'def train():\n  tf.multiply()\n  b()\n  c()\n  mon_sess.run()\n'
          'def own():\n  d()\n'
      )
    with mock.patch.object(outline, 'PORT', port):
      section = sections.outline_section(original)
    self.assertEqual(0, section['unexplained'])
    self.assertIn('keeps 6 of the 8 calls', section['text'][0])
    self.assertIn('and adds 2.', section['text'][0])
    files, _, _, train, *_ = section['tables']
    self.assertEqual(
        ['Files', *outline.FILES], [t['caption'] for t in section['tables']]
    )
    self.assertEqual(
        [
            ['cifar10.py', 1, 1, 1, 0],
            ['cifar10_input.py', 1, 1, 1, 0],
            ['cifar10_train.py', 2, 4, 2, 2],
        ],
        files['rows'][:3],
    )
    self.assertEqual(
        [
            ['train', 3, 2, 2, 'tf.Session', 'b, c'],
            ['lost (not in the port)', 1, 0, 0, 'a', ''],
        ],
        train['rows'],
    )

  def test_trainers_sections(self):
    listed = mapping.Mapping(renames=(graph_diff.Rename('a', 'x', 'scope'),))
    with (
        mock.patch.object(mapping, 'load', return_value=listed),
        mock.patch.object(
            trainers,
            'build',
            lambda name, data_dir: _graph(
                *('x' if name == trainers.MULTI_GPU else 'xy')
            ),
        ),
    ):
      found = sections.trainers_sections('/data', _graph('a'))
    # Each of the two distributed trainers has an extra op.
    self.assertEqual([0, 1, 1], [s['unexplained'] for s in found])
    self.assertEqual(
        [[], *2 * [[[['y', 'presence', '(absent)', 'NoOp']]]]],
        [[table['rows'] for table in s['tables']] for s in found],
    )
    self.assertStartsWith(found[0]['title'], 'Graph of multi_gpu_train')
    self.assertIn('original has 1 ops and the port 1', found[0]['text'][0])
