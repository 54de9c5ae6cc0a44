"""How far each fast op is off, and that a wrong one would be noticed."""

from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.fast import winograd
from tests.tools.parity import checkpoint_fixture
from tools.parity import fast_network
from tools.parity import fast_parts


class FastPartsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.checkpoint, self.batches = checkpoint_fixture.make(
        self.create_tempdir().full_path
    )

  def test_parts(self):
    rows = fast_parts.part_errors(self.checkpoint, self.batches[0])
    self.assertEqual(3 + 2 + 3 + 2, len(rows))
    for row in rows:
      self.assertLess(row['fast'], fast_network.PART_BOUND, row)
      self.assertLess(row['literal'], fast_network.PART_BOUND, row)
    self.assertGreater(max(row['fast'] for row in rows), 1e-8)

  def test_a_part_that_is_wrong(self):
    wrong = dict(fast_parts.PARTS)
    names, output, literal, _, exact = wrong['conv2']
    wrong['conv2'] = (
        names,
        output,
        literal,
        lambda x, w: 1.001 * winograd.conv2d(x, w),
        exact,
    )
    with mock.patch.object(fast_parts, 'PARTS', wrong):
      rows = fast_parts.part_errors(self.checkpoint, self.batches[0])
    for row in rows:
      self.assertEqual(
          row['part'] == 'conv2', row['fast'] > fast_network.PART_BOUND, row
      )
