"""The tasks of a distributed training: who is where, and who answers.

TensorFlow by itself waits without a limit for a task that does not answer,
retries a lost parameter server for ever, and says nothing meanwhile; what is
here looks at the ports first, and keeps looking.
"""

import collections
import ipaddress
import json
import operator
import socket
import threading
import time

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors

PS = 'ps'
WORKER = 'worker'
# Of TF_CONFIG only: the worker that checkpoints, and one who needs no server.
CHIEF = 'chief'
EVALUATOR = 'evaluator'

# A frame of HTTP/2 begins with its length, three bytes, and its type, one.
_HTTP2_HEADER_BYTES = 9
_HTTP2_SETTINGS = 4

# Seconds for a busy machine to answer a watchdog.
_PATIENCE_SECS = 5.0


class Cluster(collections.namedtuple('Cluster', ['tasks', 'job', 'index'])):
  """A task and those it works with.

  Attributes:
    tasks: dict from a job's name to the list of its tasks' addresses,
      'host:port'.
    job: str, this task's job.
    index: int, this task's place in that job's list.
  """

  @property
  def workers(self):
    """List of (job, index) of those who train, the chief first."""
    return [
        (job, i)
        for job in (CHIEF, WORKER)
        for i in range(len(self.tasks.get(job, ())))
    ]

  @property
  def worker_number(self):
    """This task's place, an int, in the list of workers."""
    return self.workers.index((self.job, self.index))

  @property
  def is_chief(self):
    return self.workers[0] == (self.job, self.index)

  def address(self, job, index):
    """Returns 'host:port' of a task."""
    return self.tasks[job][index]


def from_flags(job_name, task_index, *, ps_hosts, worker_hosts):
  """Makes a Cluster of the flags of 2016.

  Args:
    job_name: str, 'ps' or 'worker'.
    task_index: int.
    ps_hosts, worker_hosts: lists of 'host:port'.

  Returns:
    Cluster.

  Raises:
    UsageError: it cannot be; the message names the flag.
  """
  for flag, hosts in (('ps_hosts', ps_hosts), ('worker_hosts', worker_hosts)):
    if not hosts:
      raise errors.UsageError(
          '--%s is missing: it names the tasks, as in --%s=127.0.0.1:2222'
          % (flag, flag)
      )
  return _checked(
      Cluster(
          {PS: list(ps_hosts), WORKER: list(worker_hosts)}, job_name, task_index
      )
  )


def from_tf_config(text):
  """Makes a Cluster of what the environment variable TF_CONFIG holds.

  Args:
    text: str, JSON: {"cluster": {"chief": [...], "worker": [...], "ps": [...]},
      "task": {"type": "worker", "index": 0}}.

  Returns:
    Cluster; an evaluator's, too, whose job need not be among its tasks.

  Raises:
    UsageError: it is not such a text, or the cluster cannot be.
  """
  try:
    config = json.loads(text)
    tasks = {
        str(job): [str(a) for a in addresses]
        for job, addresses in config['cluster'].items()
    }
    job, index = str(config['task']['type']), config['task']['index']
    # Some write it as a text; a fraction or Infinity is no index.
    index = int(index) if isinstance(index, str) else operator.index(index)
  except (ValueError, KeyError, TypeError, AttributeError) as e:
    raise errors.UsageError(
        'TF_CONFIG is not {"cluster": {"ps": [ADDRESS, ...], ...}, "task": '
        '{"type": JOB, "index": NUMBER}}: %s' % text
    ) from e
  unknown = set(tasks) - {PS, WORKER, CHIEF, EVALUATOR}
  if unknown:
    raise errors.UsageError(
        'TF_CONFIG has a job %r: known are ps, worker, '
        'chief and evaluator' % sorted(unknown)[0]
    )
  tasks.pop(EVALUATOR, None)
  cluster = Cluster(tasks, job, index)
  return cluster if job == EVALUATOR else _checked(cluster)


