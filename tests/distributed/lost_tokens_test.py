"""A process dies where SyncReplicasOptimizer loses gradients or tokens."""

import signal

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from tests.helpers import cluster_case

_STEP = cluster_case.STEP


class LostTokensTest(parameterized.TestCase, cluster_case.ClusterCase):

  @parameterized.named_parameters(
      ('of_the_chief_between_an_update_and_its_tokens', 0, 'update'),
      ('of_the_chief_between_two_takings', 0, 'take'),
      ('of_the_chief_between_two_pushes', 0, 'push'),
      ('of_a_worker_between_a_token_and_its_gradient', 1, 'token'),
      ('of_a_worker_between_two_pushes', 1, 'push'),
  )
  def test_death(self, index, point):
    """Kills a worker at a point of a later step, and restarts it."""
    cluster = self.cluster()
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

  def test_what_is_lost_while_all_are_there(self):
    cluster = self.cluster()
    cluster.start_ps()
    chief, worker = [cluster.start('worker', i) for i in (0, 1)]
    worker.wait_for_line(_STEP)
    # Steal tokens until no worker has one.
    with tf.Graph().as_default(), tf.device('/job:ps/task:0'):
      token = tf.FIFOQueue(
          -1, tf.int64, shapes=[[]], shared_name='sync_token_q'
      ).dequeue()
      config = tf.ConfigProto(device_filters=['/job:ps'])
      with (
          tf.Session('grpc://' + cluster.ps, config=config) as session,
          self.assertRaises(tf.errors.DeadlineExceededError),
      ):
        while True:
          session.run(token, options=tf.RunOptions(timeout_in_ms=3000))
    seen = [len(p.lines) for p in (chief, worker)]
    chief.wait_for_line(r'^No update after step \d+ for 30 seconds, although')
    for program, start in zip((chief, worker), seen):
      program.wait_for_line(_STEP, start)
