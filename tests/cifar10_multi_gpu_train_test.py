"""Tests where towers run, and that two of them make the same update as one.

cifar10_multi_gpu_program_test.py runs the program itself.
"""

import contextlib
import re
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import config as config_lib
from cifar10_compat.training import training_session


def _images(n, seed=0):
  """Returns n standardized images of noise and their labels."""
  rng = np.random.RandomState(seed)
  return (
      rng.randn(n, 24, 24, 3).astype(np.float32),
      rng.randint(0, 10, n).astype(np.int32),
  )


def _config(threads=0):
  """Returns a ConfigProto with two CPU devices.

  Args:
    threads: int, 1 to make the order of additions, and so the rounding error,
      repeatable.
  """
  return tf.ConfigProto(
      device_count={'CPU': 2},
      allow_soft_placement=True,
      intra_op_parallelism_threads=threads,
      inter_op_parallelism_threads=threads,
  )


class _Towers(object):
  """Two towers, each of which takes one half of the images fed.

  Attributes:
    graph: tf.Graph that the program builds from its settings.
    images, labels: placeholders for both halves.
    train_op: the op that the program runs in a step.
    loss, summary_op: tensors that the program logs and writes.
    session_config: ConfigProto of the program's session.
    init: operation that initializes all variables.
  """

  def __init__(self, batch_size, **kwargs):
    """Builds the program's graph.

    Args:
      batch_size: int, even: of both towers together.
      **kwargs: further settings.
    """
    self._batch_size = batch_size
    self.train_op = None
    config = config_lib.MultiGpuTrain(
        num_gpus=2,
        tower_devices=config_lib.CPU,
        batch_size=batch_size // 2,
        **kwargs,
    )
    with (
        mock.patch.object(training_session, 'prepare', self._prepare),
        mock.patch.object(
            cifar10, 'distorted_inputs', lambda config: next(self._halves)
        ),
        mock.patch.object(
            training_session, 'MonitoredTrainingSession', self._session
        ),
    ):
      cifar10_multi_gpu_train.train(config)

  def _prepare(self, unused_config):
    self.images = tf.placeholder(tf.float32, [self._batch_size, 24, 24, 3])
    self.labels = tf.placeholder(tf.int32, [self._batch_size])
    self._halves = iter(zip(tf.split(self.images, 2), tf.split(self.labels, 2)))

  def run_once(self, fetches, **kwargs):
    """Runs fetches on noise, in a session with new values."""
    images, labels = _images(self._batch_size)
    with tf.Session(graph=self.graph, config=_config()) as sess:
      sess.run(self.init)
      feed = {self.images: images, self.labels: labels}
      return sess.run(fetches, feed, **kwargs)

  @contextlib.contextmanager
  def _session(self, *unused_args, summary_op, hooks, session_config, **_):
    self.graph = tf.get_default_graph()
    self.summary_op = summary_op
    self.loss = hooks[-1].before_run(None).fetches
    self.session_config = session_config
    self.init = tf.global_variables_initializer()
    yield self

  # Records what the program asks of its session, and runs one step.
  step = 1

  def should_stop(self):
    return self.train_op is not None

  def run(self, fetches):
    self.train_op = fetches


class AverageGradientsTest(tf.test.TestCase):

  def test_mean_over_towers_for_each_variable(self):
    with tf.Graph().as_default(), self.session() as sess:
      v = tf.get_variable('v', [2])
      w = tf.get_variable('w', [])
      averaged = cifar10_multi_gpu_train.average_gradients(
          [
              [(tf.constant([1.0, 2.0]), v), (tf.constant(10.0), w)],
              [(tf.constant([3.0, 8.0]), v), (tf.constant(-4.0), w)],
              [(tf.constant([5.0, 5.0]), v), (tf.constant(0.0), w)],
          ]
      )
      self.assertEqual([v, w], [variable for _, variable in averaged])
      grads = sess.run([g for g, _ in averaged])
    self.assertAllClose([3.0, 5.0], grads[0])
    self.assertAllClose(2.0, grads[1])


