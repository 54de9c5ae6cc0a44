"""What the sections on an old TensorFlow find; our own graph answers for it."""

import contextlib
import os
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tools.compare import checkpoint_exchange
from tools.compare import graph_diff
from tools.compare import old_runtime
from tools.compare import training_graph
from tools.compare import value_diff

_STEP = 'global_step'


class PureTest(tf.test.TestCase):

  def test_difference(self):
    a = np.array([1.0, -4.0], np.float32)
    found = old_runtime.difference('x', a, a + np.float32(0.5), 0.1)
    self.assertEqual(('x', 0.5, 0.125, 0.1), found)
    self.assertTrue(found.above)
    self.assertFalse(old_runtime.difference('x', a, a, 0.0).above)
    for b in (None, a[:1], a * np.nan):
      self.assertTrue(old_runtime.difference('x', a, b, 0.1).above)
    zero = np.zeros(2)
    self.assertFalse(old_runtime.difference('x', zero, zero, 0.1).above)
    self.assertTrue(old_runtime.difference('x', zero, zero + 1e-9, 0.1).above)

  def test_decisions(self):
    maps = {
        'conv1/conv1': (1, 4, 4, 1),
        'conv2/conv2': (1, 4, 4, 1),
        'norm2': (1, 4, 4, 1),
        'local3/local3': (1, 2),
        'local4/local4': (1, 2),
    }
    theirs = {'activation: ' + k: np.ones(v) for k, v in maps.items()}
    ours = {k: v.copy() for k, v in theirs.items()}
    none = {'conv1': 0, 'conv2': 0, 'local3': 0, 'local4': 0}
    self.assertEqual(none, old_runtime.decisions(theirs, ours))
    # The last of a window, and of no other, is the largest there.
    ours['activation: norm2'][0, 3, 3, 0] = 1.1
    ours['activation: local4/local4'][0, 1] = 0
    self.assertEqual(
        {**none, 'conv2': 1, 'local4': 1}, old_runtime.decisions(theirs, ours)
    )

  def test_match(self):
    keys = old_runtime.match(
        [
            'Variable',
            'a/weights',
            'a/avg',
            'a/avg/biased',
            'a/avg/local_step',
            'b/weight_loss/avg',
            'strange',
        ],
        [_STEP, 'a/weights', 'a/avg', 'ours'],
        step_key=_STEP,
    )
    self.assertEqual(
        {'Variable': _STEP, 'a/weights': 'a/weights', 'a/avg': 'a/avg'},
        keys.ours,
    )
    self.assertCountEqual(
        ['a/avg/biased', 'a/avg/local_step', 'b/weight_loss/avg'], keys.alone
    )
    self.assertEqual(('ours',), keys.lacking)
    self.assertEqual(('strange',), keys.unknown)

  def test_listed_tags(self):
    own = old_runtime.listed_tags('tensorflow 0.12.1', '0.12.1')
    self.assertIn('conv1/weight_loss (raw)', [r.theirs for r in own])
    self.assertLen(own, 8)
    v0_7 = 'tensorflow v0.7.0 and v0.7.1'
    self.assertLen(old_runtime.listed_tags(v0_7, '0.12.1'), 2)
    self.assertNotIn(
        'global_step/sec',
        [
            r.theirs
            for r in old_runtime.listed_tags(
                'tensorflow/models v1.12.0 and v1.13.0', '1.15.5'
            )
        ],
    )


