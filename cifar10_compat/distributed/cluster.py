"""The tasks of a distributed run, their addresses, and watchdogs for them.

TensorFlow waits forever for a task that does not answer, retries a lost
parameter server forever, and prints nothing while it waits.  This module checks
the tasks' ports before it connects, and keeps checking them.
"""

from collections.abc import Callable, Sequence
import contextlib
import ipaddress
import json
import operator
import os
import socket
import threading
import time
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals

PS = 'ps'
WORKER = 'worker'
# Jobs that exist only in TF_CONFIG: the worker that saves checkpoints, and the
# evaluator, which runs no server.
CHIEF = 'chief'
MASTER = 'master'  # The name of CHIEF until 2018.
EVALUATOR = 'evaluator'

# An HTTP/2 frame begins with its length (three bytes) and its type (one byte).
_HTTP2_HEADER_BYTES = 9
_HTTP2_SETTINGS = 4

# Seconds that a watchdog waits for a busy machine to answer.
_PATIENCE_SECS = 5.0


class Cluster(NamedTuple):
  """A task and its cluster."""

  tasks: dict[str, list[str]]  # by job; addresses, each 'host:port'
  job: str  # this task's
  index: int  # type: ignore[assignment]  # in that job's list, not tuple.index()

  @property
  def workers(self) -> list[tuple[str, int]]:
    """The (job, index) of each worker, starting with the chief."""
    return [
        (job, i)
        for job in (CHIEF, WORKER)
        for i in range(len(self.tasks.get(job, ())))
    ]

  @property
  def worker_number(self) -> int:
    """This task's index in the list of workers."""
    return self.workers.index((self.job, self.index))

  @property
  def is_chief(self) -> bool:
    return self.workers[0] == (self.job, self.index)

  def address(self, job: str, index: int) -> str:
    """Returns the 'host:port' of a task."""
    return self.tasks[job][index]

  def named(self, *jobs: str) -> dict[str, str]:
    """Returns the addresses of some jobs' tasks, by names such as 'ps 0'."""
    return {
        f'{job} {i}': address
        for job in jobs
        for i, address in enumerate(self.tasks.get(job, ()))
    }


def from_flags(
    job_name: str,
    task_index: int,
    *,
    ps_hosts: Sequence[str],
    worker_hosts: Sequence[str],
) -> Cluster:
  """Creates a Cluster from flags, as in 2016.

  Args:
    job_name: 'ps' or 'worker'.
    task_index: this task's index among the hosts of its job.
    ps_hosts, worker_hosts: the tasks' addresses, each 'host:port'.

  Raises:
    UsageError: the cluster is invalid; the message names the flag.
  """
  for flag, hosts in (('ps_hosts', ps_hosts), ('worker_hosts', worker_hosts)):
    errors.UsageError.raise_if(
        not hosts,
        f'--{flag} is missing: it lists the tasks, as in '
        f'--{flag}=127.0.0.1:2222',
    )
  return _checked(
      Cluster(
          {PS: list(ps_hosts), WORKER: list(worker_hosts)}, job_name, task_index
      )
  )


def from_tf_config(text: str) -> Cluster:
  """Creates a Cluster from the environment variable TF_CONFIG.

  Args:
    text: JSON: {"cluster": {"chief": [...], "worker": [...], "ps": [...]},
      "task": {"type": "worker", "index": 0}}.

  Returns:
    The cluster; the text need not list the evaluator.

  Raises:
    UsageError: the text is malformed, or the cluster is invalid.
  """
  try:
    config = json.loads(text)
    tasks = {
        str(job): [str(a) for a in addresses]
        for job, addresses in config['cluster'].items()
    }
    if any(isinstance(a, str) for a in config['cluster'].values()):
      raise TypeError('an address instead of a list')
    job, index = str(config['task']['type']), config['task']['index']
    if MASTER in tasks and CHIEF not in tasks:
      tasks[CHIEF] = tasks.pop(MASTER)
      job = CHIEF if job == MASTER else job
    # Accept an index written as a string; reject a fraction or Infinity.
    index = int(index) if isinstance(index, str) else operator.index(index)
  except (ValueError, KeyError, TypeError, AttributeError) as e:
    raise errors.UsageError(
        'TF_CONFIG is not {"cluster": {"ps": [ADDRESS, ...], ...}, "task": '
        f'{{"type": JOB, "index": NUMBER}}}}: {text}'
    ) from e
  if unknown := set(tasks) - {PS, WORKER, CHIEF, EVALUATOR}:
    raise errors.UsageError(
        f'TF_CONFIG has an unknown job {min(unknown)!r}: use ps, worker, chief '
        'or evaluator'
    )
  tasks.pop(EVALUATOR, None)
  cluster = Cluster(tasks, job, index)
  return cluster if job == EVALUATOR else _checked(cluster)


