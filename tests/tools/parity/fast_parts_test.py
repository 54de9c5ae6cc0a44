"""The error of each fast op; a wrong op is detected."""

from unittest import mock

from cifar10_compat.fast import winograd
from tests.tools.parity import checkpoint_fixture
from tools.parity import fast_network
from tools.parity import fast_parts


class FastPartsTest(checkpoint_fixture.CheckpointTestCase):

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
