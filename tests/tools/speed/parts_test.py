"""Each part of --fast alone against the literal network."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import startup
from tools.speed import fixed_values
from tools.speed import our_graphs
from tools.speed import parts


class PartsTest(tf.test.TestCase):

  def test_losses_are_the_literal_ones(self):
    def losses(name):
      step = our_graphs.make_step(name, *fixed_values.batch(8))
      found = [step.run() for _ in range(3)]
      step.close()
      return found

    literal = losses('literal')
    for name in parts.PARTS:
      with self.subTest(name):
        self.assertAllClose(literal, losses(name), rtol=1e-5, atol=0)

  def test_each_part_changes_something(self):
    for part in parts.PARTS.values():
      self.assertTrue(part.environment or part.replaced_ops)
      self.assertTrue(part.help)

  def test_the_user_s_choice_of_onednn(self):
    with mock.patch.dict(os.environ):
      os.environ.pop(startup.ONEDNN, None)
      self.assertEqual({startup.ONEDNN: '1'}, parts.fast_environment())
      os.environ[startup.ONEDNN] = '0'
      self.assertEqual({startup.ONEDNN: '0'}, parts.fast_environment())
