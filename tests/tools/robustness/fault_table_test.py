"""The tables of the fault harness, computed by hand."""

from absl.testing import absltest

from tools.robustness import fault_table


def _try(survived, lost=None, secs=None, message=''):
  return {
      'survived': survived,
      'steps_lost': lost,
      'seconds': secs,
      'message': message,
  }


class FaultTableTest(absltest.TestCase):

  def test_failure_bound(self):
    # With p = 1 - 0.05 ** (1 / n), none of n fails once in twenty times.
    self.assertAlmostEqual(0.01487, fault_table.failure_bound(0, 200), places=5)
    self.assertAlmostEqual(0.95, fault_table.failure_bound(0, 1), places=6)
    # At most one of two fails with probability 1 - p^2 = 0.05.
    self.assertAlmostEqual(0.95**0.5, fault_table.failure_bound(1, 2), places=6)
    self.assertEqual(1.0, fault_table.failure_bound(3, 3))

  def test_outcomes(self):
    tries = [
        _try(True, 4, 1.0),
        _try(True, 7, 3.0, 'in training'),
        _try(False, message='it hangs'),
    ]
    content = {
        'faults': {
            'kill': {
                'title': 'kill -9',
                'rounds': [
                    {'loaded': False, 'tries': tries[1:2]},
                    {'loaded': True, 'tries': tries},
                ],
            },
            'stop': {
                'title': 'SIGTERM',
                'rounds': [
                    {'loaded': False, 'tries': []},
                    {'loaded': True, 'tries': [_try(True, message='a ' * 99)]},
                ],
            },
        }
    }
    columns, rows = fault_table.outcomes(content)
    self.assertEqual(
        [
            ['kill -9', '1', '1', '95.0%', '7', '3.0 (3.0)', '`in training`'],
            # With p = 0.865, at most one of three fails once in twenty times.
            ['kill -9, under load', '3', '2', '86.5%', '7', '3.0 (3.0)']
            + ['`in training`'],
            [
                'SIGTERM, under load',
                '1',
                '1',
                '95.0%',
                '',
                '',
                '`' + 'a ' * 59 + '…`',
            ],
        ],
        rows,
    )
    self.assertLen(columns, len(rows[0]))

  def test_mutants(self):
    content = {
        'mutants': [
            {
                'plant': 'no_lock',
                'fault': 'second_trainer',
                'found': True,
                'message': 'it trains',
            },
            {
                'plant': 'torn_save',
                'fault': 'kill',
                'found': False,
                'message': None,
            },
        ]
    }
    self.assertEqual(
        [
            ['`no_lock`', '`second_trainer`', '`it trains`'],
            ['`torn_save`', '`kill`', 'NOT FOUND'],
        ],
        fault_table.mutants(content)[1],
    )
