"""Sections of the report, each from graphs that are made for it."""

import os
from unittest import mock

from absl.testing import absltest
import numpy as np
import tensorflow.compat.v1 as tf

from tools.base import training_graph
from tools.editions import historical_graph
from tools.parity import coded_images
from tools.parity import distortions
from tools.parity import graph_diff
from tools.parity import mapping
from tools.parity import outline
from tools.parity import sections
from tools.parity import trainers


def _meta_graph(*names):
  """Returns a MetaGraphDef of ops without inputs."""
  meta_graph = tf.MetaGraphDef()
  for name in names:
    meta_graph.graph_def.node.add(name=name, op='NoOp')
  return meta_graph


class SectionsTest(absltest.TestCase):

  def test_input_section(self):
    def sample(meta_graph, coded_meta_graph, unused_count):
      return coded_images.Drawn(
          {'x': np.array([meta_graph, coded_meta_graph])}, 0
      )

    drawn_from = []

    def theirs(source, data_dir):
      self.assertEqual('/source', source)
      drawn_from.append(data_dir)
      return 3

    def ours(data_dir):
      drawn_from.append(data_dir)
      return 3

    with (
        mock.patch.object(distortions, 'sample', sample),
        mock.patch.object(historical_graph, 'build_apart', theirs),
        mock.patch.object(training_graph, 'ours', ours),
    ):
      section = sections.input_section(
          '/source', '/data', their_meta_graph=1, our_meta_graph=2
      )
    self.assertEqual(0, section['unexplained'])
    self.assertEqual(
        [['x', 1, 1, 0], ['x', 2, 0, 1], ['x', 3, 1, 1]],
        section['tables'][1]['rows'],
    )
    # Both on the same coded files, which are gone again.
    self.assertLen(set(drawn_from), 1)
    self.assertNotIn('/data', drawn_from)
    self.assertFalse(os.path.exists(drawn_from[0]))

  def test_graph_section(self):
    exempt = graph_diff.Exemption('b', 'presence', 'the first one is meant')
    section = sections.graph_section(
        _meta_graph('a'),
        _meta_graph('a', 'b', 'c'),
        exemptions=(exempt,),
        renames=(),
    )
    self.assertEqual(1, section['unexplained'])
    self.assertEqual(
        [['c', 'presence', '(absent)', 'NoOp']], section['tables'][0]['rows']
    )
    self.assertIn('1 ops are theirs and 3 ours', section['text'][0])

  def test_exemptions_that_change_a_number(self):
    section = sections.graph_section(
        _meta_graph('a'),
        _meta_graph('a', 'b', 'c', 'd'),
        exemptions=(
            graph_diff.Exemption('b', 'presence', 'another rate', True),
            graph_diff.Exemption('c', 'presence', 'another rate', True),
            graph_diff.Exemption('d', 'presence', 'another name'),
        ),
        renames=(),
    )
    self.assertEqual(0, section['unexplained'])
    self.assertStartsWith(
        section['text'][2],
        'Of these exemptions 2 change a number that is computed, drawn or '
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

  def test_trainers_section(self):
    listed = mapping.Mapping(renames=(graph_diff.Rename('a', 'x', 'scope'),))
    with (
        mock.patch.object(mapping, 'load', return_value=listed),
        mock.patch.object(
            trainers,
            'build',
            lambda name, data_dir: _meta_graph(
                *('x' if name == trainers.MULTI_GPU else 'xy')
            ).graph_def,
        ),
    ):
      section = sections.trainers_section('/data', _meta_graph('a'))
    # Each of the two distributed ones has an op more.
    self.assertEqual(2, section['unexplained'])
    self.assertEqual(
        2 * [[['y', 'presence', '(absent)', 'NoOp']]],
        [table['rows'] for table in section['tables'] if table['rows']],
    )
    self.assertStartsWith(
        section['text'][0], 'multi_gpu_train: 1 ops against 1 of cifar10_train'
    )
