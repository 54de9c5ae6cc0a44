"""Checkpoints that both evaluators find, and what each is asked."""

import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.training import checkpoints
from tests.helpers import small_training
from tools.base import training_graph
from tools.parity import checkpoint_exchange
from tools.parity import evaluators
from tools.parity import old_answers
from tools.parity import old_checkpoints
from tools.parity import old_evaluators

_SCORES = [
    evaluators.Score('theirs', 0.5, True, True),
    evaluators.Score('ours, historical count', 0.5, True, False),
    evaluators.Score('ours, exact count', 0.5, False, False),
    evaluators.Score('ours, raw', 0.4, False, False),
]


class OldEvaluatorsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.training = self.enter_context(
        training_graph.Training(small_training.meta_graph())
    )
    self.values = checkpoint_exchange.marked_values(self.training, 1)
    self.training.load(self.values)

  def check(self, directory):
    """That a directory has what a trainer leaves after three steps."""
    path = os.path.join(directory, 'model.ckpt-3')
    self.assertEqual(path, checkpoints.newest(directory).path)
    # As the evaluators of 2016 find it.
    state = tf.train.get_checkpoint_state(directory)
    self.assertEqual(path, state.model_checkpoint_path)
    reader = tf.train.NewCheckpointReader(path)
    self.assertAllEqual(self.values['w'], reader.get_tensor('w'))

  def test_save_ours(self):
    directory = os.path.join(self.directory, 'ours')
    self.check(old_evaluators.save_ours(self.training, 3, directory))

  def test_save_theirs(self):
    path = os.path.join(self.directory, 'start-1')
    old_checkpoints.save(self.training, 'V2', path)
    # Another one beside it must not be taken.
    self.training.load({**self.values, 'w': np.zeros(3, np.float32)})
    old_checkpoints.save(
        self.training, 'V2', os.path.join(self.directory, 'start-0')
    )
    answer = old_answers.Answer(
        self.directory, [], [], [None] * (3 + 2 * old_answers.LOOKS)
    )
    directory = os.path.join(self.directory, 'theirs')
    self.check(old_evaluators.save_theirs(answer, directory))

  def test_sections(self):
    with mock.patch.object(
        evaluators, 'evaluate', return_value=_SCORES
    ) as evaluate:
      found = old_evaluators.sections(
          '0.12.1', '/source', '/data', their_dir='/theirs', our_dir='/ours'
      )
    self.assertEqual(
        [
            mock.call('/source', '/data', '/theirs', runtime='0.12.1'),
            mock.call('/source', '/data', '/ours', runtime='0.12.1'),
        ],
        evaluate.call_args_list,
    )
    self.assertEqual(
        [
            'Eval of theirs, on TensorFlow 0.12.1',
            'Eval of ours, on TensorFlow 0.12.1',
        ],
        [s['title'] for s in found],
    )
    self.assertIn('A checkpoint of ours', found[1]['text'][0])
