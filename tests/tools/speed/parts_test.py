"""Each part of --fast alone, compared with the literal network."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import startup
from tests.tools.speed import few_steps
from tools.speed import parts


class PartsTest(tf.test.TestCase):

  def test_losses_equal_the_literal_ones(self):
    literal = few_steps.losses('literal', batch_size=8)
    for name in parts.PARTS:
      with self.subTest(name):
        found = few_steps.losses(name, batch_size=8)
        self.assertAllClose(literal, found, rtol=1e-5, atol=0)

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
