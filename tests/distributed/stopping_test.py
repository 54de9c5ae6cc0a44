"""SIGTERM while TensorFlow waits, and a chief that does not return."""

import signal
import socket
import time

from tests.helpers import cluster_case

_STEP = cluster_case.STEP
# The promised time, and what a busy machine may add.
_STOP_SECS = 30
_SLACK_SECS = 30
_TERMINATED = 128 + signal.SIGTERM


class StoppingTest(cluster_case.ClusterCase):

  def _assert_terminates(self, program):
    """Sends SIGTERM; returns the output."""
    begin = time.monotonic()
    program.process.terminate()
    code, out, err = program.finish()
    self.assertEqual((_TERMINATED, ''), (code, err), out)
    self.assertLess(time.monotonic() - begin, _STOP_SECS + _SLACK_SECS)
    return out

  def test_a_chief_that_waits_saves_and_a_worker_ends(self):
    cluster, ps, chief, worker = self.start()
    # If killed at the wrong moment, it would leave its token to the chief.
    worker.process.send_signal(signal.SIGSTOP)
    chief.wait_for_line('waits for worker 1')
    self.assertRegex(
        self._assert_terminates(chief),
        r'Stopped by SIGTERM after \d+ steps, which are saved\.',
    )
    self.assertGreater(self.step(), 0)
    # No process applies the update that it waits for.
    worker.process.send_signal(signal.SIGCONT)
    worker.wait_for_line('Step .* waits for worker 0')
    self.assertIn('Stopped by SIGTERM', self._assert_terminates(worker))
    self._assert_terminates(ps)

  def test_a_worker_whose_chief_never_came(self):
    cluster = self.cluster('--connect_secs=3600')
    ps = cluster.start_ps()
    worker = cluster.start('worker', 1)
    worker.wait_for_line('Filling queue|Not started yet')
    self._assert_terminates(worker)
    self._assert_terminates(ps)

  def test_a_ps_that_says_nothing(self):
    cluster = self.cluster('--connect_secs=2')
    host, port = cluster.ps.split(':')
    with socket.create_server((host, int(port))):
      self.assert_fails(
          cluster.start('worker', 0),
          'ps 0 at %s did not answer within 2 seconds' % cluster.ps,
      )

  def test_a_ps_that_is_stopped(self):
    cluster, ps, chief, worker = self.start('--ps_timeout_secs=3600')
    ps.process.send_signal(signal.SIGSTOP)
    for program in (chief, worker):
      # It cannot reach the ps to say it is done; the deadline ends it.
      self.assertIn(
          'Stopped by SIGTERM in the middle of a step',
          self._assert_terminates(program),
      )

  def test_a_chief_that_stays_away(self):
    cluster, ps, chief, worker = self.start('--chief_timeout_secs=5')
    self.kill(chief)
    for program in (ps, worker):
      self.assert_fails(
          program,
          'worker 0 at %s, the chief, has been unreachable for 5 seconds: '
          'restart all tasks to resume' % cluster.workers[0],
      )
