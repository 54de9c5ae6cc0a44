"""Steps of two sides, compared bit by bit and within rounding bounds."""

from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.parity import batches
from tools.parity import steps
from tools.parity import today_side
from tools.parity import value_diff

# The sum from left to right differs from the sum from right to left.
_ADDENDS = np.array([1, 2**-24, 2**-24], np.float32)


def _sum_of_three(read_late):
  """Returns a graph whose loss is a sum, read by other ops first or last."""
  with tf.Graph().as_default():
    step = tf.train.get_or_create_global_step()
    images = tf.placeholder(tf.float32, [2, 3])
    labels = tf.placeholder(tf.int32, [2])
    weights = tf.get_variable('w', [3])
    addends = [
        tf.reduce_sum(
            weights * np.eye(3, dtype=np.float32)[i], name='addend_%d' % i
        )
        for i in range(3)
    ]
    averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
    if read_late:
      loss = tf.add_n(addends)
      with tf.control_dependencies([loss]):
        reads = averages.apply(addends[:2])
    else:
      reads = averages.apply(addends[:2])
      with tf.control_dependencies([reads]):
        loss = tf.add_n(addends)
    with tf.control_dependencies([reads, loss]):
      update = tf.train.GradientDescentOptimizer(0.0).minimize(loss, step)
    saver = tf.train.Saver(tf.global_variables())
    tf.global_variables_initializer()
    return training_graph.export(
        images=images, labels=labels, loss=loss, train_op=update, saver=saver
    )


class BitsTest(tf.test.TestCase):
  """Two small graphs, compared bit by bit."""

  def setUp(self):
    super().setUp()
    self.replace(batches, 'draw', side_fixture.batches)
    self.replace(
        training_graph,
        'initial_values',
        lambda unused_seed: side_fixture.WEIGHTS,
    )

  def replace(self, module, name, value):
    self.enter_context(mock.patch.object(module, name, value))

  def compare(self, *variations, count=3):
    """Returns the Result, and checks that the section agrees."""
    original, port = (
        side_fixture.small(self, name=name, **v)
        if isinstance(v, dict)
        else self.enter_context(
            today_side.Today(
                v,
                directory=self.create_tempdir().full_path,
                source='/source' * (name == 'original'),
            )
        )
        for name, v in zip(('original', 'port'), variations)
    )
    original.steps = count
    result = steps.compare(original, port, side_fixture.match(original, port))
    section = steps.section(original, port, result)
    self.assertEqual(result.unexplained, section['unexplained'])
    return result

  def test_sum_does_not_depend_on_other_readers_of_its_terms(self):
    self.replace(
        training_graph, 'initial_values', lambda unused_seed: {'w': _ADDENDS}
    )
    result = self.compare(_sum_of_three(False), _sum_of_three(True), count=1)
    self.assertEqual(0, result.unexplained)
    # Added to 1, each of the two is lost; from the right, their sum is not.
    self.assertEqual(([1.0], [1.0]), result.losses)

  def test_equal(self):
    old = {'step_name': 'Variable', 'step_type': tf.int32}
    for variations in (({}, old), (old, {})):
      result = self.compare(*variations)
      self.assertEqual(0, result.unexplained)
      # Loss, gradient, weight and step counter.
      self.assertEqual((3, 12), (len(result.steps), result.compared))
      self.assertEqual(
          [3, 3], [sum(counts) for counts in zip(*result.orders.values())]
      )

  def test_order_that_the_graph_says(self):
    result = self.compare({'after': True}, {'after': True})
    self.assertEqual(0, result.unexplained)
    order = 'weights after the update, counter after it'
    self.assertEqual({order: [3, 3]}, result.orders)

  def test_different_update(self):
    result = self.compare({}, {'rate': 0.1000001})
    self.assertEqual(
        {'after: w': 0, 'loss: total_loss': 1, 'gradient: w': 1},
        {name: step for name, (step, _) in result.above.items()},
    )

  def test_wrong_average(self):
    result = self.compare({}, {'decay': 0.05})
    self.assertEqual(['average of w, port'], list(result.above))

  def test_missing_value(self):
    result = self.compare({}, {'extra': True})
    self.assertEqual(['after: extra'], list(result.above))


_LAYERS = ('conv1/conv1', 'pool1', 'norm1', 'conv2/conv2', 'norm2', 'pool2')
_LAYERS += ('local3/local3', 'local4/local4', 'softmax_linear/softmax_linear')
# Small, so that a step is fast.
_BATCH = 2