def _variables(graph):
  """Returns the variables of a graph by name."""
  return {
      v.op.name: v for v in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
  }


def _gradients(graph):
  """Returns a graph's summarized gradients, by tag."""
  tags = {
      op: tf.get_static_value(op.inputs[0]).item()
      for op in graph.get_operations()
      if op.type == 'HistogramSummary'
  }
  return {
      tag: op.inputs[1]
      for op, tag in tags.items()
      if tag.endswith(b'/gradients')
  }


class _Pair(contextlib.ExitStack):
  """Two towers of 8 images, and one graph of 16, each in its own session."""

  def __init__(self):
    super().__init__()
    self.towers = _Towers(16)
    with tf.Graph().as_default() as self.single_graph:
      step = tf.train.get_or_create_global_step()
      self.images = tf.placeholder(tf.float32, [16, 24, 24, 3])
      self.labels = tf.placeholder(tf.int32, [16])
      loss = cifar10.loss(cifar10.inference(self.images), self.labels)
      self._train_op = cifar10.train(
          loss, step, config_lib.Train(batch_size=16)
      )
      self._init = tf.global_variables_initializer()
      self.names = [v.op.name for v in tf.trainable_variables()]
    self.towers_session, self.single_session = (
        self.enter_context(tf.Session(graph=graph, config=_config(threads=1)))
        for graph in (self.towers.graph, self.single_graph)
    )

  def start(self, seed):
    """Gives both the same weights, for which every gradient is nonzero.

    Returns:
      dict from name to array.
    """
    self.towers_session.run(self.towers.init)
    self.single_session.run(self._init)
    rng = np.random.RandomState(seed)
    values = {}
    for name in self.names:
      variable = _variables(self.single_graph)[name]
      shape = variable.shape.as_list()
      values[name] = (
          np.abs(0.1 * rng.randn(*shape))
          if len(shape) == 1
          else rng.randn(*shape) / np.sqrt(np.prod(shape[:-1]))
      )
      variable.load(values[name], self.single_session)
      _variables(self.towers.graph)[name].load(
          values[name], self.towers_session
      )
    return values

  def train(self, images, labels):
    """Trains both for one step on 16 images."""
    towers = self.towers
    self.towers_session.run(
        towers.train_op, {towers.images: images, towers.labels: labels}
    )
    self.single_session.run(
        self._train_op, {self.images: images, self.labels: labels}
    )


