"""The file of results of a run, without training."""

import datetime
import json
import os
import pathlib

import tensorflow.compat.v1 as tf

from tools.base import training_log
from tools.experiments import plan
from tools.experiments import record
from tools.experiments import run as run_lib

_LINE = '2026-01-01 10:%02d:%02d: step %d, loss = %.2f (64.0 examples/sec; 2.000 sec/batch)\n'


def _lines(minute, *steps):
  """Returns Lines of steps that take a second each, starting at a minute."""
  return [
      training_log.Line(
          datetime.datetime(2026, 1, 1, 10, minute, i), step, 4.0, 64.0, 2.0
      )
      for i, step in enumerate(steps)
  ]


class CurveTest(tf.test.TestCase):

  def test_time_between_two_parts_does_not_count(self):
    seconds, losses = record.curve(
        [_lines(0, 0, 10, 20), _lines(30, 10, 20, 30)]
    )
    # Step 10 is repeated: 2 seconds before the kill, plus the later ones.
    self.assertEqual([[0, 0.0], [10, 2.0], [20, 3.0], [30, 4.0]], seconds)
    self.assertEqual([[0, 4.0], [10, 4.0], [20, 4.0], [30, 4.0]], losses)
    self.assertEqual(([], []), record.curve([]))


class RecordTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    out = self.create_tempdir().full_path
    experiment = plan.Experiment('a title', 4000, 1, flags=('--a=b',))
    self.run_of_it = run_lib.Run(out, 'x', experiment, 2)
    self.directory = os.path.join(out, 'x_2')
    os.makedirs(os.path.join(self.directory, 'kept'))

  def _write(self, name, text):
    pathlib.Path(self.directory, name).write_text(text)

  def test_record(self):
    self._write('manifest.json', '{"commit": "abc", "dataset": {}}')
    self._write(
        'scores.json',
        json.dumps(
            {
                'averaged': {'2000': 0.5, '1000': 0.25, '3000': 0.6},
                'raw': {'1000': 0.2, '2000': 0.4},
                'views': {'10': 0.55},
            }
        ),
    )
    steps = [(0, 0, 4.68), (1, 90, 4.6), (2, 100, 4.5), (30, 1000, 3.0)]
    self._write(
        'train.log', ''.join(_LINE % (0, at, n, loss) for at, n, loss in steps)
    )
    path = os.path.join(self.directory, 'train')
    with tf.Graph().as_default(), tf.summary.FileWriter(path) as writer:
      for step, rate in ((0, 0.1), (100, 0.1), (200, 0.01)):
        writer.add_summary(
            tf.Summary(
                value=[tf.Summary.Value(tag='learning_rate', simple_value=rate)]
            ),
            step,
        )
    for end in ('.index', '.data-00000-of-00001'):
      self._write('kept/model.ckpt-4000' + end, '')
    found = record.record(self.run_of_it, 'which images')
    self.assertEqual(
        {
            'experiment': 'a title',
            'images': 'which images',
            'command': 'tools/bazel run //tools:launch -- --fast '
            '--model=cifar10 --seed=2 --max_steps=4000 --a=b',
            # Step 3000 lacks its raw weights.
            'precision': [
                {'step': 1000, 'averaged': 0.25, 'raw': 0.2},
                {'step': 2000, 'averaged': 0.5, 'raw': 0.4},
            ],
            'views': [{'step': 4000, 'views': 10, 'averaged': 0.55}],
            'loss': [[0, 4.68], [100, 4.5], [1000, 3.0]],
            'seconds': [[0, 0.0], [1000, 30.0]],
            'learning_rate': [[0, 0.1], [200, 0.01]],
            'manifest': {'commit': 'abc', 'dataset': {}},
        },
        found,
    )