class RoundingTest(tf.test.TestCase):
  """The port's network answers in place of an original on an old TensorFlow."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    stack, scratch = side_fixture.class_contexts(cls)
    cls.port = stack.enter_context(
        today_side.Today.port(scratch, directory=scratch, batch_size=_BATCH)
    )
    cls.port.start(training_graph.initial_values(1))
    drawn = list(batches.draw(scratch, 4, seed=1, size=_BATCH))
    names = ['activation: ' + layer for layer in _LAYERS]
    names += ['loss: ' + t.op.name for t in cls.port.loss.op.inputs]
    cls.drawn = drawn[2:]
    cls.noted = side_fixture.Noted(
        cls.port, names, [drawn[:2], cls.drawn], scratch
    )
    cls.keys = side_fixture.match(cls.port, cls.port)

  def setUp(self):
    super().setUp()
    # Each test may damage the original's notes.
    notes = [[dict(step) for step in looked] for looked in self.noted.notes]
    self.enter_context(mock.patch.object(self.noted, 'notes', notes))
    self.step = notes[1][0]

  def above(self, original=(), port=()):
    """Returns the values above their bounds after changing a side's notes."""
    found = value_diff.differences(
        ({**self.step, **dict(original)}, {**self.step, **dict(port)}),
        self.port,
        self.keys,
        rounded=True,
    )
    return [d.value for d in found if d.above]

  def section(self):
    result = steps.compare(self.noted, self.port, self.keys)
    return steps.section(self.noted, self.port, result)

  def observe(self, change=lambda values: None):
    """Returns the port's notes of a step from changed values."""
    self.port.restore(list(self.noted.looks())[1].start, self.keys.names())
    values = self.port.read()
    change(values)
    self.port.load(values)
    return {**self.port.observe(*self.drawn[0], self.step), 'rate': 0.1}

  def test_one_step(self):
    section = self.section()
    self.assertEqual(0, section['unexplained'], section)
    # 9 activations, 4 losses, 10 gradients, 10 variables, their averages on
    # both sides, and the averages of the losses.
    self.assertStartsWith(section['text'][2], 'At step 1, ')
    self.assertIn('57 values, 0 of them', section['text'][2])
    self.assertIn('took the other branch: 0.', section['text'][2])
    key = 'gradient: local4/weights'
    self.step[key] = self.step[key] * np.float32(1.001)
    section = self.section()
    self.assertEqual(1, section['unexplained'])
    table = section['tables'][0]
    self.assertEqual([(key, 1)], [(r[0], r[-1]) for r in table['rows']])

  def test_batches_with_other_branches(self):
    # One rectifier of the original is closed, on one batch after the other.
    # Only the branch matters, not the value.
    name = 'activation: local4/local4'
    for n, step in enumerate(self.noted.notes[1]):
      section = self.section()
      self.assertEqual(0, section['unexplained'], section)
      self.assertIn('took the other branch: %d.' % n, section['text'][2])
      step[name] = step[name].copy()
      step[name].flat[np.argmax(step[name] > 0)] = 0
    section = self.section()
    # No batch is left; and the closed rectifier's value was far from 0.
    self.assertEqual(2, section['unexplained'])
    self.assertIn('On every batch, a', section['text'][2])

  def test_a_weight_changed_by_a_thousandth(self):
    # One initial weight of the port is wrong: its effects are detected.
    def change(values):
      values['conv1/weights'][0, 0, 0, 0] += 1e-3

    self.assertContainsSubset(
        ['activation: conv1/conv1', 'activation: pool2'],
        self.above(port=self.observe(change)),
    )

  def test_a_weight_whose_input_is_zero(self):
    # It changes no activation, and is detected all the same.
    def close(values):
      values['conv2/biases'][0] = -10  # Channel 0 is never above 0.

    def change(values):
      close(values)
      values['local3/weights'][0, 0] += 1e-3

    closed = self.observe(close)
    pool2 = closed['activation: pool2']
    self.assertAllEqual(np.zeros_like(pool2[..., 0]), pool2[..., 0])
    found = self.above(closed, self.observe(change))
    self.assertIn('after: local3/weights', found)
    self.assertNotIn('activation: local3/local3', found)

  def test_swapped_gradients(self):
    a, b = 'gradient: conv1/biases', 'gradient: conv2/biases'
    swapped = {a: self.step[b], b: self.step[a]}
    self.assertContainsSubset([a, b], self.above(swapped))

  def test_other_changes_are_detected(self):
    step = self.step
    self.assertEmpty(self.above())
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
            'average of local4/biases, original',
        ),
        ('loss: strange', np.float32(1), None),
    ):
      self.assertEqual([found or name], self.above({name: value}))
