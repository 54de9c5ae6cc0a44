"""The contestants, their order, and the table of times."""

import os
from unittest import mock

from absl.testing import absltest

from tools.parity import times
from tools.speed import children
from tools.speed import disturbance

_ORIGINAL = mock.Mock(
    source='/source', data_dir='/data', runtime='0.12.1', where=''
)


class TimesTest(absltest.TestCase):

  def measure(self, others):
    """Returns the times, and the calls; each step takes 0.1 s longer."""
    calls = []

    def run(module, args, what):
      calls.append((module, args))
      self.assertStartsWith(args[-1], '--train_dir=')
      self.assertFalse(os.path.exists(args[-1].partition('=')[2]))
      self.assertIn('cannot be timed', what)
      seconds = 10 * len(calls)
      return children.Result(
          {},
          ''.join(
              '2026-01-01 00:%02d:%02d.500000: step %d, loss = 4 '
              '(1 examples/sec; 1 sec/batch)\n' % (*divmod(at, 60), step)
              for step, at in ((20, 0), (120, seconds))
          ),
          0,
          1,
          1,
          others and disturbance.Disturbance(others, 0, 0),
      )

    with mock.patch.object(children, 'run', run):
      found = times.measure(_ORIGINAL, 2)
    return found, calls

  def test_in_turn(self):
    found, calls = self.measure(0.01)
    self.assertEqual(['original', 'tutorial', 'literal', 'fast'], list(found))
    self.assertEqual([(0.1, False), (0.5, False)], found['original'])
    self.assertEqual([(0.4, False), (0.8, False)], found['fast'])
    self.assertLen(calls, 8)
    self.assertContainsSubset(
        ['--runtime=0.12.1', '--source=/source', '--data_dir=/data'],
        calls[0][1],
    )
    self.assertEqual(
        [a[1][:-1] for a in calls[:4]], [a[1][:-1] for a in calls[4:]]
    )

  def test_section(self):
    section = times.section(_ORIGINAL, self.measure(0.2)[0])
    self.assertEqual(0, section['unexplained'])
    self.assertIn('in each of 2 rounds', section['text'][0])
    self.assertIn(
        'Of 8 runs, other work may have disturbed 8.', section['text'][0]
    )
    rows = section['tables'][0]['rows']
    # Medians: 0.3 (of 0.1 and 0.5), and 0.5 (of 0.3 and 0.7).
    self.assertEqual(
        [
            'unmodified, on TensorFlow 0.12.1',
            '0.300',
            '0.100 (disturbed) 0.500 (disturbed)',
            '0.60',
        ],
        rows[0],
    )
    self.assertEqual(['port, --fast', '0.600'], rows[3][:2])
    self.assertEqual('1.00', rows[2][3])

  def test_unknown_disturbance(self):
    found, _ = self.measure(None)
    self.assertEqual([True, True], [bad for _, bad in found['fast']])