def _checked(cluster: Cluster) -> Cluster:
  """Creates a Cluster; raises UsageError if it is invalid."""
  chiefs = len(cluster.tasks.get(CHIEF, ()))
  errors.UsageError.raise_if(
      chiefs > 1, f'there are {chiefs} chiefs: a cluster has only one'
  )
  jobs = ', '.join(sorted(cluster.tasks))
  errors.UsageError.raise_if(
      not cluster.tasks.get(PS) or not cluster.workers,
      f"a cluster needs a ps and a worker, but has the jobs {jobs or 'none'}",
  )
  errors.UsageError.raise_if(
      cluster.job not in cluster.tasks,
      f'job {cluster.job!r} is not in the cluster: the jobs are {jobs}',
  )
  number = len(cluster.tasks[cluster.job])
  errors.UsageError.raise_if(
      not 0 <= cluster.index < number,
      f'task index {cluster.index:d} is out of range: job {cluster.job!r} has '
      f'{number} tasks, 0 to {number - 1}',
  )
  seen: dict[str, str] = {}
  for task, address in cluster.named(*sorted(cluster.tasks)).items():
    host, _, port = address.rpartition(':')
    errors.UsageError.raise_if(
        not host or not port.isdecimal() or not 0 < int(port) < 65536,
        f'{task} has address {address!r}: it must be HOST:PORT',
    )
    other = seen.setdefault(address, task)
    errors.UsageError.raise_if(
        other != task,
        f'{other} and {task} have the same address, {address}: each task needs '
        'its own port',
    )
  return cluster


def check_local(cluster: Cluster) -> None:
  """Checks that all addresses are loopback addresses of this machine.

  Raises:
    UsageError: an address is not a loopback address; the message names the
      task.
  """
  for task, address in cluster.named(*sorted(cluster.tasks)).items():
    host = address.rpartition(':')[0].strip('[]')
    try:
      local = host == 'localhost' or ipaddress.ip_address(host).is_loopback
    except ValueError:
      local = False
    errors.UsageError.raise_if(
        not local,
        f"{task} is at {address}, on another machine: TensorFlow's protocol "
        'has no authentication, so any process that reaches a port can run '
        'code; firewall the ports, then add --allow_remote',
    )


def answers(address: str, secs: float = 1.0) -> bool:
  """Returns whether a TensorFlow server answers at 'host:port'.

  An accepted connection proves nothing: suspended processes and other programs
  also accept connections.  A gRPC server sends HTTP/2's first frame, SETTINGS,
  unprompted (RFC 9113, 3.4).

  Args:
    address: 'host:port'.
    secs: seconds to wait for the connection and for each part of the frame.
  """
  host, _, port = address.rpartition(':')
  try:
    with (
        socket.create_connection((host.strip('[]'), int(port)), secs) as made,
        made.makefile('rb') as received,
    ):
      header = received.read(_HTTP2_HEADER_BYTES)
      return len(header) == _HTTP2_HEADER_BYTES and header[3] == _HTTP2_SETTINGS
  except OSError:
    return False


def start_server(cluster: Cluster) -> tf.train.Server:
  """Starts this task's server; sessions connect to the server's target.

  The server listens on *all* network interfaces, regardless of the host in the
  task's address.

  Raises:
    UsageError: the port is already in use.
  """
  # Disable proxies: tasks that connect through a proxy wait for each other
  # forever.
  hosts = {
      address.rpartition(':')[0].strip('[]')
      for addresses in cluster.tasks.values()
      for address in addresses
  }
  without = os.environ.get('no_grpc_proxy') or os.environ.get('no_proxy', '')
  os.environ['no_grpc_proxy'] = ','.join(
      filter(None, [without, *sorted(hosts)])
  )
  try:
    return tf.train.Server(
        tf.train.ClusterSpec(cluster.tasks), cluster.job, cluster.index
    )
  except tf.errors.OpError as e:  # The error is always UnknownError.
    raise errors.UsageError(
        f'no server can be started for {cluster.job} {cluster.index:d} at '
        f'{cluster.address(cluster.job, cluster.index)}: its port is in use by '
        'a second task with this index or by another program '
        f'({e.message.splitlines()[0]})'
    ) from e


