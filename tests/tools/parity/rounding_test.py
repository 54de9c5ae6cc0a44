"""Rounding bounds, computed by hand, and met by real sums."""

import math

from absl.testing import absltest
import numpy as np

from tools.parity import rounding

_U = 2.0**-24


class RoundingTest(absltest.TestCase):

  def test_by_hand(self):
    self.assertAlmostEqual(4 * _U * 3, rounding.of_sum(9), delta=1e-20)
    activations = rounding.activations()
    conv1 = 4 * _U * math.sqrt(76)
    self.assertAlmostEqual(conv1, activations['conv1/conv1'], delta=1e-20)
    # Pooling adds no rounding error.
    self.assertEqual(activations['conv1/conv1'], activations['pool1'])
    self.assertAlmostEqual(
        conv1 + 4 * _U * 3, activations['norm1'], delta=1e-20
    )
    logits = activations['softmax_linear/softmax_linear']
    ten, batch = 4 * _U * math.sqrt(10), 4 * _U * math.sqrt(128)
    self.assertAlmostEqual(
        logits + ten + ten + batch,
        rounding.gradients(0.5, 128)['softmax_linear/weights'],
        delta=1e-20,
    )
    # The biases of conv2 see 12 x 12 places of each image.
    small, large = (rounding.gradients(0.5, n)['conv2/biases'] for n in (1, 4))
    self.assertAlmostEqual(4 * _U * 12, large - small, delta=1e-20)
    # Logits of up to 7 magnify the errors on the way to them.
    self.assertAlmostEqual(
        7 * logits + ten + batch,
        rounding.losses(7.0, 128)['cross_entropy'],
        delta=1e-20,
    )

  def test_no_bound_hides_a_mistake(self):
    # An error of 1e-3 of a value must be detected.
    for bounds in (
        rounding.activations(),
        rounding.losses(3.0, 128),
        rounding.gradients(3.0, 128),
    ):
      self.assertLess(max(bounds.values()), 5e-4)

  def test_sums_stay_below(self):
    random = np.random.RandomState(1)
    for length in (76, 1601, 73728):
      terms = random.standard_normal(length).astype(np.float32)
      exact = np.sum(terms, dtype=np.float64)
      one_by_one = np.cumsum(terms)[-1]
      # A sum of such terms is about as large as the root of their number.
      size = math.sqrt(length)
      self.assertLess(abs(one_by_one - exact) / size, rounding.of_sum(length))

  def test_decisions(self):
    maps = {
        'conv1/conv1': (1, 4, 4, 1),
        'conv2/conv2': (1, 4, 4, 1),
        'norm2': (1, 4, 4, 1),
        'local3/local3': (1, 2),
        'local4/local4': (1, 2),
    }
    original = {'activation: ' + k: np.ones(v) for k, v in maps.items()}
    port = {k: v.copy() for k, v in original.items()}
    self.assertEqual(0, rounding.decisions(original, port))
    # The last element of a single window becomes the largest there.
    port['activation: norm2'][0, 3, 3, 0] = 1.1
    port['activation: local4/local4'][0, 1] = 0
    self.assertEqual(2, rounding.decisions(original, port))
