"""Tags of an event file against those of a graph's summaries."""

import tensorflow.compat.v1 as tf

from tests.helpers import small_training
from tools.base import training_graph
from tools.parity import checkpoint_exchange
from tools.parity import graph_diff
from tools.parity import old_answers
from tools.parity import old_tags


class OldTagsTest(tf.test.TestCase):

  def test_listed(self):
    own = old_tags.listed('tensorflow 0.12.1', '0.12.1')
    self.assertIn('conv1/weight_loss (raw)', [r.theirs for r in own])
    self.assertLen(own, 8)
    v0_7 = 'tensorflow v0.7.0 and v0.7.1'
    self.assertLen(old_tags.listed(v0_7, '0.12.1'), 2)
    self.assertNotIn(
        'global_step/sec',
        [
            r.theirs
            for r in old_tags.listed(
                'tensorflow/models v1.12.0 and v1.13.0', '1.15.5'
            )
        ],
    )

  def test_section(self):
    training = self.enter_context(
        training_graph.Training(small_training.meta_graph())
    )
    training.load(checkpoint_exchange.marked_values(training, 1))
    with training.session.graph.as_default():
      for tag in ('first', 'second'):
        tf.summary.scalar(tag, training.loss)
      tf.summary.merge_all()
    batch = [[1, 2, 3]] * 2, [4, 5]

    def section(theirs, listed=()):
      directory = self.create_tempdir().full_path
      with tf.Graph().as_default():
        with tf.summary.FileWriter(directory) as writer:
          writer.add_summary(
              tf.Summary(
                  value=[
                      tf.Summary.Value(tag=tag, simple_value=1)
                      for tag in theirs
                  ]
              ),
              0,
          )
      answer = old_answers.Answer(
          directory, [], [], [batch] * old_answers.LOOKS
      )
      return old_tags.section('0.0', answer, training, listed)['unexplained']

    self.assertEqual(0, section(['first', 'second']))
    # Theirs is unknown, and ours is not there.
    self.assertEqual(2, section(['first_1', 'second']))
    rename = graph_diff.Rename('first_1', 'first', 'why')
    self.assertEqual(0, section(['first_1', 'second'], [rename]))
    # A listed name that does not apply.
    self.assertEqual(1, section(['first', 'second'], [rename]))
