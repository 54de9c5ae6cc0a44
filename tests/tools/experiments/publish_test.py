"""The published network, made from a network with known predictions."""

import json
import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import biased_network
from tests.helpers import record_fixture
from tools.experiments import publish


class PublishTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.out = os.path.join(self.root, 'published')
    self.kept = os.path.join(self.root, 'run', 'kept')
    for directory in (self.out, self.kept):
      os.makedirs(directory)
    # Predicts ships with its averages, cats without.
    biased_network.save(
        self.kept,
        2000,
        averaged=biased_network.sure_of(8),
        raw=biased_network.sure_of(3),
    )
    self.data_dir = os.path.join(self.root, 'data')
    record_fixture.write_batches(
        self.data_dir, np.zeros([5, 32, 32, 3], np.uint8), [8, 8, 8, 0, 1]
    )

  def _publish(self, averaged):
    record = os.path.join(self.root, 'record.json')
    pathlib.Path(record).write_text(
        json.dumps(
            {
                'precision': [
                    {'step': 1000, 'averaged': 0.1},
                    {'step': 2000, 'averaged': averaged},
                ],
                'images': 'drawn',
                'command': 'train',
                'manifest': {
                    'commit': 'abc',
                    'processor': {'name': 'a processor'},
                    'versions': {'tensorflow': '2.0', 'python': '3'},
                    'requirements_lock_sha256': 'def',
                    'dataset': {'files': {'a': 'b'}},
                },
            }
        )
    )
    return publish.main(
        [
            '--run=' + os.path.join(self.root, 'run'),
            '--data_dir=' + self.data_dir,
            '--record=' + record,
            '--out=' + self.out,
            '--golden=' + os.path.join(self.root, 'golden'),
        ]
    )

  def test_it_has_only_the_averages(self):
    # An earlier network is removed.
    open(os.path.join(self.out, 'model.ckpt-1.index'), 'w').close()
    self.assertEqual(0, self._publish(0.6))
    self.assertCountEqual(
        [
            'README.md',
            'checkpoint',
            'dataset.json',
            'model.ckpt-2000.index',
            'model.ckpt-2000.data-00000-of-00001',
        ],
        os.listdir(self.out),
    )
    reader = tf.train.load_checkpoint(os.path.join(self.out, 'model.ckpt-2000'))
    shapes = reader.get_variable_to_shape_map()
    self.assertLen(shapes, 10)
    self.assertEqual(1068298, sum(np.prod(s) for s in shapes.values()))
    key = 'softmax_linear/biases/ExponentialMovingAverage'
    self.assertAllEqual(biased_network.sure_of(8), reader.get_tensor(key))
    golden = json.loads(pathlib.Path(self.root, 'golden').read_text())
    self.assertLen(golden['logits'], 101)
    for row in golden['logits']:
      self.assertEqual(biased_network.sure_of(8), row)
    counts = np.zeros([10, 10])
    counts[8, 8], counts[0, 8], counts[1, 8] = 3, 1, 1
    self.assertAllEqual(counts, golden['confusion'])
    card = pathlib.Path(self.out, 'README.md').read_text()
    self.assertIn('| 0.6000 of the', card)
    # All three ships are recognized, and three of five predictions are right.
    self.assertIn('| ship | 1.000 | 0.600 | airplane, 0 of 3 |', card)
    self.assertIn('| automobile | 0.000 | 0.000 | ship, 1 of 1 |', card)

  def test_another_run(self):
    self.assertEqual(1, self._publish(0.7))

  def test_no_averages(self):
    with tf.Graph().as_default(), tf.Session() as session:
      v = tf.Variable(1.0)
      session.run(v.initializer)
      path = tf.train.Saver().save(session, os.path.join(self.root, 'c'))
    with self.assertRaisesRegex(errors.UsageError, 'has no moving averages'):
      publish.averaged_weights(path)