class SectionsTest(tf.test.TestCase):
  """Our graph answers in place of theirs."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    tf.disable_v2_behavior()
    stack = contextlib.ExitStack()
    cls.addClassCleanup(stack.close)
    cls.scratch = stack.enter_context(tempfile.TemporaryDirectory())
    record_fixture.write_batches(
        cls.scratch, *record_fixture.random_images(200)
    )
    cls.training = stack.enter_context(
        training_graph.Training(training_graph.ours(cls.scratch))
    )
    cls.keys = old_runtime.match(
        cls.training.variables, cls.training.variables, step_key=_STEP
    )
    cls.drawn = list(value_diff.batches(cls.scratch, 2, seed=1))
    cls.answer = old_runtime.Answer(
        cls.scratch, sorted(cls.training.variables), [], cls.drawn
    )
    cls.steps = cls._take_steps()

  @classmethod
  def _take_steps(cls):
    """Writes start-0 and start-1; returns what the steps from there noted."""
    layers = ['conv1/conv1', 'pool1', 'norm1', 'conv2/conv2', 'norm2', 'pool2']
    layers += ['local3/local3', 'local4/local4']
    layers += ['softmax_linear/softmax_linear']
    names = ['activation: ' + layer for layer in layers]
    names += ['loss: ' + t.op.name for t in cls.training.loss.op.inputs]
    names += ['loss: total_loss']
    names += ['gradient: ' + key for key in cls.training.gradients]
    value_diff.start(cls.training, training_graph.initial_values(1))
    found = []
    for n, batch in enumerate(cls.drawn):
      path = os.path.join(cls.scratch, 'start-%d' % n)
      old_runtime.save(cls.training, 'V2', path)
      found.append(old_runtime.observe(cls.training, names, *batch))
      found[-1]['rate'] = np.float32(0.1)
    return found

  def write(self, name, values):
    np.savez(os.path.join(self.scratch, name + '.npz'), **values)

  def above(self, values):
    """Returns what is above its bound where theirs noted other values."""
    ours = self.steps[1]
    theirs = {**ours, **values}
    found = old_runtime.differences(theirs, ours, self.training, self.keys)
    return [d.value for d in found if d.above]

  def test_one_step(self):
    for n, found in enumerate(self.steps):
      self.write('step-%d' % n, found)
    section = old_runtime.values_section(
        '0.0', self.answer, self.training, self.keys
    )
    self.assertEqual(0, section['unexplained'], section)
    # 9 activations, 4 losses, 10 gradients, 10 variables, the averages of these
    # on both sides, those of the losses.
    self.assertIn('57 values, 0 of them', section['text'][1])
    damaged = dict(self.steps[1])
    key = 'gradient: local4/weights'
    damaged[key] = damaged[key] * np.float32(1.001)
    self.write('step-1', damaged)
    section = old_runtime.values_section(
        '0.0', self.answer, self.training, self.keys
    )
    self.assertEqual(1, section['unexplained'])
    (table,) = [t for t in section['tables'] if 'Above' in t['caption']]
    self.assertEqual([key], [row[0] for row in table['rows']])

  def test_a_weight_changed_by_a_thousandth(self):
    # Ours begins with one weight off: all that follows from it is found.
    path = os.path.join(self.scratch, 'start-1')
    old_runtime.restore(path, self.training, self.keys)
    values = self.training.read()
    values['conv1/weights'][0, 0, 0, 0] += 1e-3
    self.training.load(values)
    theirs = self.steps[1]
    ours = old_runtime.observe(self.training, theirs, *self.drawn[1])
    found = old_runtime.differences(theirs, ours, self.training, self.keys)
    self.assertContainsSubset(
        ['activation: conv1/conv1', 'activation: pool2'],
        [d.value for d in found if d.above],
    )

  def test_swapped_gradients(self):
    a, b = 'gradient: conv1/biases', 'gradient: conv2/biases'
    step = self.steps[1]
    self.assertContainsSubset([a, b], self.above({a: step[b], b: step[a]}))

  def test_what_else_is_found(self):
    step = self.steps[1]
    self.assertEmpty(self.above({}))
    shadow = 'after: local4/biases/ExponentialMovingAverage'
    for name, value, found in (
        ('activation: pool2', step['activation: pool2'] * 1.0001, None),
        (
            'after: total_loss/avg',
            step['after: total_loss/avg'] * 1.001,
            'average: total_loss/avg',
        ),
        (
            shadow,
            step[shadow] + np.float32(1e-6),
            'average of local4/biases, theirs',
        ),
        ('loss: strange', np.float32(1), None),
    ):
      self.assertEqual([found or name], self.above({name: value}))

  def test_checkpoints(self):
    values = checkpoint_exchange.marked_values(self.training, 3)
    self.training.load(values)
    self.write('marked', values)
    for form in old_runtime.FORMATS:
      path = os.path.join(self.scratch, 'marked-' + form)
      old_runtime.save(self.training, form, path)
      self.write('restored-' + form, values)

    def unexplained():
      return old_runtime.checkpoints_section(
          '0.0', self.answer, values, self.training, self.keys
      )['unexplained']

    self.assertEqual(0, unexplained())
    # One bit of one element of what arrived there.
    damaged = dict(values)
    key = 'local3/biases'
    damaged[key] = values[key].copy()
    damaged[key][7] = np.nextafter(values[key][7], np.float32(9))
    self.write('restored-V1', damaged)
    self.assertEqual(1, unexplained())
    # And of what we were to restore, in both formats.
    self.write('marked', damaged)
    self.assertEqual(3, unexplained())

  def test_tags(self):
    value_diff.start(self.training, training_graph.initial_values(1))
    graph = self.training.session.graph
    (merged,) = [
        op for op in graph.get_operations() if op.type == 'MergeSummary'
    ]
    images, labels = self.drawn[0]
    summary = tf.Summary.FromString(
        self.training.session.run(
            merged.outputs[0],
            {self.training.images: images, self.training.labels: labels},
        )
    )

    def section(tags=()):
      with tf.Graph().as_default():
        directory = self.create_tempdir().full_path
        with tf.summary.FileWriter(directory) as writer:
          writer.add_summary(summary, 0)
      return old_runtime.tags_section(
          '0.0', self.answer._replace(directory=directory), self.training, tags
      )['unexplained']

    self.assertEqual(0, section())
    (value,) = [v for v in summary.value if v.tag == 'total_loss (raw)']
    value.tag = 'total_loss_raw'
    # Theirs is unknown, and ours is not there.
    self.assertEqual(2, section())
    rename = graph_diff.Rename('total_loss_raw', 'total_loss (raw)', 'why')
    self.assertEqual(0, section([rename]))


if __name__ == '__main__':
  tf.test.main()
