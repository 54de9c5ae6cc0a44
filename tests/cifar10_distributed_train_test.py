"""A cluster of real processes on this machine."""

import os
import re

import tensorflow.compat.v1 as tf

from tests import record_fixture
from tests import small_cluster


class DistributedTrainTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    record_fixture.write_batches(self.data_dir,
                                 *record_fixture.random_images(200))

  def _run(self, *flags):
    """Runs a ps and two workers to their end; returns what they printed."""
    cluster = small_cluster.SmallCluster(self.data_dir, self.train_dir, *flags)
    self.addCleanup(cluster.kill)
    results = [p.finish() for p in cluster.start_all()]
    for code, out, err in results:
      self.assertEqual((0, ''), (code, err), out)
    return [out for _, out, _ in results]

  def _step(self):
    return int(tf.train.load_variable(self.train_dir, 'global_step'))

  def test_synchronous_then_resumed_then_nothing_left(self):
    outs = self._run('--max_steps=11')
    for out in outs:
      self.assertIn('of every interface of this machine', out)
    for out in outs[1:]:
      self.assertRegex(out, r': step 0, loss = 4\.[67]\d ')
      self.assertLen(re.findall(': step 0,', out), 1)
    self.assertEqual(11, self._step())
    # The same keys as a trainer of one process has.
    self.assertLen(tf.train.list_variables(self.train_dir), 25)

    outs = self._run('--max_steps=15')
    self.assertNotIn(': step 0,', outs[1])
    self.assertEqual(15, self._step())
    self._run('--max_steps=15')
    self.assertEqual(15, self._step())

  def test_asynchronous(self):
    self._run('--max_steps=20', '--sync=false')
    # Each worker may be on a step of its own when the last one is made.
    self.assertBetween(self._step(), 20, 21)
    self.assertLen(tf.train.list_variables(self.train_dir), 25)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
