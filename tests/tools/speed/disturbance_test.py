"""Readings written by hand."""

from absl.testing import absltest

from tools.speed import disturbance

# user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.
STAT = """cpu  9 9 9 9 9 9 9 9 9 9
cpu0 100 10 20 300 40 5 6 7 50 0
cpu1 1000 100 200 3000 400 50 60 70 500 0
cpu10 1 1 1 1 1 1 1 1 1 1
intr 1 2 3
"""


class DisturbanceTest(absltest.TestCase):

  def test_parse(self):
    reading = disturbance.parse(STAT, threads={0}, ticks=100, load=0.5)
    self.assertEqual((4.88, 1.41, 0.07, 0.5), reading)
    both = disturbance.parse(STAT, threads={0, 1}, ticks=100, load=0.5)
    self.assertAlmostEqual(4.88 + 48.8, both.total)
    self.assertAlmostEqual(1.41 + 14.1, both.busy)

  def between(self, busy, steal, own_seconds):
    before = disturbance.Reading(total=100, busy=50, steal=1, load=1.5)
    after = disturbance.Reading(120, 50 + busy, 1 + steal, 9)
    return disturbance.between(before, after, own_seconds)

  def test_work_of_others(self):
    found = self.between(busy=15, steal=0.2, own_seconds=14)
    self.assertAlmostEqual(1 / 20, found.others)
    self.assertAlmostEqual(0.01, found.steal)
    self.assertEqual(1.5, found.load)
    self.assertTrue(found.disturbed)
    self.assertEqual(
        {'others': 0.05, 'steal': 0.01, 'load': 1.5, 'disturbed': True},
        found.to_json(),
    )

  def test_either_alone_is_enough(self):
    self.assertTrue(self.between(15, 0, 13.9).disturbed)
    self.assertTrue(self.between(15, 1.1, 15).disturbed)
    self.assertFalse(self.between(15, 0.4, 14.5).disturbed)

  def test_own_time_counted_after_the_reading(self):
    self.assertEqual(0, self.between(15, 0, 15.1).others)

  def test_no_reading(self):
    reading = disturbance.Reading(100, 50, 1, 1.5)
    self.assertIsNone(disturbance.between(None, reading, 1))
    self.assertIsNone(disturbance.between(reading, None, 1))
    self.assertIsNone(disturbance.between(reading, reading, 0))

  def test_this_machine(self):
    reading = disturbance.read()
    if reading is None:
      self.skipTest('this system does not tell')
    self.assertGreater(reading.total, reading.busy)
    self.assertGreater(reading.busy, 0)
