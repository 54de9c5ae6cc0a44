"""What the other processes of a real cluster do when one is lost."""

import os
import re
import signal
import socket
import time

from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from tests.helpers import cluster_case

_PS_TIMEOUT_SECS = 4
# Seconds for processes to notice and to end on a busy machine.
_SLACK_SECS = 30

_STEP = cluster_case.STEP


def _refusals(cluster, silent):
  """Returns (job, index, further flags, message) for tasks that cannot start.

  Args:
    cluster: small_cluster.SmallCluster whose ps 0 runs.
    silent: str, an address that does not answer.
  """
  return [
      # A second task of that index, or of another job, on the port.
      (
          'ps',
          0,
          (),
          'no server can be started for ps 0 at %s: its port is '
          'in use by a second task with this index or by another program'
          % cluster.ps,
      ),
      (
          'worker',
          0,
          (
              '--worker_hosts=' + cluster.ps,
              '--ps_hosts=' + cluster.workers[0],
          ),
          'no server can be started for worker 0 at %s: its port is in use'
          % cluster.ps,
      ),
      (
          'worker',
          0,
          ('--worker_hosts=' + cluster.ps,),
          'ps 0 and worker 0 have the same address, %s: each task needs its '
          'own port' % cluster.ps,
      ),
      (
          'worker',
          2,
          (),
          "task index 2 is out of range: job 'worker' has 2 tasks, 0 to 1",
      ),
      (
          'worker',
          0,
          ('--ps_hosts=%s' % silent, '--connect_secs=1'),
          'ps 0 at %s did not answer within 1 seconds: start it, or allow it '
          'more time with --connect_secs' % silent,
      ),
      (
          'worker',
          1,
          ('--connect_secs=2',),
          'the chief, worker 0 at %s, did not initialize the variables within '
          '2 seconds' % cluster.workers[0],
      ),
  ]


class DistributedFaultsTest(cluster_case.ClusterCase):

  def cluster(self, *flags):
    return super().cluster('--ps_timeout_secs=%d' % _PS_TIMEOUT_SECS, *flags)

  def test_worker_then_chief_then_ps_die(self):
    cifar10_train.train(
        config_lib.Train(
            data_dir=self.dataset.directory,
            train_dir=self.train_dir,
            dataset=self.dataset,
            batch_size=8,
            max_steps=15,
        )
    )
    # Each sees some of the steps: it logs the first one after a multiple.
    cluster, ps, chief, worker = self.start()

    # An update needs both: the remaining one prints whom it waits for.
    self.kill(worker)
    chief.wait_for_line(
        r'^Step \d+ waits for worker 1 at %s, last seen \d+ seconds ago at '
        r'step \d+\.$' % cluster.workers[1]
    )
    waited = len(chief.lines)
    worker = cluster.start('worker', 1)
    worker.wait_for_line(_STEP)
    chief.wait_for_line(r': step (6\d|\d{3,}),', waited)

    # The dead chief's variables are on the ps; those of its last checkpoint, of
    # step 15, replace them, so that the saved values are the trained ones.
    self.kill(chief)
    worker.wait_for_line(
        r'^Step \d+ waits for worker 0 at %s, last seen' % cluster.workers[0]
    )
    waited = len(worker.lines)
    chief = cluster.start('worker', 0)
    step = int(re.search(_STEP, chief.wait_for_line(_STEP)).group(1))
    self.assertBetween(step, 20, 59)
    worker.wait_for_line(_STEP, waited)

    begin = time.monotonic()
    self.kill(ps)
    for program in (chief, worker):
      err = self.assert_fails(
          program,
          'ps 0 at %s has been unreachable for %d seconds, and its variables '
          'are lost: restart ps and workers to resume from the last '
          'checkpoint\n' % (cluster.ps, _PS_TIMEOUT_SECS),
      )
      self.assertEqual(1, err.count('\n'), err)
    self.assertLess(time.monotonic() - begin, _PS_TIMEOUT_SECS + _SLACK_SECS)

  def test_training_goes_on_without_a_worker(self):
    for flag, last in (
        ('--sync=false', 101),
        # Synchronous training with fewer to aggregate.
        ('--replicas_to_aggregate=1', 100),
    ):
      _, ps, chief, worker = self.start(flag, '--max_steps=100', '--fresh')
      self.kill(worker)
      self.assert_ended_well(ps, chief)
      self.assertBetween(self.step(), 100, last)
      self.assertNotIn('waits for', '\n'.join(filter(None, chief.lines)))

  def test_tasks_that_were_told_otherwise(self):
    cluster, ps, chief, worker = self.start()
    self.kill(worker)
    self.kill(chief)
    empty = self.train_dir + '-empty'
    for index, flag, value in (
        (1, '--learning_rate', '0.5'),
        (0, '--train_dir', empty),
    ):
      self.assert_fails(
          cluster.start('worker', index, f'{flag}={value}'),
          f'{flag} is {value}, but ',
      )
    self.assertFalse(os.path.exists(empty))
    # The run is intact for its own tasks.
    cluster.start('worker', 0)
    cluster.start('worker', 1).wait_for_line(_STEP)
    self.assertIsNone(ps.process.poll())

  def _silent_host(self):
    """Returns the host and port of a server that never answers."""
    # A host that is off lets a connection wait; so does this one, whose queue
    # of connections is full.
    silent = socket.create_server(('127.0.0.1', 0), backlog=0)
    self.addCleanup(silent.close)
    host, port = silent.getsockname()
    waiting = []
    for _ in range(3):
      waiting.append(socket.socket())
      self.addCleanup(waiting[-1].close)
      waiting[-1].setblocking(False)
      waiting[-1].connect_ex((host, port))
    return host, port

  def test_who_cannot_take_part_says_why(self):
    cluster = self.cluster()
    ps = cluster.start_ps()
    host, port = self._silent_host()
    expected = _refusals(cluster, '%s:%d' % (host, port))
    # Separate train_dirs: two tasks are chiefs, which would lock a shared one.
    started = [
        cluster.start(job, index, f'--train_dir={self.train_dir}-{n}', *flags)
        for n, (job, index, flags, _) in enumerate(expected)
    ]
    for program, (_, _, _, message) in zip(started, expected):
      err = self.assert_fails(program, message)
      self.assertEqual(1, err.count('\n'), err)

    # None of them disturbed the running task.
    self.assertIsNone(ps.process.poll())
    ps.process.terminate()
    self.assertEqual(128 + signal.SIGTERM, ps.finish()[0])
