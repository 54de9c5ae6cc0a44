"""A small script in the old style, stopped when it opens its session."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tests.tools.editions import historical_fixture
from tools.base import training_graph
from tools.editions import historical_graph

MODULE = """
    import tensorflow as tf
    tf.app.flags.DEFINE_string('data_dir', '', 'help')
    FLAGS = tf.app.flags.FLAGS
    def distorted_inputs():
      return (tf.placeholder(tf.float32, [2], name='images'),
              tf.placeholder(tf.int32, [2], name='labels'))
    def loss(images, labels):
      w = tf.get_variable('w', [2])
      return tf.reduce_sum(tf.mul(w, images), name='loss')
    def train(loss, step):
      return tf.train.GradientDescentOptimizer(0.1).minimize(
          loss, step, name='train')
    """
BUILD = """
    import tensorflow as tf
    import cifar10
    tf.app.flags.DEFINE_string('train_dir', '', 'help')
    def main(argv=None):
      with tf.Graph().as_default():
        step = tf.Variable(0, trainable=False)
        loss = cifar10.loss(*cifar10.distorted_inputs())
        train_op = cifar10.train(loss, step)
        tf.scalar_summary('loss', loss)
"""
RUN = """
        raise AssertionError('it continues after its session')
    if __name__ == '__main__':
      tf.app.run()
    """
OLD_SESSION = """
        saver = tf.train.Saver(tf.all_variables())
        tf.Session()
"""
MONITORED = """
        with tf.train.MonitoredTrainingSession(checkpoint_dir='x') as session:
          session.run(train_op)
"""


class BuildTest(historical_fixture.HistoricalTestCase):

  def build(self, script, edition=historical_fixture.FLAT):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(2))
    self.write('cifar10.py', MODULE)
    self.write('cifar10_train.py', script)
    flag_values = tf.flags.FLAGS
    try:
      with mock.patch('sys.stderr'):
        return historical_graph.build(self.source, data_dir, edition=edition)
    finally:
      for name in ('data_dir', 'train_dir'):
        if name in flag_values:
          delattr(flag_values, name)

  def test_trainers_of_both_kinds(self):
    for session in (OLD_SESSION, MONITORED):
      meta_graph = self.build(BUILD + session + RUN)
      with training_graph.Training(meta_graph) as training:
        self.assertEqual(['Variable', 'w'], sorted(training.variables))
        self.assertEqual('Variable', training.step_key)
        self.assertEqual(
            ['images:0', 'labels:0', 'loss:0', 'train'],
            [
                part.name
                for part in (
                    training.images,
                    training.labels,
                    training.loss,
                    training.train_op,
                )
            ],
        )

  def test_no_bridge_stays(self):
    session = tf.Session
    self.build(BUILD + OLD_SESSION + RUN)
    self.assertIs(session, tf.Session)
    self.assertFalse(hasattr(tf, 'mul'))

  def test_trainer_without_a_session(self):
    with self.assertRaisesRegex(errors.UsageError, 'without opening a session'):
      self.build('raise SystemExit(0)')

  def test_bad_input_is_one_line(self):
    self.write('cifar10_train.py', '')
    empty = self.create_tempdir().full_path
    tool_program.assert_refused(
        self,
        historical_graph.main,
        [
            '--source=' + self.source,
            '--data_dir=' + empty,
            '--out=' + os.path.join(empty, 'x'),
        ],
    )
    self.assertEmpty(os.listdir(empty))

  def test_data_dir_without_batches(self):
    with self.assertRaisesRegex(errors.DataError, 'data_batch_1.bin'):
      historical_graph.build(
          self.source,
          self.create_tempdir().full_path,
          edition=historical_fixture.FLAT,
      )
