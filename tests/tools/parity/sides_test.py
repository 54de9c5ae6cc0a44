"""Either side's answers on today's TensorFlow."""

import os

from absl.testing import parameterized
import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.parity import keys as keys_lib


class TodayTest(parameterized.TestCase, tf.test.TestCase):

  def test_marked_values_are_its_own(self):
    sides_marked = [side.marked for side in side_fixture.both(self)]
    for key in sides_marked[0]:
      a, b = (marked[key] for marked in sides_marked)
      self.assertNotAllEqual(a, b)
      self.assertLen(set(a.flat) | set(b.flat), 2 * a.size)

  @parameterized.parameters(('V1', ''), ('V2', '.index'))
  def test_formats(self, form, suffix):
    side = side_fixture.small(self)
    path = side.saved(form)
    self.assertTrue(os.path.isfile(path + suffix))
    reader = tf.train.NewCheckpointReader(path)
    for key, value in side.marked.items():
      self.assertAllEqual(value, reader.get_tensor(key))
    self.assertEqual(path, side.saved(form))

  def test_restored_values_are_not_leftovers(self):
    side = side_fixture.small(self, names=('v', 'w'))
    path = side.saved('V2')
    found = side.restored('V2', path, {'v': 'v', side.step_key: 'global_step'})
    self.assertAllEqual(side.marked['v'], found['v'])
    self.assertAllEqual([77] * 3, found['w'])
    # Another shape.
    found = side.restored('V2', path, {'v': 'global_step', 'w': 'w'})
    self.assertAllEqual([77] * 3, found['v'])
    self.assertAllEqual(side.marked['w'], found['w'])

  def test_restore_of_another_step_counter_and_of_averages(self):
    # An average that the original also keeps uncorrected, and a 32-bit counter.
    side = side_fixture.small(self, names=('v', 'w'))
    path = os.path.join(self.create_tempdir().full_path, 'original')
    shadow = 'v/ExponentialMovingAverage'
    with tf.Graph().as_default(), tf.Session() as sess:
      for key, value in side.marked.items():
        if key != side.step_key:
          tf.get_variable(key, initializer=np.zeros_like(value))
      tf.get_variable(shadow + '/biased', initializer=side.marked[shadow])
      tf.get_variable('Variable', initializer=np.int32(41))
      sess.run(tf.global_variables_initializer())
      keys = keys_lib.match(
          [v.op.name for v in tf.global_variables()],
          side.keys,
          step_key=side.step_key,
      )
      tf.train.Saver().save(sess, path)
    self.assertIn(shadow + '/biased', keys.alone)
    side.restore(path, keys.names())
    restored = side.read()
    self.assertEqual(41, restored[side.step_key])
    self.assertAllEqual(side.marked[shadow], restored[shadow])
    self.assertAllEqual([0, 0, 0], restored['v'])

  def test_leave(self):
    side = side_fixture.small(self)
    side.load(side.marked)
    directory = os.path.join(self.create_tempdir().full_path, 'left')
    self.assertEqual(directory, side.leave(directory, 3))
    side_fixture.check_left(self, directory, side.marked['w'])

  def test_tags(self):
    side = side_fixture.small(self)
    side.load(side.marked)
    with side.session.graph.as_default():
      for tag in ('first', 'second'):
        tf.summary.scalar(tag, side.loss)
      tf.summary.image('pixels', tf.zeros([2, 3, 3, 1]))
      tf.summary.merge_all()
    self.assertEqual(
        {'first', 'second', 'pixels/image/0', 'pixels/image/1'}, side.tags
    )
    self.assertAllEqual(side.marked['w'], side.read()['w'])

  def test_program(self):
    original, port = side_fixture.both(self)
    self.assertEqual(
        ('tools.editions.scripts', ['--source=/source', 'cifar10_eval']),
        original.program('cifar10_eval'),
    )
    self.assertEqual(
        ('cifar10_compat.cifar10_eval', []), port.program('cifar10_eval')
    )
    original.runtime = '1.15.5'
    self.assertEqual(
        ['--runtime=1.15.5', '--source=/source', 'cifar10_eval'],
        original.program('cifar10_eval')[1],
    )
    self.assertEqual(
        [' on TensorFlow 1.15.5', ''], [s.where for s in (original, port)]
    )
    self.assertEqual(historical_fixture.OLD, original.edition)