class TowersTest(tf.test.TestCase):

  def test_gradients_of_two_towers_of_eight_are_those_of_one_of_sixteen(self):
    with _Pair() as pair:
      pair.start(0)
      x, y = _images(16)
      averaged = pair.towers_session.run(
          _gradients(pair.towers.graph),
          {pair.towers.images: x, pair.towers.labels: y},
      )
      expected = pair.single_session.run(
          _gradients(pair.single_graph), {pair.images: x, pair.labels: y}
      )
    self.assertLen(averaged, 10)
    for tag, gradient in expected.items():
      self.assertGreater(np.abs(gradient).max(), 1e-4, tag)
      self.assertAllClose(
          gradient,
          averaged[tag],
          rtol=1e-4,
          atol=1e-6 * np.abs(gradient).max(),
          msg=tag,
      )

  def test_two_towers_of_eight_update_as_one_of_sixteen(self):
    farthest = []
    with _Pair() as pair:
      self.assertLen(pair.names, 10)
      # A rounding error can decide which pixel of a pooling window is the
      # largest, and so where one gradient goes, which later steps spread.  If
      # this does not happen in 20 steps, only rounding errors remain; without
      # the averaging, or without a tower's weight decay, no draw would agree.
      for seed in (0, 5, 9):
        values = pair.start(seed)
        for i in range(20):
          pair.train(*_images(16, seed=1000 * seed + i))
        self.assertEqual(20, pair.towers_session.run('global_step:0'))
        farthest.append(0)
        for name in pair.names:
          ours = pair.towers_session.run(name + ':0')
          theirs = pair.single_session.run(name + ':0')
          moved = np.linalg.norm(theirs - values[name])
          self.assertGreater(moved, 1e-3, name)
          farthest[-1] = max(
              farthest[-1], np.linalg.norm(ours - theirs) / moved
          )
    self.assertLess(min(farthest), 1e-5)
    self.assertLess(max(farthest), 0.05)

  def test_placed_graph(self):
    towers = _Towers(4)
    metadata = tf.RunMetadata()
    towers.run_once(
        [towers.train_op, towers.loss],
        options=tf.RunOptions(output_partition_graphs=True),
        run_metadata=metadata,
    )
    placed = {
        node.name: (node.op, node.device.rpartition('CPU:')[2])
        for graph in metadata.partition_graphs
        for node in graph.node
    }
    # On the CPU, which holds them: the variables, the averaging, the update.
    variables = [d for op, d in placed.values() if op == 'VariableV2']
    self.assertGreaterEqual(len(variables), 20)
    for name, (op, device) in placed.items():
      if op == 'VariableV2' and not name.startswith('tower_'):
        self.assertEqual('0', device, name)
      if op == 'ApplyGradientDescent':
        self.assertEqual('0', device, name)
    means = [
        d
        for name, (op, d) in placed.items()
        if op == 'Mean' and not name.startswith('tower_')
    ]
    self.assertEqual(['0'] * 10, means)
    # On the tower's own device: its network, forward and backward.
    for tower in '01':
      for op_type in (
          'Conv2D',
          'MatMul',
          'MaxPool',
          'LRN',
          'LRNGrad',
          'Conv2DBackpropFilter',
          'MaxPoolGrad',
          'SparseSoftmaxCrossEntropyWithLogits',
      ):
        devices = {
            d
            for name, (op, d) in placed.items()
            # oneDNN's kernels have a prefix, if TensorFlow uses it.
            if re.sub('^_(Mkl|Native|Fused)*', '', op).startswith(op_type)
            and name.startswith('tower_%s/' % tower)
        }
        self.assertEqual({tower}, devices, op_type)

  def test_summaries_lose_the_towers_name(self):
    towers = _Towers(4)
    summary = tf.Summary.FromString(towers.run_once(towers.summary_op))
    tags = [v.tag for v in summary.value]
    # Five layers twice, four losses twice, ten variables twice, and the rate.
    self.assertLen(set(tags), 10 + 8 + 20 + 1)
    self.assertLen(tags, len(set(tags)))
    self.assertFalse([t for t in tags if 'tower' in t])
    # As in 2016: a tower's own sum is the second op of that name in its scope.
    for tag in (
        'learning_rate',
        'total_loss_1',
        'total_loss_1 (raw)',
        'conv1/conv1/sparsity',
        'local3/weight_loss',
        'cross_entropy',
        'local4/weights/gradients',
    ):
      self.assertIn(tag, tags)

  def test_rate_drops_by_steps_or_by_examples(self):
    # Two towers of 64 images: in 2016 an epoch had the length for one tower.
    for decay_by_examples, step in ((False, 273437), (True, 136718)):
      towers = _Towers(128, decay_by_examples=decay_by_examples)
      (rate,) = [
          op.inputs[1]
          for op in towers.graph.get_operations()
          if op.type == 'ScalarSummary'
          and tf.get_static_value(op.inputs[0]) == b'learning_rate'
      ]
      counter = _variables(towers.graph)['global_step']
      with tf.Session(graph=towers.graph, config=_config()) as sess:
        for s, expected in ((step - 1, 0.1), (step, 0.01)):
          counter.load(s, sess)
          self.assertAllClose(expected, sess.run(rate))

  def test_session_has_a_cpu_for_each_tower(self):
    config = _Towers(4, log_device_placement=True).session_config
    self.assertEqual(2, config.device_count['CPU'])
    self.assertTrue(config.allow_soft_placement)
    self.assertTrue(config.log_device_placement)
