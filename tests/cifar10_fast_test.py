"""Compares the fast networks with the literal ones, on the same variables."""

import functools

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from cifar10_compat.data import datasets

_MODELS = settings.fields(config_lib.FastNetwork)['model'].metadata['choices']


def _config(model=config_lib.CIFAR10, *, fast=False, **kwargs):
  return config_lib.FastNetwork(model=model, fast_network=fast, **kwargs)


def _weights(random, shape):
  """Returns values for a variable, scaled to keep activations near 1."""
  if len(shape) == 1:
    return random.uniform(-0.2, 0.2, shape)
  return random.randn(*shape) * np.sqrt(2 / np.prod(shape[:-1]))


class _Built:
  """A network with its loss and one update, in a separate graph."""

  def __init__(self, config, batch_size):
    with tf.Graph().as_default() as self.graph:
      self.images = tf.placeholder(tf.float32, [batch_size, 24, 24, 3])
      self.labels = tf.placeholder(tf.int32, [batch_size])
      self.logits = models.network(config).inference(self.images, config)
      self.variables = {v.op.name: v for v in tf.trainable_variables()}
      loss = cifar10.loss(self.logits, self.labels)
      self.gradients = tf.gradients(loss, list(self.variables.values()))
      self.loss = loss
      self.train_op = cifar10.train(loss, tf.train.get_or_create_global_step())
      self.names = sorted(v.op.name for v in tf.global_variables())
      self.summary_op = tf.summary.merge_all()
      self.saver = tf.train.Saver(tf.global_variables())

  def session(self, seed=0):
    """Returns a session whose variables have values drawn from a seed."""
    sess = tf.Session(graph=self.graph)
    random = np.random.RandomState(seed)
    with self.graph.as_default():
      sess.run(tf.global_variables_initializer())
    for name in sorted(self.variables):
      variable = self.variables[name]
      variable.load(_weights(random, variable.shape.as_list()), sess)
    return sess

  def run(self, fetches, n):
    """Runs fetches on n images, in such a session."""
    images, labels = _batch(n)
    with self.session() as sess:
      return sess.run(fetches, {self.images: images, self.labels: labels})


@functools.cache
def _built(config, batch_size=None):
  return _Built(config, batch_size)


def _batch(n, seed=1):
  random = np.random.RandomState(seed)
  return random.randn(n, 24, 24, 3), random.randint(0, 10, n)


