"""Clusters of real processes on this machine, with few and small images."""

from cifar10_compat.distributed import cluster
from tests.helpers import program
from tools.base import processes


class SmallCluster(object):
  """A ps and two workers, each started by start().

  Attributes:
    ps: str, the address of the ps.
    workers: list of str, the workers' addresses; the first is the chief's.
  """

  def __init__(self, dataset, train_dir, *flags):
    """Chooses ports.

    Args:
      dataset: description.Dataset, a custom set.
      train_dir: str.
      *flags: str, for every process.
    """
    self.ps, *self.workers = processes.free_addresses(3)
    self._flags = (
        '--dataset=' + dataset.directory,
        '--train_dir=' + train_dir,
        '--batch_size=8',
        '--ps_hosts=' + self.ps,
        '--worker_hosts=' + ','.join(self.workers),
    ) + flags
    self._started = []

  def start(self, job, index, *flags):
    """Starts a process; returns its program.Program."""
    self._started.append(
        program.Program(
            'cifar10_distributed_train',
            '--job_name=' + job,
            '--task_index=%d' % index,
            *(self._flags + flags),
            forked=True,
        )
    )
    return self._started[-1]

  def start_as(self, program_of, job, index, *flags, **kwargs):
    """Starts a process of another program that accepts the same flags.

    Args:
      program_of: tuple of str: its package, its module, and the arguments
        before the flags.
      job, index: str and int, of the process.
      *flags: str, which override those for every process.
      **kwargs: for Popen.

    Returns:
      program.Program.
    """
    package, module, *args = program_of
    self._started.append(
        program.Program(
            module,
            *args,
            '--job_name=' + job,
            '--task_index=%d' % index,
            *self._flags,
            *flags,
            package=package,
            **kwargs,
        )
    )
    return self._started[-1]

  def start_doomed(self, job, index, point, run):
    """Starts a process that dies at a point: see killed_at.py."""
    return self.start_as(
        ('tests.helpers', 'killed_at', point, '%d' % run), job, index
    )

  def start_all(self):
    """Starts a ps and two workers; returns the three."""
    return [
        self.start(job, index)
        for job, index in (('ps', 0), ('worker', 0), ('worker', 1))
    ]

  def start_ps(self):
    """Starts a ps and waits until it listens."""
    ps = self.start('ps', 0)
    ps.wait_for(lambda: cluster.answers(self.ps))
    return ps

  def kill(self):
    """Kills processes that a failed test left behind."""
    for started in self._started:
      if started.process.poll() is None:
        started.process.kill()
        started.finish()
