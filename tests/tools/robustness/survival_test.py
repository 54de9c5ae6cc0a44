"""A few trials of each short fault, and of mutants.

//tools:torture has all faults, with many trials each.
"""

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from tools.robustness.faults import catalogue
from tools.robustness.faults import run


class SurvivalTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      ('kill', 3),
      ('kill_while_saving', 2),
      ('stop', 4),
      ('hang_up_under_nohup', 1),
      ('second_trainer', 1),
      ('damaged_checkpoint', 2),
      ('damaged_list', 2),
      ('refusal', 14),
      ('changed_images', 2),
      ('not_finite', 1),
      ('stuck_queue', 5),
      ('asked_what_it_waits_for', 2),
  )
  def test_survives(self, fault, tries):
    for outcome in run.run(fault, range(tries)):
      self.assertTrue(outcome['survived'], outcome)

  @parameterized.parameters(*catalogue.MUTANTS[:2])
  def test_finds(self, plant, fault, tries):
    outcomes = run.run(fault, range(tries), plants=plant)
    self.assertTrue(any(not o['survived'] for o in outcomes))
