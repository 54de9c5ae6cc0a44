"""Which of their variables is which of ours."""

from absl.testing import absltest

from tools.parity import old_keys

_STEP = 'global_step'


class OldKeysTest(absltest.TestCase):

  def test_match(self):
    keys = old_keys.match(
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