class Stopped(Exception):
  """Raised if a stop is requested before the session is created."""


def wait_for_ps(
    cluster: Cluster, secs: float, stop: signals.StopRequest
) -> None:
  """Waits until every ps answers; prints the workers that do not answer yet.

  Args:
    cluster: the cluster.
    secs: maximum number of seconds to wait.
    stop: request that ends the wait.

  Raises:
    UsageError: a ps did not answer; the message lists each one.
    Stopped: a stop was requested before every ps had answered.
  """
  end = time.monotonic() + secs
  missing = cluster.named(PS)
  while missing := {t: a for t, a in missing.items() if not answers(a)}:
    late = ', '.join(f'{task} at {a}' for task, a in missing.items())
    errors.UsageError.raise_if(
        time.monotonic() > end,
        f'{late} did not answer within {secs:g} seconds: start it, or allow it '
        'more time with --connect_secs',
    )
    if stop.sleep(0.2):
      raise Stopped()
  absent = [
      f'{task} at {address}'
      for task, address in cluster.named(CHIEF, WORKER).items()
      if task != f'{cluster.job} {cluster.index:d}' and not answers(address)
  ]
  if absent:
    print(f"Not started yet: {', '.join(absent)}.", flush=True)


def wait_for_end(
    cluster: Cluster, secs: float, stop: signals.StopRequest
) -> None:
  """Waits until no worker answers any more.

  Args:
    cluster: the cluster.
    secs: maximum number of seconds to wait.
    stop: request that ends the wait.
  """
  end = time.monotonic() + secs
  while any(map(answers, cluster.named(CHIEF, WORKER).values())):
    if stop.sleep(0.2) or time.monotonic() > end:
      return


def ps_watchdog(
    cluster: Cluster, timeout_secs: float, leave: Callable[[str], object]
) -> contextlib.AbstractContextManager[None]:
  """Context that ends the process if a parameter server is lost."""
  return _task_watch(
      cluster.named(PS),
      timeout_secs,
      leave,
      f' has been unreachable for {timeout_secs:g} seconds, and its variables '
      'are lost: restart ps and workers to resume from the last checkpoint',
  )


def chief_watchdog(
    cluster: Cluster, timeout_secs: float, leave: Callable[[str], object]
) -> contextlib.AbstractContextManager[None]:
  """Context that ends the process if the chief is lost.

  The chief can start at any time, but must stay reachable after its first
  answer.
  """
  job, index = cluster.workers[0]
  return _task_watch(
      {f'{job} {index}': cluster.address(job, index)},
      timeout_secs,
      leave,
      f', the chief, has been unreachable for {timeout_secs:g} seconds: '
      'restart all tasks to resume from the last checkpoint; '
      '--chief_timeout_secs allows it more time',
      await_first=True,
  )


def _task_watch(
    tasks: dict[str, str],
    timeout_secs: float,
    leave: Callable[[str], object],
    lost: str,
    *,
    await_first: bool = False,
) -> contextlib.AbstractContextManager[None]:
  """Returns a context in which a thread watches for lost tasks.

  Args:
    tasks: addresses, 'host:port', by task name.
    timeout_secs: seconds that a task may be unreachable.
    leave: function that takes a message and ends the process, even if the
      training thread is blocked in TensorFlow.
    lost: the message after the task's name and address.
    await_first: whether to ignore a task until it has answered once.
  """

  def watch(over: threading.Event) -> None:
    seen = dict.fromkeys(() if await_first else tasks, time.monotonic())
    patience = min(_PATIENCE_SECS, timeout_secs)
    while not over.wait(min(1.0, timeout_secs / 4)):
      for name, address in tasks.items():
        if answers(address, patience):
          seen[name] = time.monotonic()
        elif (
            name in seen
            and time.monotonic() - seen[name] > timeout_secs
            and not over.is_set()
        ):
          leave(f'{name} at {address}{lost}')
          return

  return signals.watching('watchdog', watch)
