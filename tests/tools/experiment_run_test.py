"""A run's files, without a training: what it makes of them."""

import datetime
import json
import os

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from tools import experiment_run
from tools import experiments
from tools import training_log

_LINE = '2026-01-01 10:%02d:%02d: step %d, loss = %.2f (64.0 examples/sec; 2.000 sec/batch)\n'


def _lines(minute, *steps):
  """Returns Lines of steps that take a second each, from a minute on."""
  return [
      training_log.Line(
          datetime.datetime(2026, 1, 1, 10, minute, i), step, 4.0, 64.0, 2.0
      )
      for i, step in enumerate(steps)
  ]


class CurveTest(tf.test.TestCase):

  def test_the_time_between_two_parts_does_not_count(self):
    seconds, losses = experiment_run.curve(
        [_lines(0, 0, 10, 20), _lines(30, 10, 20, 30)]
    )
    # Step 10 is made again: 2 seconds before the kill, and those since.
    self.assertEqual([[0, 0.0], [10, 2.0], [20, 3.0], [30, 4.0]], seconds)
    self.assertEqual([[0, 4.0], [10, 4.0], [20, 4.0], [30, 4.0]], losses)
    self.assertEqual(([], []), experiment_run.curve([]))

  def test_duration(self):
    self.assertEqual('0 min', experiment_run.duration(29))
    self.assertEqual('59 min', experiment_run.duration(59 * 60))
    self.assertEqual('1 h 00 min', experiment_run.duration(59.6 * 60))
    self.assertEqual('26 h 05 min', experiment_run.duration(26 * 3600 + 301))


class RunTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.out = self.create_tempdir().full_path
    experiment = experiments.Experiment(
        'a title', 4000, 1, flags=('--a=b',), fast=True
    )
    self.run_of_it = experiment_run.Run(self.out, 'x', experiment, 2)
    self.directory = os.path.join(self.out, 'x_2')
    os.makedirs(os.path.join(self.directory, 'train'))
    os.makedirs(os.path.join(self.directory, 'kept'))

  def _write(self, name, text):
    with open(os.path.join(self.directory, name), 'w') as f:
      f.write(text)

  def _save(self, *steps):
    """Writes checkpoints, of which `checkpoint` names these steps."""
    paths = []
    for step in steps:
      paths.append(os.path.join(self.directory, 'train/model.ckpt-%d' % step))
      for end in ('.index', '.meta', '.data-00000-of-00001'):
        self._write('train/model.ckpt-%d%s' % (step, end), '%d' % step)
    tf.train.update_checkpoint_state(
        os.path.join(self.directory, 'train'), paths[-1], paths
    )

  def test_keeps_what_is_named(self):
    self._save(0, 1000, 1234, 2001)
    # Not named: it is not complete.
    self._write('train/model.ckpt-3000.index', '')
    # A kill in the middle of the last call.
    self._write('kept/model.ckpt-1000.index.tmp', 'half')
    self.run_of_it.keep()
    for step in (0, 1000, 1234, 2001):
      for end in ('.index', '.data-00000-of-00001'):
        os.remove(
            os.path.join(self.directory, 'train/model.ckpt-%d%s' % (step, end))
        )
    kept = self.run_of_it.kept()
    # A chief may be a step late; a checkpoint of a stop does not count.
    self.assertEqual([1000, 2001], list(kept))
    with open(kept[1000] + '.index') as f:
      self.assertEqual('1000', f.read())
    self.assertFalse(self.run_of_it.trained())
    self._save(4001)
    self.run_of_it.keep()
    self.assertTrue(self.run_of_it.trained())

  def test_log(self):
    self.assertEqual([], self.run_of_it.lines())
    self.assertEqual(0, self.run_of_it.last_step())
    self.assertIsNone(self.run_of_it.secs_left())
    self.assertEqual(8000, self.run_of_it.secs_left(2.0))
    part = experiment_run.PART + '\n'
    text = part + 'train | hello\n' + 'train | ' + _LINE % (0, 0, 0, 4.68)
    text += 'train | ' + _LINE % (0, 30, 100, 4.5) + part
    # As the trainer prints them by itself.
    text += _LINE % (40, 0, 100, 4.5) + _LINE % (40, 5, 110, 4.4) + part
    self._write('train.log', text)
    self.assertEqual(
        [[0, 100], [100, 110]],
        [[line.step for line in part] for part in self.run_of_it.lines()],
    )
    # 10 steps took 5 seconds, and 3,890 are left.
    self.assertEqual(1945, self.run_of_it.secs_left())
    self.assertEqual(
        'x_2: step 110 of 4,000, 32 min left', self.run_of_it.progress()
    )

  def test_log_of_a_cluster(self):
    run = experiment_run.Run(
        self.out, 'x', experiments.get('cluster')._replace(max_steps=10), 2
    )
    self._write(
        'train.log',
        'worker 0 | ' + _LINE % (0, 0, 0, 4.68)
        + 'worker 1 | ' + _LINE % (0, 0, 1, 4.68),
    )  # fmt: skip
    self.assertEqual(
        [[0]], [[line.step for line in part] for part in run.lines()]
    )

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
    self._save(4000)
    self.run_of_it.keep()
    found = self.run_of_it.record('which images')
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

  def test_other_images(self):
    self._write('manifest.json', '{"dataset": {"name": "one"}}')
    with self.assertRaisesRegex(errors.UsageError, 'with other images'):
      self.run_of_it.train(
          data_dir='',
          manifest={'dataset': {'name': 'another'}},
          stop=signals.StopRequest(),
      )


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
