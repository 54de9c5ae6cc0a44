"""A process dies where SyncReplicasOptimizer loses gradients or tokens."""

import os
import signal

import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tests.helpers import small_cluster

_STEP = r': step [1-9]\d*,'


class LostTokensTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.dataset = record_fixture.write_set(
        self.create_tempdir().full_path, *record_fixture.random_images(200)
    )

  def _die_and_start_again(self, index, point):
    """Kills a worker at a point of a later step, and restarts it."""
    cluster = small_cluster.SmallCluster(
        self.dataset, os.path.join(self.create_tempdir().full_path, 'train')
    )
    self.addCleanup(cluster.kill)
    cluster.start_ps()
    other = cluster.start('worker', 1 - index)
    doomed = cluster.start_doomed('worker', index, point, 25)
    code, out, err = doomed.finish()
    self.assertEqual((-signal.SIGKILL, ''), (code, err), out)
    self.assertRegex(out, ': step ')
    seen = len(other.lines)
    again = cluster.start('worker', index)
    again.wait_for_line(_STEP)
    other.wait_for_line(_STEP, seen)
    for program in (again, other):
      # Starting repaired the state; the chief's stall check was not needed.
      self.assertNotIn('No update', '\n'.join(program.lines))
    cluster.kill()

  def test_chief_between_an_update_and_its_tokens(self):
    self._die_and_start_again(0, 'update')

  def test_chief_between_two_takings(self):
    self._die_and_start_again(0, 'take')

  def test_chief_between_two_pushes(self):
    self._die_and_start_again(0, 'push')

  def test_worker_between_a_token_and_its_gradient(self):
    self._die_and_start_again(1, 'token')

  def test_worker_between_two_pushes(self):
    self._die_and_start_again(1, 'push')

  def test_what_is_lost_while_all_are_there(self):
    cluster = small_cluster.SmallCluster(
        self.dataset, os.path.join(self.create_tempdir().full_path, 'train')
    )
    self.addCleanup(cluster.kill)
    cluster.start_ps()
    chief, worker = [cluster.start('worker', i) for i in (0, 1)]
    worker.wait_for_line(_STEP)
    # Steal tokens until no worker has one.
    with tf.Graph().as_default(), tf.device('/job:ps/task:0'):
      token = tf.FIFOQueue(
          -1, tf.int64, shapes=[[]], shared_name='sync_token_q'
      ).dequeue()
      config = tf.ConfigProto(device_filters=['/job:ps'])
      with tf.Session('grpc://' + cluster.ps, config=config) as session:
        with self.assertRaises(tf.errors.DeadlineExceededError):
          while True:
            session.run(token, options=tf.RunOptions(timeout_in_ms=3000))
    seen = [len(p.lines) for p in (chief, worker)]
    chief.wait_for_line(r'^No update after step \d+ for 30 seconds, though')
    for program, start in zip((chief, worker), seen):
      program.wait_for_line(_STEP, start)
