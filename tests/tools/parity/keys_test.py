"""Variables of the original and of the port are matched."""

from absl.testing import absltest

from tools.parity import keys as keys_lib

_STEP = 'global_step'


class KeysTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.keys = keys_lib.match(
        [
            'Variable',
            'a/weights',
            'a/avg',
            'a/avg/biased',
            'a/avg/local_step',
            'b/weight_loss/avg',
            'strange',
        ],
        [_STEP, 'a/weights', 'a/avg', 'new'],
        step_key=_STEP,
    )

  def test_match(self):
    self.assertEqual(
        {'Variable': _STEP, 'a/weights': 'a/weights', 'a/avg': 'a/avg'},
        self.keys.port,
    )
    self.assertCountEqual(
        ['a/avg/biased', 'a/avg/local_step', 'b/weight_loss/avg'],
        self.keys.alone,
    )
    self.assertEqual(('new',), self.keys.lacking)
    self.assertEqual(('strange',), self.keys.unknown)

  def test_names_and_notes(self):
    self.assertEqual(
        {_STEP: 'Variable', 'a/weights': 'a/weights', 'a/avg': 'a/avg/biased'},
        self.keys.names(),
    )
    self.assertEqual(
        {'after: global_step': 1, 'loss: Variable': 2, 'rate': 3},
        self.keys.translate(
            {'after: Variable': 1, 'loss: Variable': 2, 'rate': 3}
        ),
    )