class FastTest(tf.test.TestCase):

  def _check_alike(self, name, n, **kwargs):
    """Checks that loss, logits and gradients differ only by rounding errors.

    Each of the two is within 1e-5 of the exact values.
    """
    results = []
    for fast in (False, True):
      built = _built(_config(name, fast=fast), **kwargs)
      fetches = [built.loss, built.logits, *built.gradients]
      results.append(built.run(fetches, n))
    for a, b in zip(*results):
      self.assertLess(np.abs(a - b).max() / np.abs(a).max(), 2e-5, name)

  def test_values_and_gradients_of_any_number_of_images(self):
    # cifar10_5e-2 differs from cifar10 in its initial weights only.
    for name in (config_lib.CIFAR10, config_lib.CONV_LOCAL):
      self._check_alike(name, 16, batch_size=16)
      for n in (1, 3):
        self._check_alike(name, n)

  def test_variables_are_the_same_for_any_number_of_classes(self):
    seven = datasets.CIFAR10._replace(class_names=tuple('abcdefg'))
    for name in _MODELS:
      literal, fast = [
          _built(_config(name, fast=f, dataset=seven)) for f in (False, True)
      ]
      self.assertEqual([None, 7], fast.logits.shape.as_list(), name)
      self.assertEqual(literal.names, fast.names)
      self.assertEqual(
          {n: v.shape for n, v in literal.variables.items()},
          {n: v.shape for n, v in fast.variables.items()},
      )

  def test_initial_values_are_drawn_alike(self):
    for name in _MODELS:
      found = []
      for fast in (False, True):
        with tf.Graph().as_default(), tf.Session() as sess:
          config = _config(name, fast=fast)
          models.network(config).inference(tf.zeros([1, 24, 24, 3]), config)
          sess.run(tf.global_variables_initializer())
          found.append(
              {v.op.name: sess.run(v) for v in tf.trainable_variables()}
          )
      for key, literal in found[0].items():
        self.assertAllClose(literal.std(), found[1][key].std(), 0.1, 0, key)
        # The difference of the means is within what chance allows.
        self.assertAllClose(
            literal.mean(),
            found[1][key].mean(),
            rtol=0,
            atol=6 * literal.std() * (2 / literal.size) ** 0.5 + 1e-7,
            msg=key,
        )

  def test_summaries_are_the_same(self):
    found = []
    for fast in (False, True):
      built = _built(_config(fast=fast))
      summary = tf.Summary.FromString(built.run(built.summary_op, 4))
      found.append({value.tag: value for value in summary.value})
    self.assertEqual(sorted(found[0]), sorted(found[1]))
    self.assertIn('conv1/conv1/activations', found[1])
    for tag, value in found[0].items():
      if tag.endswith('/sparsity'):
        self.assertAllClose(
            value.simple_value, found[1][tag].simple_value, atol=1e-3
        )
      elif tag.endswith('/activations'):
        for field in ('min', 'max', 'num', 'sum'):
          self.assertAllClose(
              getattr(value.histo, field),
              getattr(found[1][tag].histo, field),
              rtol=1e-4,
          )

  def test_a_training_goes_on_from_the_others_checkpoint(self):
    images, labels = _batch(8)
    path = self.create_tempdir().full_path + '/model.ckpt'
    for first, second in ((False, True), (True, False)):
      a, b = [_built(_config(fast=f)) for f in (first, second)]
      losses = {}
      with a.session() as sess:
        feed = {a.images: images, a.labels: labels}
        for _ in range(3):
          sess.run(a.train_op, feed)
        a.saver.save(sess, path)
        losses['same'] = [
            sess.run([a.loss, a.train_op], feed)[0] for _ in range(3)
        ]
      with b.session(seed=9) as sess:
        b.saver.restore(sess, path)
        feed = {b.images: images, b.labels: labels}
        losses['other'] = [
            sess.run([b.loss, b.train_op], feed)[0] for _ in range(3)
        ]
        self.assertEqual(6, sess.run(tf.train.get_global_step(b.graph)))
      self.assertAllClose(losses['same'], losses['other'], rtol=1e-4)

  def test_bfloat16(self):
    exact, rounded = [
        _built(_config(fast=True, precision=p)) for p in ('float32', 'bfloat16')
    ]
    found = []
    for built in (exact, rounded):
      self.assertEqual(
          {tf.float32}, {v.dtype.base_dtype for v in built.variables.values()}
      )
      self.assertEqual({tf.float32}, {g.dtype for g in built.gradients})
      found.append(built.run([built.logits, *built.gradients], 16))
    for name, a, b in zip(['logits', *exact.variables], *found):
      difference = np.linalg.norm(a - b) / np.linalg.norm(a)
      # A factor of 8 bits has a relative error of up to 2 ** -9.  If the
      # largest pixels of a window round to the same number, the pooling sends
      # conv1's gradient to the first of them.
      self.assertBetween(
          difference, 1e-5, 0.2 if name.startswith('conv1') else 0.1, name
      )
    kinds = {
        op.type: op.inputs[0].dtype
        for op in rounded.graph.get_operations()
        if op.type in ('Conv2D', 'MaxPool') and 'pool2' not in op.name
    }
    self.assertEqual({'Conv2D': tf.bfloat16, 'MaxPool': tf.bfloat16}, kinds)

  def test_what_there_is_not(self):
    with self.assertRaisesRegex(
        errors.UsageError, "'float16': it must be one of bfloat16, float32"
    ):
      _config(fast=True, precision='float16')
