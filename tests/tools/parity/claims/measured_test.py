"""The ledger's runs."""

import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tools.parity.claims import measured


class MeasuredTest(tf.test.TestCase):

  def test_saved_steps(self):
    self.assertEqual((0, 1000, 2000, 2001), measured.saved_steps())

  def test_short_run(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(20))
    run = measured.short_run(data_dir, steps=11)
    self.assertEqual([0, 10], [line.step for line in run.log])
    self.assertNear(4.68, run.log[0].loss, 0.03)
    self.assertGreater(run.log[1].sec_per_batch, 0)
    self.assertEqual((0,), run.summaries)
