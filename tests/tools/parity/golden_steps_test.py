"""The port is compared with the results of old TensorFlows, on any machine."""

import contextlib
import copy
import json
import os
from unittest import mock

from absl.testing import parameterized
import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.editions import calls
from tools.editions import environments
from tools.parity import golden_steps
from tools.parity import old_side
from tools.parity import today_side

_VERSIONS = sorted(golden_steps.FILES)


def _broken(meta_graph):
  """Swaps two gradients and renames a tag."""
  changed = type(meta_graph)()
  changed.CopyFrom(meta_graph)
  updates = {
      node.input[0]: node
      for node in changed.graph_def.node
      if node.op == 'ApplyGradientDescent'
  }
  a, b = (updates['conv%d/biases' % n] for n in (1, 2))
  a.input[2], b.input[2] = b.input[2], a.input[2]
  renamed = 0
  for node in changed.graph_def.node:
    tag = node.attr['value'].tensor.string_val
    if node.op == 'Const' and list(tag) == [b'total_loss (raw)']:
      tag[0] = b'total_loss_raw'
      renamed += 1
  assert renamed == 1
  return changed


class PortTest(parameterized.TestCase, tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    stack, data_dir = side_fixture.class_contexts(cls)
    cls.training = stack.enter_context(golden_steps.port(data_dir))

  def compare(self, version, training=None, change=None):
    """Returns the values above their bounds, other problems, and the count."""
    training = training or self.training
    golden = golden_steps.read(version)
    given = golden_steps.given
    with contextlib.ExitStack() as stack:
      if change:

        def changed(*args):
          values, batch = given(*args)
          change(values)
          return values, batch

        stack.enter_context(mock.patch.object(golden_steps, 'given', changed))
      values = golden_steps.observe(training, golden)
    found, wrong = golden_steps.differences(golden, values, training)
    return [d.value for d in found if d.above], wrong, len(found)

  @parameterized.parameters(('0.12.1', 130), ('1.15.5', 123))
  def test_the_port_computes_the_same(self, version, count):
    self.assertEqual(([], [], count), self.compare(version))

  @parameterized.parameters(_VERSIONS)
  def test_rounding_changes_no_branch(self, version):
    seed = golden_steps.read(version)['seed']
    self.assertTrue(golden_steps.clear(self.training, seed))
    # Another batch has a rectifier with an input near 0.
    self.assertFalse(golden_steps.clear(self.training, seed - 1))

  @parameterized.parameters(_VERSIONS)
  def test_a_weight_changed_by_a_thousandth(self, version):
    golden = golden_steps.read(version)
    values, (images, _) = golden_steps.given(self.training, golden['seed'])
    self.training.load(values)
    graph = self.training.session.graph
    pool2, local3 = self.training.session.run(
        [graph.get_tensor_by_name(n) for n in ('pool2:0', 'local3/local3:0')],
        {self.training.images: images},
    )
    # For most of the weights, the input or the output is 0.
    passing = {
        'local3/weights': (np.argmax(pool2[0]), np.argmax(local3[0])),
        'local4/weights': (np.argmax(local3[0]), 0),
    }
    for key in self.training.gradients:

      def change(values, key=key):
        shape = values[key].shape
        values[key][passing.get(key, (0,) * len(shape))] += 1e-3

      above, wrong, _ = self.compare(version, change=change)
      self.assertEmpty(wrong)
      layer = key.partition('/')[0]
      # Some channels output nothing, but biases are kept in full.
      found = {'activation: %s/%s' % (layer, layer), 'after: ' + key}
      self.assertNotEmpty(found.intersection(above), key)

  def test_a_swapped_gradient_and_a_renamed_tag(self):
    with today_side.Today(_broken(self.training.meta_graph)) as training:
      for version in _VERSIONS:
        above, wrong, _ = self.compare(version, training)
        for n in (1, 2):
          for name in ('gradient: conv%d/biases', 'after: conv%d/biases'):
            self.assertIn(name % n, above)
        self.assertNotIn('loss: total_loss', above)
        self.assertIn('tag: total_loss_raw, in the port only', wrong)

  def test_keys(self):
    golden = golden_steps.read('0.12.1')
    values = golden_steps.observe(self.training, golden)
    golden['keys'].append('strange')
    _, wrong = golden_steps.differences(golden, values, self.training)
    self.assertEqual(['key: strange'], wrong)

  def test_an_average_that_forgets(self):
    golden = golden_steps.read('1.15.5')
    values = golden_steps.observe(self.training, golden)
    name = 'after: local4/biases/ExponentialMovingAverage'
    values[name]['elements'][7] += 1e-5
    found, _ = golden_steps.differences(golden, values, self.training)
    self.assertEqual(
        ['average of local4/biases, port'], [d.value for d in found if d.above]
    )

  def test_find_seed(self):
    with mock.patch.object(
        golden_steps, 'clear', lambda training, seed: seed == 3
    ):
      self.assertEqual(3, golden_steps.find_seed(self.training))

  def test_make(self):
    asked = {}

    def call(environment, name, arguments, *, scratch, what):
      del environment, scratch, what
      self.assertEqual('one_step', name)
      asked.update(arguments)
      with np.load(arguments['given']) as f:
        asked['shapes'] = {key: f[key].shape for key in f.files}
      out = arguments['out']
      with open(os.path.join(out, 'graph.json'), 'w') as f:
        json.dump(
            {
                'keys': ['w'],
                'tensorflow': '0.12.1',
                'python': '2.7.18',
                'numpy': '1.16.6',
            },
            f,
        )
      step = {'before: w': [0], 'after: w': [1, 2], 'gradient: w': [3, 4]}
      np.savez(os.path.join(out, 'step.npz'), **step)
      side_fixture.write_events(out, 'some tag')

    data_dir = side_fixture.data_dir(self, 200)
    with mock.patch.object(calls, 'call', call):
      old = old_side.Old(
          'some/source',
          environments.Environment(fake_runtime.RUNTIME, '/environment'),
          historical_fixture.OLD,
          data_dir,
      )
      golden = golden_steps.make(old, self.training, seed=5)
    self.assertEqual(['--batch_size=2'], asked['flags'])
    self.assertEqual((2, 24, 24, 3), asked['shapes']['images'])
    self.assertEqual((2304, 384), asked['shapes']['local3/weights'])
    self.assertEqual(['some tag'], golden['tags'])
    self.assertEqual(['after: w', 'gradient: w'], list(golden['values']))
    self.assertEqual(
        ('0.12.1', '2.7.18', '1.16.6', 'a test', 5, ['w']),
        tuple(
            golden[key]
            for key in (
                'tensorflow',
                'python',
                'numpy',
                'edition',
                'seed',
                'keys',
            )
        ),
    )


class GoldenFileTest(tf.test.TestCase):

  def test_digest(self):
    self.assertEqual(
        {
            'shape': [2, 2],
            'sums': [-1.5],
            'absolute sums': [6.5],
            'least': -4.0,
            'largest': 2.0,
            'elements': [0.5, 2.0, -4.0, 0.0],
        },
        golden_steps.digest(np.array([[0.5, 2], [-4, 0]], np.float32)),
    )
    large = golden_steps.digest(np.arange(5000))
    self.assertLen(set(large['elements']), 200)
    # Parts of a hundred.
    self.assertLen(large['sums'], 50)
    self.assertEqual([4950, 14950], large['sums'][:2])
    self.assertEqual(large['sums'], large['absolute sums'])
    self.assertEqual((0, 4999), (large['least'], large['largest']))
    self.assertEqual(sorted(large['elements']), large['elements'])

  def test_changed(self):
    golden = golden_steps.read('0.12.1')
    self.assertEmpty(golden_steps.changed(golden, golden))
    made = copy.deepcopy(golden)
    made['tags'].append('more')
    # Below and above the tolerance.
    made['values']['loss: total_loss']['elements'][0] *= 1 + 1e-5
    made['values']['loss: cross_entropy']['sums'][0] *= 1 + 1e-3
    del made['values']['activation: norm1']
    self.assertEqual(
        [
            'tags',
            'shape of activation: norm1',
            'sums of activation: norm1',
            'absolute sums of activation: norm1',
            'least of activation: norm1',
            'largest of activation: norm1',
            'elements of activation: norm1',
            'sums of loss: cross_entropy',
        ],
        [
            text.rpartition(', not')[0].rpartition(': ')[0]
            for text in golden_steps.changed(golden, made)
        ],
    )

  def test_small(self):
    for version in _VERSIONS:
      self.assertLess(os.path.getsize(golden_steps.path(version)), 2**17)
