"""The order of the runs, and the remaining runs after an interruption."""

from absl.testing import absltest

from tools.speed import schedule

COMMANDS = {'input': {'a': None, 'b': None}, 'start': {'a': None}}
ORDER = [
    (0, 'input', 'a'),
    (0, 'input', 'b'),
    (0, 'start', 'a'),
    (1, 'input', 'a'),
    (1, 'input', 'b'),
    (1, 'start', 'a'),
    (2, 'input', 'a'),
    (2, 'input', 'b'),
    (2, 'start', 'a'),
]


class ScheduleTest(absltest.TestCase):

  def test_each_round_has_each_contestant_once(self):
    self.assertEqual(ORDER, schedule.order(COMMANDS, 2))

  def test_remaining_runs(self):
    for done in range(len(ORDER) + 1):
      self.assertEqual(
          ORDER[done:], schedule.left(COMMANDS, 2, set(ORDER[:done]))
      )

  def test_a_later_contestant_gets_all_rounds(self):
    self.assertEqual(
        [(0, 'start', 'a'), (1, 'start', 'a')],
        schedule.left(COMMANDS, 1, {run for run in ORDER if run[1] == 'input'}),
    )
