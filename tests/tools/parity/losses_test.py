"""Compares two loss curves: training, growth of the difference, verdict."""

import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.parity import side_fixture
from tools.parity import losses
from tools.parity import rounding
from tools.parity import steps

_STEPS = 12


def _by_hand(batches):
  """Returns the losses of the small graph, with initial weights of 0.5."""
  w, found = np.full(3, 0.5), []
  for x, y in batches:
    error = x @ w - y
    found.append(np.square(error).sum())
    w = w - 0.1 * 2 * error @ x
  return found


class PureTest(tf.test.TestCase):

  def test_growth_is_of_the_largest_so_far(self):
    original = [4.0, 3.0, 2.0, 2.5]
    port = [4.0, 3.5, 2.25, 2.5]
    self.assertEqual(
        [(1, 4.0, 4.0, 0.0), (2, 3.0, 3.5, 0.5), (4, 2.5, 2.5, 0.5)],
        losses.growth(original, port),
    )

  def test_unexplained(self):
    for original, port, found in (
        ([4.0, 3.0], [4.0, 3.5], 0),
        ([4.0, 3.0], [4.03, 3.0], 0),
        ([4.0, 3.0], [4.05, 3.0], 1),
        ([4.0, 3.0], [4.0, float('nan')], 1),
        ([4.0, 3.0], [float('nan'), float('inf')], 3),
    ):
      self.assertEqual(found, losses.unexplained(original, port, 0.01), port)


class TrainTest(tf.test.TestCase):
  """The port trains like an original computed by hand."""

  def setUp(self):
    super().setUp()
    self.port = side_fixture.small(self)
    with self.port.session.graph.as_default():
      tf.multiply(
          tf.reduce_sum(self.port.images),
          -1,
          name='softmax_linear/softmax_linear',
      )
    self.port.start({'w': np.full(3, 0.5)})
    path = os.path.join(self.create_tempdir().full_path, 'start-0')
    self.port.save('V2', path)
    # Training must start from the checkpoint.
    self.port.start({'w': np.full(3, 1.5)})
    random = np.random.RandomState(1)
    drawn = [
        (random.uniform(0, 0.5, (2, 3)), random.randint(0, 3, 2))
        for _ in range(_STEPS)
    ]
    self.expected = _by_hand(drawn)
    self.original = mock.Mock(
        losses=self.expected,
        trained_on=drawn,
        checkpoint=lambda moment: path,
        runtime='0.0',
        keys=self.port.keys,
    )

  def train(self):
    keys = side_fixture.match(self.original, self.port)
    return losses.train(self.original, self.port, keys, None)

  def test_same_weights_and_batches(self):
    original, port, bound = self.train()
    self.assertAllClose(self.expected, port, 1e-5)
    largest = self.original.trained_on[0][0].sum()
    self.assertAllClose(rounding.losses(largest, 2)['total_loss'], bound)
    section = losses.section(' on TensorFlow 0.0', original, port, bound)
    self.assertEqual(0, section['unexplained'])
    self.assertEndsWith(section['title'], ' on TensorFlow 0.0')
    self.assertStartsWith(section['text'][0], '12 steps from the same weights')
    (table,) = section['tables']
    self.assertEqual([1, 2, 5, 10, 12], [row[0] for row in table['rows']])
    self.assertLen(section['plots'], 2)

  def test_first_loss_and_nan_count(self):
    _, port, bound = self.train()
    for step, factor, unexplained in (
        # Above the rounding error in the first loss; later it may be noise.
        (0, 1.001, 1),
        (5, 1.001, 0),
        (5, float('nan'), 1),
    ):
      original = list(self.expected)
      original[step] *= factor
      section = losses.section('', original, port, bound)
      self.assertEqual(unexplained, section['unexplained'])

  def test_on_todays_tensorflow(self):
    self.original.runtime = None
    looked = steps.Result(losses=([4.0, 3.0], [4.0, 3.0]))
    trained = losses.train(self.original, self.port, None, looked)
    self.assertEqual(([4.0, 3.0], [4.0, 3.0], 0.0), trained)
    section = losses.section('', *trained)
    self.assertEqual(0, section['unexplained'])
    self.assertLen(section['plots'], 1)
