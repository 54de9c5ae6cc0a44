"""What the section on one step finds; our own graph answers for theirs."""

import contextlib
import os
import tempfile
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tools.base import training_graph
from tools.parity import old_answers
from tools.parity import old_checkpoints
from tools.parity import old_keys
from tools.parity import old_step
from tools.parity import value_diff

_STEP = 'global_step'
# So small that a step takes little time.
_BATCH = 2


class PureTest(tf.test.TestCase):

  def test_difference(self):
    a = np.array([1.0, -4.0], np.float32)
    found = old_step.difference('x', a, a + np.float32(0.5), 0.1)
    self.assertEqual(('x', 0.5, 0.125, 0.1), found)
    self.assertTrue(found.above)
    self.assertFalse(old_step.difference('x', a, a, 0.0).above)
    for b in (None, a[:1], a * np.nan):
      self.assertTrue(old_step.difference('x', a, b, 0.1).above)
    zero = np.zeros(2)
    self.assertFalse(old_step.difference('x', zero, zero, 0.1).above)
    self.assertTrue(old_step.difference('x', zero, zero + 1e-9, 0.1).above)

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
    self.assertEqual(0, old_step.decisions(theirs, ours))
    # The last of a window, and of no other, is the largest there.
    ours['activation: norm2'][0, 3, 3, 0] = 1.1
    ours['activation: local4/local4'][0, 1] = 0
    self.assertEqual(2, old_step.decisions(theirs, ours))


class SectionTest(tf.test.TestCase):
  """Our graph answers in place of theirs."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    tf.disable_v2_behavior()
    stack = contextlib.ExitStack()
    cls.addClassCleanup(stack.close)
    stack.enter_context(mock.patch.object(old_answers, 'LOOKS', 2))
    cls.scratch = stack.enter_context(tempfile.TemporaryDirectory())
    record_fixture.write_batches(
        cls.scratch, *record_fixture.random_images(200)
    )
    cls.training = stack.enter_context(
        training_graph.Training(
            training_graph.ours(cls.scratch, batch_size=_BATCH)
        )
    )
    cls.keys = old_keys.match(
        cls.training.variables, cls.training.variables, step_key=_STEP
    )
    drawn = value_diff.batches(
        cls.scratch, 1 + 2 * old_answers.LOOKS, seed=1, size=_BATCH
    )
    cls.answer = old_answers.Answer(
        cls.scratch, sorted(cls.training.variables), [], list(drawn)
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
    for moment in (0, 1):
      path = os.path.join(cls.scratch, 'start-%d' % moment)
      old_checkpoints.save(cls.training, 'V2', path)
      start = cls.training.read()
      found.append([])
      for batch in cls.answer.looked_at(moment):
        cls.training.load(start)
        step = old_step.observe(cls.training, names, *batch)
        found[-1].append({**step, 'rate': np.float32(0.1)})
        cls._write(moment, len(found[-1]) - 1, found[-1][-1])
    return found

  @classmethod
  def _write(cls, moment, n, values):
    path = os.path.join(cls.scratch, 'step-%d-%d.npz' % (moment, n))
    np.savez(path, **values)

  def damage(self, moment, n, values):
    """Lets a step of theirs have noted other values, for one test."""
    step = self.steps[moment][n]
    self._write(moment, n, {**step, **values})
    self.addCleanup(self._write, moment, n, step)

  def above(self, values):
    """Returns what is above its bound where theirs noted other values."""
    ours = self.steps[1][0]
    theirs = {**ours, **values}
    found = old_step.differences(theirs, ours, self.training, self.keys)
    return [d.value for d in found if d.above]

  def section(self):
    return old_step.section('0.0', self.answer, self.training, self.keys)

  def test_one_step(self):
    section = self.section()
    self.assertEqual(0, section['unexplained'], section)
    # 9 activations, 4 losses, 10 gradients, 10 variables, the averages of these
    # on both sides, those of the losses.
    self.assertIn('At step 1, ', section['text'][2])
    self.assertIn('57 values, 0 of them', section['text'][2])
    self.assertIn('decided otherwise: 0.', section['text'][2])
    key = 'gradient: local4/weights'
    damaged = self.steps[1][0][key] * np.float32(1.001)
    self.damage(1, 0, {key: damaged})
    section = self.section()
    self.assertEqual(1, section['unexplained'])
    (table,) = [
        t
        for t in section['tables']
        if t['caption'] == 'Above the bound, at step 1'
    ]
    self.assertEqual([key], [row[0] for row in table['rows']])

  def test_batches_that_rounding_decides_otherwise(self):
    # One rectifier of theirs is closed, on one batch after the other; nothing
    # that a bound allows is noticed but the decision.
    name = 'activation: local4/local4'
    for n, step in enumerate(self.steps[1]):
      section = self.section()
      self.assertEqual(0, section['unexplained'], section)
      self.assertIn('decided otherwise: %d.' % n, section['text'][2])
      closed = step[name].copy()
      closed.flat[np.argmax(closed > 0)] = 0
      self.damage(1, n, {name: closed})
    section = self.section()
    # No batch is left; and what was closed was far from 0.
    self.assertEqual(2, section['unexplained'])
    self.assertIn('On none of 2 batches', section['text'][2])

  def test_a_weight_changed_by_a_thousandth(self):
    # Ours begins with one weight off: all that follows from it is found.
    path = os.path.join(self.scratch, 'start-1')
    old_checkpoints.restore(path, self.training, self.keys)
    values = self.training.read()
    values['conv1/weights'][0, 0, 0, 0] += 1e-3
    self.training.load(values)
    theirs = self.steps[1][0]
    ours = old_step.observe(self.training, theirs, *self.answer.looked_at(1)[0])
    found = old_step.differences(theirs, ours, self.training, self.keys)
    self.assertContainsSubset(
        ['activation: conv1/conv1', 'activation: pool2'],
        [d.value for d in found if d.above],
    )

  def test_a_weight_whose_input_is_zero(self):
    # It moves no activation, and is found all the same.
    path = os.path.join(self.scratch, 'start-1')
    old_checkpoints.restore(path, self.training, self.keys)
    values = self.training.read()
    values['conv2/biases'][0] = -10  # Channel 0 is never above 0.
    batch = self.answer.looked_at(1)[0]
    sides = []
    for change in (0, 1e-3):
      values['local3/weights'][0, 0] += change
      self.training.load(values)
      sides.append(old_step.observe(self.training, self.steps[1][0], *batch))
      sides[-1]['rate'] = np.float32(0.1)
    pool2 = sides[0]['activation: pool2']
    self.assertAllEqual(np.zeros_like(pool2[..., 0]), pool2[..., 0])
    found = [
        d.value
        for d in old_step.differences(*sides, self.training, self.keys)
        if d.above
    ]
    self.assertIn('after: local3/weights', found)
    self.assertNotIn('activation: local3/local3', found)

  def test_swapped_gradients(self):
    a, b = 'gradient: conv1/biases', 'gradient: conv2/biases'
    step = self.steps[1][0]
    self.assertContainsSubset([a, b], self.above({a: step[b], b: step[a]}))

  def test_what_else_is_found(self):
    step = self.steps[1][0]
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