def _checked(cluster):
  """Returns a cluster; raises UsageError if it cannot be."""
  if len(cluster.tasks.get(CHIEF, ())) > 1:
    raise errors.UsageError(
        'there are %d chiefs: a cluster has one' % len(cluster.tasks[CHIEF])
    )
  if not cluster.tasks.get(PS) or not cluster.workers:
    raise errors.UsageError(
        'a cluster needs a ps and a worker: this one has '
        '%s' % (', '.join(sorted(cluster.tasks)) or 'none')
    )
  if cluster.job not in cluster.tasks:
    raise errors.UsageError(
        'job %r is not in the cluster: the jobs are %s'
        % (cluster.job, ', '.join(sorted(cluster.tasks)))
    )
  number = len(cluster.tasks[cluster.job])
  if not 0 <= cluster.index < number:
    raise errors.UsageError(
        'task index %d is out of range: job %r has the %d tasks 0 to %d'
        % (cluster.index, cluster.job, number, number - 1)
    )
  seen = {}
  for job, addresses in sorted(cluster.tasks.items()):
    for i, address in enumerate(addresses):
      host, _, port = address.rpartition(':')
      if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise errors.UsageError(
            '%s %d has address %r: it must be HOST:PORT' % (job, i, address)
        )
      if address in seen:
        raise errors.UsageError(
            '%s and %s %d have one address, %s: each task needs a port of its '
            'own' % (seen[address], job, i, address)
        )
      seen[address] = '%s %d' % (job, i)
  return cluster


def check_local(cluster):
  """Checks that all addresses are this machine's own loopback.

  Raises:
    UsageError: one is not; it is named.
  """
  for job, addresses in sorted(cluster.tasks.items()):
    for i, address in enumerate(addresses):
      host = address.rpartition(':')[0].strip('[]')
      try:
        local = host == 'localhost' or ipaddress.ip_address(host).is_loopback
      except ValueError:
        local = False
      if not local:
        raise errors.UsageError(
            "%s %d is at %s, off this machine: TensorFlow's protocol has no "
            'authentication, whoever reaches a port can run code; firewall '
            'the ports, then allow it with --allow_remote' % (job, i, address)
        )


def answers(address, secs=1.0):
  """Whether a server of TensorFlow's kind listens at 'host:port' and speaks.

  A server whose process is stopped accepts connections all the same, as does
  any other program.  One that speaks gRPC sends the first frame of HTTP/2,
  SETTINGS, without being asked (RFC 9113, 3.4).

  Args:
    address: str, 'host:port'.
    secs: number, how long to wait for the connection, and for each part of the
      frame.
  """
  host, _, port = address.rpartition(':')
  try:
    with socket.create_connection((host.strip('[]'), int(port)), secs) as made:
      header = b''
      while len(header) < _HTTP2_HEADER_BYTES:
        received = made.recv(_HTTP2_HEADER_BYTES - len(header))
        if not received:
          return False
        header += received
      return header[3] == _HTTP2_SETTINGS
  except OSError:
    return False


def start_server(cluster):
  """Starts this task's server, whose target sessions connect to.

  It listens on its port of *every* interface, whatever host its address has.

  Returns:
    tf.train.Server.

  Raises:
    UsageError: the port is taken.
  """
  try:
    return tf.train.Server(
        tf.train.ClusterSpec(cluster.tasks), cluster.job, cluster.index
    )
  except tf.errors.OpError as e:  # UnknownError, whatever the reason.
    raise errors.UsageError(
        'no server can be started for %s %d at %s: its port is taken, by a '
        'second task of that index or by another program (%s)'
        % (
            cluster.job,
            cluster.index,
            cluster.address(cluster.job, cluster.index),
            e.message.splitlines()[0],
        )
    ) from e


