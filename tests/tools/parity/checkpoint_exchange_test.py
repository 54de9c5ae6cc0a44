"""Small sides restore each other's checkpoints."""

import numpy as np
import tensorflow.compat.v1 as tf

from tests.tools.parity import side_fixture
from tools.parity import checkpoint_exchange

_OLD_STEP = {'step_name': 'Variable', 'step_type': tf.int32}


class ExchangeTest(tf.test.TestCase):

  def section(self, original=(), port=(), damage=None):
    """Returns the section, and the rows whose values differ.

    Args:
      original, port: variations of the small graph.
      damage: 'original' or 'port', the side that restores one bit wrong.
    """
    original = side_fixture.small(self, name='original', **dict(original))
    port = side_fixture.small(self, **dict(port))
    if damage:
      side = original if damage == 'original' else port
      read = side.read

      def damaged():
        values = read()
        values['w'] = np.nextafter(values['w'], [9, 0, 0], dtype=np.float32)
        values['w'][1:] = read()['w'][1:]
        return values

      side.read = damaged
    keys = side_fixture.match(original, port)
    found = checkpoint_exchange.section(original, port, keys)
    (table,) = [t for t in found['tables'] if t['caption'] == 'Keys']
    return found, [row[:3] for row in table['rows'] if row[4] == 'no']

  def test_same_keys(self):
    found, odd = self.section()
    self.assertEqual((0, []), (found['unexplained'], odd))
    self.assertEndsWith(found['text'][0], 'The step counter needs no mapping.')
    # In each format and direction: the weight, its average, the step counter.
    for text in found['text'][1:]:
      self.assertEndsWith(text, '3 of 3 keys are bit-identical.')
    self.assertLen(found['text'], 5)

  def test_step_counter_is_mapped(self):
    for original, port, text in (
        (_OLD_STEP, {}, 'Variable (int32) to global_step (int64), and back'),
        ({'step_type': tf.int32}, {}, 'global_step (int32) to global_step'),
    ):
      found, odd = self.section(original, port)
      self.assertEqual((0, []), (found['unexplained'], odd))
      self.assertIn(text, found['text'][0])

  def test_other_keys(self):
    found, odd = self.section({'names': ('w', 'v')}, {'names': ('w', 'u')})
    self.assertEqual((4, []), (found['unexplained'], odd))
    (table,) = [t for t in found['tables'] if 'one side only' in t['caption']]
    average = '/ExponentialMovingAverage'
    self.assertEqual(
        [['u'], ['u' + average], ['v'], ['v' + average]], table['rows']
    )

  def test_one_bit_of_one_element(self):
    for damaged, saved_by in (('port', 'original'), ('original', 'port')):
      found, odd = self.section(damage=damaged)
      self.assertEqual(2, found['unexplained'])
      self.assertEqual([[f, saved_by, 'w'] for f in ('V1', 'V2')], odd)
