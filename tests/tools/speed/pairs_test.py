"""Medians and ratios, computed by hand."""

from absl.testing import absltest

from tools.speed import pairs


class PairsTest(absltest.TestCase):

  def test_summary(self):
    self.assertEqual((3, 2, 1, 9), pairs.summary([9, 1, 2]))
    self.assertEqual(
        (4, 2.5, 1, 9), pairs.summary({1: 9, 2: 1, 3: 2, 4: 3}.values())
    )
    self.assertIsNone(pairs.summary([]))

  def test_ratios_within_a_round(self):
    # Not the ratio of the medians, which is 1.
    self.assertEqual(
        [0.5, 2.0, 2.0],
        pairs.ratios(
            {3: 8.0, 1: 1.0, 2: 4.0, 4: 5.0}, {1: 2.0, 2: 2.0, 3: 4.0, 5: 1.0}
        ),
    )
    self.assertEqual([], pairs.ratios({1: 1.0}, {2: 1.0}))