def wait_for_ps(cluster, secs, stop):
  """Waits until every ps answers, and tells which workers do not yet.

  Args:
    cluster: Cluster.
    secs: number, how long to wait.
    stop: signals.StopRequest, ends the waiting.

  Returns:
    bool, whether all answer; otherwise a stop was requested.

  Raises:
    UsageError: some ps did not answer; they are named.
  """
  end = time.monotonic() + secs
  missing = list(enumerate(cluster.tasks[PS]))
  while True:
    missing = [(i, a) for i, a in missing if not answers(a)]
    if not missing:
      break
    if time.monotonic() > end:
      raise errors.UsageError(
          'no answer within %g seconds from %s: start it, or give it more '
          'time with --connect_secs'
          % (secs, ', '.join('ps %d at %s' % m for m in missing))
      )
    if stop.wait(0.2):
      return False
  absent = [
      '%s %d at %s' % (job, i, cluster.address(job, i))
      for job, i in cluster.workers
      if (job, i) != (cluster.job, cluster.index)
      and not answers(cluster.address(job, i))
  ]
  if absent:
    print('Not there yet: %s.' % ', '.join(absent), flush=True)
  return True


def wait_for_end(cluster, secs, stop):
  """Waits until no worker answers any more.

  Args:
    cluster: Cluster.
    secs: number, how long to wait at the most.
    stop: signals.StopRequest, ends the waiting.
  """
  end = time.monotonic() + secs
  while any(answers(cluster.address(*w)) for w in cluster.workers):
    if stop.wait(0.2) or time.monotonic() > end:
      return


class Watchdog(object):
  """A thread that notices a task that is gone for good."""

  def __init__(self, tasks, timeout_secs, leave, *, await_first=False):
    """Watches tasks, as a context manager.

    Args:
      tasks: dict from a task's name, str, to its address, 'host:port'.
      timeout_secs: number, how long a task may be gone.
      leave: function of a task's name and address that ends the process: the
        thread that trains waits within TensorFlow and cannot be told.
      await_first: bool, a task is not missed before it has answered once.
    """
    self._tasks = tasks
    self._timeout_secs = timeout_secs
    self._leave = leave
    self._await_first = await_first
    self._stopped = threading.Event()
    self._thread = threading.Thread(
        target=self._watch, name='watchdog', daemon=True
    )

  def __enter__(self):
    self._thread.start()
    return self

  def __exit__(self, *unused_exc_info):
    self._stopped.set()
    self._thread.join()

  def _watch(self):
    seen = (
        {}
        if self._await_first
        else (dict.fromkeys(self._tasks, time.monotonic()))
    )
    patience = min(_PATIENCE_SECS, self._timeout_secs)
    while not self._stopped.wait(min(1.0, self._timeout_secs / 4)):
      for name, address in self._tasks.items():
        if answers(address, patience):
          seen[name] = time.monotonic()
        elif (
            name in seen
            and time.monotonic() - seen[name] > self._timeout_secs
            and not self._stopped.is_set()
        ):
          self._leave(name, address)
          return


def ps_watchdog(cluster, timeout_secs, leave):
  """Returns the Watchdog of every ps; `leave` is a function of a message."""

  def gone(name, address):
    leave(
        '%s at %s is gone for %g seconds, and what it held with it: start ps '
        'and workers again, the chief goes on from its last checkpoint'
        % (name, address, timeout_secs)
    )

  return Watchdog(
      {'ps %d' % i: a for i, a in enumerate(cluster.tasks[PS])},
      timeout_secs,
      gone,
  )


def chief_watchdog(cluster, timeout_secs, leave):
  """Returns the Watchdog of a chief; `leave` is a function of a message.

  It may come as late as it likes, but not go and stay away.
  """
  job, index = cluster.workers[0]

  def gone(name, address):
    leave(
        '%s at %s, the chief, is gone for %g seconds: start all again, the '
        'chief goes on from its last checkpoint; --chief_timeout_secs allows '
        'it more time' % (name, address, timeout_secs)
    )

  return Watchdog(
      {'%s %d' % (job, index): cluster.address(job, index)},
      timeout_secs,
      gone,
      await_first=True,
  )
