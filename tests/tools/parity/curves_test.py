"""Runs and their tags, compared on event files written by hand."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.helpers import event_fixture
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.base import event_files
from tools.base import processes
from tools.parity import curves
from tools.parity import graph_diff

_LOG = """\
Filling queue with 20000 CIFAR images before starting to train.
2026-11-24 08:56:02.208531: step 0, loss = 4.68 (20.0 examples/sec; 6 sec/batch)
2026-11-24 08:56:07: step 10, loss = 4.66 (359.6 examples/sec; 0.356 sec/batch)
"""


def _rename(original, port):
  return graph_diff.Rename(original, port, 'because')


class CurvesTest(tf.test.TestCase):

  def compare(self, original, port, renames=()):
    runs = event_files.read(original), event_files.read(port)
    section = curves.section(*([run] for run in runs), renames)
    return curves.compare(*runs, renames), section

  def test_same_tags(self):
    result, section = self.compare(
        event_fixture.write(self, a=[1, 2]), event_fixture.write(self, a=[3, 4])
    )
    self.assertEqual(0, section['unexplained'])
    self.assertEqual(
        {'a': ([(0, 1), (100, 2)], [(0, 3), (100, 4)])}, result.curves
    )
    self.assertEqual(['a'], [caption for caption, _ in section['plots']])

  def test_tag_of_one_side_alone(self):
    a, ab = event_fixture.write(self, a=[1, 2]), event_fixture.write(
        self, a=[1, 2], b=[3, 4]
    )
    for runs, side in (((ab, a), 'original'), ((a, ab), 'port')):
      result, section = self.compare(*runs)
      self.assertEqual([('b', side)], result.unmatched)
      self.assertEqual(1, section['unexplained'])
      self.assertEqual(['a', 'b'], [caption for caption, _ in section['plots']])
    for runs, rename in (
        ((ab, a), _rename('b', '')),
        ((a, ab), _rename('', 'b')),
    ):
      _, section = self.compare(*runs, [rename])
      self.assertEqual(0, section['unexplained'])

  def test_histogram_of_one_side_alone(self):
    runs = event_files.Run({}, {}, frozenset('ab')), event_files.Run(
        {}, {}, frozenset('a')
    )
    self.assertEqual([('b', 'original')], curves.compare(*runs).unmatched)

  def test_rename(self):
    result, section = self.compare(
        event_fixture.write(self, old=[1, 2]),
        event_fixture.write(self, new=[3, 4]),
        [_rename('old', 'new')],
    )
    self.assertEqual(0, section['unexplained'])
    self.assertEqual(
        {'new': ([(0, 1), (100, 2)], [(0, 3), (100, 4)])}, result.curves
    )

  def test_listed_tag_that_does_not_exist(self):
    for rename in (
        _rename('old', 'a'),
        _rename('a', 'new'),
        _rename('b', ''),
        _rename('', 'b'),
    ):
      result, section = self.compare(
          event_fixture.write(self, a=[1, 2]),
          event_fixture.write(self, a=[1, 2]),
          [rename],
      )
      self.assertEqual([rename], result.stale)
      self.assertEqual(1, section['unexplained'])

  def test_first_loss(self):
    tag = 'total_loss (raw)'
    original = event_fixture.write(self, **{tag: [4.68, 1]})
    for loss, unexplained in ((4.66, 0), (4.72, 0), (4.74, 1), (4.62, 1)):
      _, section = self.compare(
          original, event_fixture.write(self, **{tag: [loss, 3]})
      )
      self.assertEqual(unexplained, section['unexplained'], loss)
    # A resumed run has no first loss.
    _, section = self.compare(
        original, event_fixture.write(self, (100, 200), **{tag: [1, 1]})
    )
    self.assertEqual(0, section['unexplained'])
    self.assertIn('4.680 and unknown', section['text'][1])
    # The log comes first: an event file's first loss is after an update.
    run = event_files.read(original)
    section = curves.section([run._replace(log={0: 4.6})], [run])
    self.assertIn('4.600 and 4.680', section['text'][1])
    self.assertEqual(1, section['unexplained'])

  def test_train(self):
    def run(module, args, unused_what):
      (train_dir,) = [a.partition('=')[2] for a in args if 'train_dir' in a]
      self.assertFalse(os.path.exists(train_dir))
      self.assertEqual('cifar10_compat.cifar10_train', module)
      self.assertEqual(
          ['--data_dir=/data', '--max_steps=21', '--flag'],
          [a for a in args if 'train_dir' not in a],
      )
      os.rename(directory, train_dir)
      return _LOG

    directory = event_fixture.write(self, a=[1, 2])
    side = side_fixture.small(self)
    side.data_dir = '/data'
    with mock.patch.object(processes, 'run', run):
      trained = curves.train(side, directory + '_new', 20, ['--flag'])
    self.assertEqual({0: 4.68, 10: 4.66}, trained.log)
    self.assertEqual([(0, 1), (100, 2)], trained.scalars['a'])
    # The port's run has event files only.
    section = curves.section([trained], [trained._replace(log={})])
    (table,) = [t for t in section['tables'] if 'logs' in t['caption']]
    self.assertEqual(
        [[0, '4.680', '0.000', '', ''], [10, '4.660', '0.000', '', '']],
        table['rows'],
    )
    self.assertLen(section['plots'], 2)


def _run(*losses):
  log = {10 * n: loss for n, loss in enumerate(losses)}
  return event_files.Run(log, {}, frozenset())


class SeveralRunsTest(tf.test.TestCase):

  def test_model_of(self):
    for name, model in (
        ('tensorflow v0.9.0', 'cifar10'),
        ('tensorflow 0.5.0', 'cifar10'),
        ('tensorflow 0.12.1', 'cifar10_5e-2'),
        ('tensorflow/models v1.4.0', 'cifar10_5e-2'),
    ):
      edition = historical_fixture.OLD._replace(name=name)
      self.assertEqual(model, curves.model_of(edition), name)

  def test_train_takes_turns(self):
    calls = []

    def train(*args):
      side, train_dir, steps, flags = args
      calls.append((side, steps, flags))
      # The old trainer would delete an existing one.
      self.assertFalse(os.path.exists(train_dir))
      return len(calls)

    original, port = side_fixture.both(self)
    with mock.patch.object(curves, 'train', train):
      found = curves.train_in_turn(original, port, runs=2, steps=50)
    self.assertEqual(([1, 3], [2, 4]), found)
    self.assertEqual(
        [(original, 50, []), (port, 50, ['--model=cifar10'])], calls[:2]
    )
    self.assertEqual(calls[:2], calls[2:])

  def test_spread(self):
    # 4, 4.2 and 4.4: mean 4.2, standard deviation (n - 1) 0.2.
    runs = [_run(4.68, 4.0), _run(4.68, 4.2), _run(4.68, 4.4)]
    self.assertAllClose([(0, 4.68, 0), (10, 4.2, 0.2)], curves.spread(runs))
    self.assertEqual([(0, 3.0, 0.0)], curves.spread([_run(3.0)]))

  def test_section(self):
    originals = [_run(4.68, 4.0), _run(4.70, 4.4)]
    for first, unexplained in (
        (4.68, 0),
        (4.73, 0),
        (4.75, 1),
        # A NaN from the first step on.
        (float('nan'), 1),
    ):
      ports = [_run(first, 3.0), _run(first, 3.5)]
      section = curves.section(originals, ports, where=' on TensorFlow 0.12.1')
      self.assertEqual(unexplained, section['unexplained'], first)
    self.assertEqual('Curves on TensorFlow 0.12.1', section['title'])
    self.assertIn('2 of the original and 2 of the port', section['text'][0])
    self.assertEqual(
        'At step 10 of the logs, the mean losses are 4.200 and 3.250, and their '
        'standard deviations over the runs 0.283 and 0.354.',
        section['text'][2],
    )
    self.assertEqual(
        [10, '4.200', '0.283', '3.250', '0.354'],
        section['tables'][0]['rows'][1],
    )
    self.assertLen(section['plots'], 1)


class TagsTest(tf.test.TestCase):

  def test_listed(self):
    def listed(name, version):
      edition = historical_fixture.OLD._replace(name=name)
      return curves.listed(edition, version, run=False)

    own = listed('tensorflow 0.12.1', '0.12.1')
    self.assertIn('conv1/weight_loss (raw)', [r.original for r in own])
    self.assertLen(own, 8)
    self.assertLen(listed('tensorflow v0.7.0 and v0.7.1', '0.12.1'), 2)
    later = historical_fixture.OLD._replace(
        name='tensorflow/models v1.12.0 and v1.13.0'
    )
    for run in (False, True):
      tags = [r.original for r in curves.listed(later, '1.15.5', run=run)]
      self.assertEqual(run, 'global_step/sec' in tags)

  def test_section(self):
    original, port = mock.Mock(runtime='0.0', where=' on 0.0'), mock.Mock()
    port.tags = {'first', 'second'}
    rename = _rename('first_1', 'first')
    for tags, listed, unexplained in (
        (['first', 'second'], [], 0),
        # The original's tag is unknown, and the port's is missing.
        (['first_1', 'second'], [], 2),
        (['first_1', 'second'], [rename], 0),
        # A listed name that does not apply.
        (['first', 'second'], [rename], 1),
    ):
      original.tags = set(tags)
      with mock.patch.object(curves, 'listed', return_value=listed):
        section = curves.tags_section(original, port)
      self.assertEqual(unexplained, section['unexplained'])
