"""Runs of both trainers: which programs, their mean and their spread."""

import os
from unittest import mock

from absl.testing import absltest

from tests.tools.editions import historical_fixture
from tools.base import event_files
from tools.parity import curves
from tools.parity import old_spread


def _run(*losses):
  log = {10 * n: loss for n, loss in enumerate(losses)}
  return event_files.Run(log, {}, frozenset())


class OldSpreadTest(absltest.TestCase):

  def test_model_of(self):
    for name, model in (
        ('tensorflow v0.9.0', 'cifar10'),
        ('tensorflow 0.5.0', 'cifar10'),
        ('tensorflow 0.12.1', 'cifar10_5e-2'),
        ('tensorflow/models v1.4.0', 'cifar10_5e-2'),
    ):
      edition = historical_fixture.OLD._replace(name=name)
      self.assertEqual(model, old_spread.model_of(edition), name)

  def test_train_takes_turns(self):
    calls = []

    def train(module, args, data_dir, train_dir, steps):
      calls.append((module, args, data_dir, steps))
      # The old trainer would delete it.
      self.assertFalse(os.path.exists(train_dir))
      return len(calls)

    with mock.patch.object(curves, 'train', train):
      theirs, ours = old_spread.train(
          '/source',
          '/data',
          version='0.12.1',
          edition=historical_fixture.OLD,
          runs=2,
          steps=50,
      )
    self.assertEqual(([1, 3], [2, 4]), (theirs, ours))
    self.assertEqual(
        [
            (
                'tools.editions.scripts',
                ['--runtime=0.12.1', '--source=/source', 'cifar10_train'],
                '/data',
                50,
            ),
            ('cifar10_compat.cifar10_train', ['--model=cifar10'], '/data', 50),
        ],
        calls[:2],
    )
    self.assertEqual(calls[:2], calls[2:])

  def test_spread(self):
    # 4, 4.2 and 4.4 have mean 4.2 and, over n - 1, deviation 0.2.
    runs = [_run(4.68, 4.0), _run(4.68, 4.2), _run(4.68, 4.4)]
    first, second = old_spread.spread(runs)
    self.assertEqual(0, first[0])
    self.assertAlmostEqual(4.68, first[1])
    self.assertAlmostEqual(0, first[2])
    self.assertEqual(10, second[0])
    self.assertAlmostEqual(4.2, second[1])
    self.assertAlmostEqual(0.2, second[2])
    self.assertEqual([(0, 3.0, 0.0)], old_spread.spread([_run(3.0)]))

  def test_section(self):
    theirs = [_run(4.68, 4.0), _run(4.70, 4.4)]
    for first, unexplained in ((4.68, 0), (4.73, 0), (4.75, 1)):
      section = old_spread.section(
          '0.12.1', 'cifar10', theirs, [_run(first, 3.0), _run(first, 3.5)]
      )
      self.assertEqual(unexplained, section['unexplained'], first)
    self.assertIn('to step 10, 2 of theirs and 2 of ours', section['text'][0])
    self.assertEqual(
        [10, '4.200', '0.283', '3.250', '0.354'],
        section['tables'][0]['rows'][1],
    )
    self.assertLen(section['plots'], 1)
    # A run that is no number from the start.
    odd = [_run(float('nan'), 3.0)] * 2
    self.assertEqual(
        1, old_spread.section('0', 'm', theirs, odd)['unexplained']
    )
