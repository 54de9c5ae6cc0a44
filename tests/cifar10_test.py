"""Compares network, loss and training ops with hand-computed values."""

import math

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import datasets


class NetworkTest(tf.test.TestCase):

  def test_initial_values(self):
    with tf.Graph().as_default(), self.session() as sess:
      tf.set_random_seed(1)
      cifar10.inference(tf.zeros([1, 24, 24, 3]))
      sess.run(tf.global_variables_initializer())
      values = {v.op.name: sess.run(v) for v in tf.trainable_variables()}
    # A normal truncated at two standard deviations has 0.8796 of its standard
    # deviation (variance 0.7737); the tolerance is five standard errors.
    for name, stddev in (
        ('conv1', 1e-4),
        ('conv2', 1e-4),
        ('local3', 0.04),
        ('local4', 0.04),
        ('softmax_linear', 1 / 192),
    ):
      weights = values[name + '/weights']
      self.assertLess(abs(weights).max(), 2 * stddev + 1e-7)
      self.assertNear(
          1,
          weights.std() / (stddev * math.sqrt(0.7737)),
          5 / math.sqrt(2 * weights.size),
      )
    for name, bias in (
        ('conv1', 0.0),
        ('conv2', 0.1),
        ('local3', 0.1),
        ('local4', 0.1),
        ('softmax_linear', 0.0),
    ):
      self.assertAllClose(
          np.full_like(values[name + '/biases'], bias), values[name + '/biases']
      )

  def test_any_batch_size(self):
    with tf.Graph().as_default(), self.session() as sess:
      images = tf.placeholder(tf.float32, [None, 24, 24, 3])
      seven = datasets.CIFAR10._replace(class_names=tuple('abcdefg'))
      logits = cifar10.inference(images, config_lib.Network(dataset=seven))
      sess.run(tf.global_variables_initializer())
      batch = np.random.RandomState(0).randn(5, 24, 24, 3)
      together = sess.run(logits, {images: batch})
      one_by_one = [sess.run(logits, {images: [i]})[0] for i in batch]
    self.assertEqual((5, 7), together.shape)
    self.assertAllClose(one_by_one, together, atol=1e-5)

  def test_local_response_normalization(self):
    # In a constant layer, each of the middle maps has 9 neighbors of value 3, a
    # map at the edge 5: 3 / (1 + 0.001 / 9 * n * 9) ** 0.75.
    with tf.Graph().as_default(), self.session() as sess:
      cifar10.inference(tf.zeros([1, 24, 24, 3]))
      out = sess.run('norm1:0', {'pool1:0': np.full([1, 12, 12, 64], 3.0)})
    self.assertAllClose(3 / (1 + 0.001 / 9 * 81) ** 0.75, out[0, 0, 0, 30])
    self.assertAllClose(3 / (1 + 0.001 / 9 * 45) ** 0.75, out[0, 0, 0, 0])

  def test_resource_variables_are_refused(self):
    tf.enable_resource_variables()
    self.addCleanup(tf.disable_resource_variables)
    with (
        tf.Graph().as_default(),
        self.assertRaisesRegex(errors.UsageError, 'disable_v2_behavior'),
    ):
      cifar10.inference(tf.zeros([1, 24, 24, 3]))


class LossTest(tf.test.TestCase):

  def test_mean_cross_entropy(self):
    with tf.Graph().as_default(), self.session() as sess:
      # e^0 / (e^0 + e^ln3) = 1/4 for label 0, 3/4 for label 1.
      logits = tf.constant([[0.0, math.log(3)], [0.0, math.log(3)]])
      total = cifar10.loss(logits, tf.constant([0, 1]))
      self.assertAllClose(
          -(math.log(1 / 4) + math.log(3 / 4)) / 2, sess.run(total)
      )
      self.assertEqual(
          ['cross_entropy'], [l.op.name for l in tf.get_collection('losses')]
      )

  def test_weight_decay_is_half_the_squares_times_wd(self):
    with tf.Graph().as_default(), self.session() as sess:
      with tf.variable_scope('a'):
        v = cifar10._variable_with_weight_decay('weights', [2], 1.0, 0.5)
      with tf.variable_scope('b'):
        cifar10._variable_with_weight_decay('weights', [2], 1.0, 0.0)
      (decay,) = tf.get_collection('losses')
      self.assertEqual('a/weight_loss', decay.op.name)
      sess.run(v.assign([3.0, 4.0]))
      self.assertAllClose(6.25, sess.run(decay))  # 0.5 * (9 + 16) / 2

  def test_first_loss(self):
    # ln 10 + 0.002 * 0.04^2 * 0.7737 * (884,736 + 73,728) = 4.676; the
    # tutorial printed 4.68.
    with tf.Graph().as_default(), self.session() as sess:
      tf.set_random_seed(1)
      rng = np.random.RandomState(0)
      logits = cifar10.inference(
          tf.constant(rng.randn(128, 24, 24, 3), tf.float32)
      )
      loss = cifar10.loss(logits, tf.constant(rng.randint(0, 10, 128)))
      sess.run(tf.global_variables_initializer())
      self.assertNear(4.676, sess.run(loss), 0.01)
      self.assertEqual(
          ['local3/weight_loss', 'local4/weight_loss', 'cross_entropy'],
          [l.op.name for l in tf.get_collection('losses')],
      )


class TrainTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(tf.Graph().as_default())
    self.sess = self.enter_context(tf.Session())

  def _tiny(self, config=config_lib.Train()):
    """One weight w = 2 and the loss 3 w: the gradient is always 3."""
    self.step = tf.train.get_or_create_global_step()
    self.w = tf.get_variable('w', [], initializer=tf.constant_initializer(2.0))
    loss = tf.multiply(3.0, self.w, name='total_loss')
    train_op = cifar10.train(loss, self.step, config)
    self.sess.run(tf.global_variables_initializer())
    return train_op

  def test_one_step(self):
    train_op = self._tiny()
    self.assertEqual(('train', 'NoOp'), (train_op.name, train_op.type))
    self.sess.run(train_op)
    self.assertAllClose(2 - 0.1 * 3, self.sess.run(self.w))
    self.assertEqual(1, self.sess.run(self.step))
    # 0.9 * 0 + 0.1 * 6: from zero, without bias correction.
    self.assertAllClose(0.6, self.sess.run('total_loss/avg:0'))

  def test_another_learning_rate(self):
    self.sess.run(self._tiny(config_lib.Train(learning_rate=0.25)))
    self.assertAllClose(2 - 0.25 * 3, self.sess.run(self.w))

  def test_moving_average_follows_its_formula(self):
    train_op = self._tiny()
    # The order of the two is undefined in each step, and so is whether the
    # count is read before or after its own update.
    lowest = highest = 2.0
    for n in range(5):
      before = self.sess.run(self.w)
      self.sess.run(train_op)
      after = self.sess.run(self.w)
      decays = [min(0.9999, (1 + m) / (10 + m)) for m in (n, n + 1)]
      lowest = min(d * lowest + (1 - d) * after for d in decays)
      highest = max(d * highest + (1 - d) * before for d in decays)
      average = self.sess.run('w/ExponentialMovingAverage:0')
      self.assertBetween(average, lowest - 1e-5, highest + 1e-5)

  def test_moving_average_decay_is_capped(self):
    train_op = self._tiny()
    self.step.load(1000000, self.sess)
    self.w.load(10002.0, self.sess)
    self.sess.run(train_op)
    # 2 + (1 - 0.9999) * (w - 2), w = 10002 or 0.003 less.
    average = self.sess.run('w/ExponentialMovingAverage:0')
    self.assertNear(3.0, average, 1e-3)

  def test_learning_rate_drops(self):
    few = datasets.CIFAR10._replace(num_examples_per_epoch_for_train=2)
    for config, rates in (
        # int(50000 / 128 * 350) = 136718 steps for each factor of 10.
        (
            config_lib.Train(),
            {
                0: 0.1,
                100000: 0.1,
                136717: 0.1,
                136718: 0.01,
                273435: 0.01,
                273436: 0.001,
            },
        ),
        # int(2 / 1024 * 350) = 0 steps would make it NaN.
        (config_lib.Train(batch_size=1024, dataset=few), {1: 0.01}),
    ):
      with tf.Graph().as_default(), tf.Session() as self.sess:
        self._tiny(config)
        (rate,) = [
            s.op.inputs[1]
            for s in tf.get_collection(tf.GraphKeys.SUMMARIES)
            if tf.get_static_value(s.op.inputs[0]) == b'learning_rate'
        ]
        for step, expected in rates.items():
          self.step.load(step, self.sess)
          self.assertAllClose(expected, self.sess.run(rate))
