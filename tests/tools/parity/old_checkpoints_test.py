"""What the section on checkpoints finds; a small graph answers on both sides."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import small_training
from tools.base import training_graph
from tools.parity import checkpoint_exchange
from tools.parity import old_answers
from tools.parity import old_checkpoints
from tools.parity import old_keys


class OldCheckpointsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.training = self.enter_context(
        training_graph.Training(small_training.meta_graph(names=('v', 'w')))
    )
    self.values = checkpoint_exchange.marked_values(self.training, 3)
    self.keys = self.match(self.values)

  def match(self, theirs):
    return old_keys.match(
        theirs, self.training.variables, step_key=self.training.step_key
    )

  def write(self, name, values):
    np.savez(os.path.join(self.directory, name + '.npz'), **values)

  def section(self, keys=None):
    return old_checkpoints.section(
        '0.0',
        old_answers.Answer(self.directory, [], [], []),
        self.values,
        self.training,
        keys or self.keys,
    )

  def test_every_bit_both_ways(self):
    self.training.load(self.values)
    self.write('marked', self.values)
    for form in old_checkpoints.FORMATS:
      path = os.path.join(self.directory, 'marked-' + form)
      old_checkpoints.save(self.training, form, path)
      self.write('restored-' + form, self.values)
    section = self.section()
    self.assertEqual(0, section['unexplained'])
    # Two weights, their averages and the step counter.
    self.assertEqual(
        'Format V1, theirs, restored by ours: 5 of 5 keys arrive in every bit.',
        section['text'][1],
    )
    # Keys of one side alone.
    keys = self.keys._replace(lacking=('a',), unknown=('b', 'c'))
    self.assertEqual(3, self.section(keys)['unexplained'])
    # One bit of one element of what arrived there.
    damaged = {k: v.copy() for k, v in self.values.items()}
    damaged['w'][1] = np.nextafter(damaged['w'][1], np.float32(9))
    self.write('restored-V1', damaged)
    self.assertEqual(1, self.section()['unexplained'])
    # And of what we were to restore, in both formats.
    self.write('marked', damaged)
    section = self.section()
    self.assertEqual(3, section['unexplained'])
    self.assertEqual(
        [('V1', 'theirs, restored by ours', 'w')],
        [tuple(r[:3]) for r in section['tables'][0]['rows'] if r[4] == 'no'][
            :1
        ],
    )

  def test_formats_differ(self):
    self.training.load(self.values)
    for form, file in (('V1', 'x-V1'), ('V2', 'x-V2.index')):
      path = os.path.join(self.directory, 'x-' + form)
      self.assertEqual(path, old_checkpoints.save(self.training, form, path))
      self.assertTrue(os.path.isfile(os.path.join(self.directory, file)))

  def test_restore_of_another_step_counter_and_of_averages(self):
    # An average that theirs keeps uncorrected, and a counter of 32 bits.
    path = os.path.join(self.directory, 'theirs')
    shadow = 'v/ExponentialMovingAverage'
    with tf.Graph().as_default(), tf.Session() as sess:
      for key, value in self.values.items():
        if key != self.training.step_key:
          tf.get_variable(key, initializer=np.zeros_like(value))
      tf.get_variable(shadow + '/biased', initializer=self.values[shadow])
      tf.get_variable('Variable', initializer=np.int32(41))
      sess.run(tf.global_variables_initializer())
      keys = self.match([v.op.name for v in tf.global_variables()])
      tf.train.Saver().save(sess, path)
    self.assertIn(shadow + '/biased', keys.alone)
    old_checkpoints.restore(path, self.training, keys, averages=[shadow])
    restored = self.training.read()
    self.assertEqual(41, restored[self.training.step_key])
    self.assertAllEqual(self.values[shadow], restored[shadow])
    self.assertAllEqual([0, 0, 0], restored['v'])
