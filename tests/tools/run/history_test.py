"""What is read from the files of a run."""

import json
import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tools.run import history

_LOG = """Filling queue with 20000 CIFAR images before starting to train.
2026-01-01 10:00:00.500000: step 0, loss = 4.68 (640.0 examples/sec; 0.2 sec/batch)
worker 0 | 2026-01-01 10:00:02.500000: step 10, loss = 4.66 (1280.0 examples/sec; 0.1 sec/batch)
"""


def _write_events(directory, tag, *points):
  with tf.Graph().as_default():
    writer = tf.summary.FileWriter(directory)
    for step, value in points:
      writer.add_summary(
          tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value)]),
          step,
      )
    writer.close()


class HistoryTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.root, 'train')

  def _path(self, name, content):
    path = os.path.join(self.root, name)
    pathlib.Path(path).write_text(content)
    return path

  def test_everything(self):
    # Step 100 was made again after a kill.
    _write_events(
        self.train_dir, 'total_loss', (0, 4.5), (100, 4.0), (100, 3.5)
    )
    eval_dir = os.path.join(self.root, 'eval')
    _write_events(eval_dir, 'Precision @ 1', (1000, 0.5), (2000, 0.75))
    record = self._path(
        'record.json',
        json.dumps(
            {
                'precision': [{'step': 1000, 'averaged': 0.1, 'raw': 0.25}],
                'manifest': {},
            }
        ),
    )
    found = history.read(
        self.train_dir,
        eval_dirs={'averaged': eval_dir, 'raw': None},
        log=self._path('log', _LOG),
        record=record,
    )
    self.assertEqual({'total_loss': [(0, 4.5), (100, 3.5)]}, found.scalars)
    # The evaluator's own files come before the record.
    self.assertEqual(
        {'averaged': [(1000, 0.5), (2000, 0.75)], 'raw': [(1000, 0.25)]},
        found.precision,
    )
    self.assertEqual(
        [(0, 640.0), (10, 1280.0)],
        [(line.step, line.examples_per_sec) for line in found.lines],
    )
    self.assertIn('precision', found.record)
    # An evaluator that has found nothing yet hides nothing.
    empty = os.path.join(self.root, 'empty')
    _write_events(empty, 'something else', (0, 1.0))
    self.assertEqual(
        {'averaged': [(1000, 0.1)], 'raw': [(1000, 0.25)]},
        history.read(
            self.train_dir, eval_dirs={'averaged': empty}, record=record
        ).precision,
    )

  def test_the_least(self):
    _write_events(self.train_dir, 'total_loss', (0, 4.5))
    found = history.read(self.train_dir)
    self.assertEqual(({}, [], None), found[1:])

  def test_mistakes(self):
    self.assertEqual({}, history.read(self.root).scalars)
    with self.assertRaisesRegex(errors.UsageError, 'no event files in '):
      history.read(self.root, eval_dirs={'averaged': self.root})
    _write_events(self.train_dir, 'total_loss', (0, 4.5))
    with self.assertRaisesRegex(errors.UsageError, '--log=/absent cannot'):
      history.read(self.train_dir, log='/absent')
    for content in (
        '{',
        '[]',
        '{}',
        '{"precision": 3, "manifest": {}}',
        '{"precision": [{"step": 1}], "manifest": {}}',
        '{"precision": [], "manifest": 1}',
        '{"precision": [{"step": 1e999, "averaged": 1}], "manifest": {}}',
        '{"precision": [{"step": 1%s, "averaged": 1}], "manifest": {}}'
        % ('0' * 40),
        '{"precision": [{"step": [], "averaged": 1}], "manifest": {}}',
        '[' * 100000,
    ):
      with self.assertRaisesRegex(
          errors.UsageError, '--record=.* is not a results file'
      ):
        history.read(self.train_dir, record=self._path('record', content))

  def test_filters(self):
    path = os.path.join(self.root, 'model.ckpt-1')
    values = np.random.RandomState(0).randn(2, 5, 5, 3, 4).astype(np.float32)
    for number, expected in ((2, values[1]), (1, values[0])):
      with tf.Graph().as_default(), tf.Session() as sess:
        for value, name in zip(
            values[:number],
            ('conv1/weights', 'conv1/weights/ExponentialMovingAverage'),
        ):
          tf.Variable(value, name=name)
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, path)
      self.assertAllEqual(expected, history.conv1_filters(path))
    with tf.Graph().as_default(), tf.Session() as sess:
      tf.Variable(np.zeros([5, 5, 1, 4]), name='conv1/weights')
      sess.run(tf.global_variables_initializer())
      tf.train.Saver().save(sess, path)
    self.assertIsNone(history.conv1_filters(path))
