"""Injects faults into a cluster of real processes, at random moments.

A parameter server and two workers train on small images; each function injects
the fault that it is named after, and waits until training continues.  Ten
trials share a cluster, unless the fault needs a separate cluster; afterwards,
all processes of the cluster must stop on SIGTERM.
"""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import time

import tensorflow.compat.v1 as tf

from tests.helpers import limits
from tests.helpers import record_fixture
from tests.helpers import small_cluster
from tools.base import processes
from tools.robustness.faults import attempt

_PROGRAM = 'cifar10_distributed_train'
_PS_TIMEOUT_SECS = 15
# Time limit from the start of a process, or the end of a fault, to the next
# step. A timeout is a failure.
_RECOVER_SECS = 150
# The time limit of the programs for SIGTERM, plus the delay of a busy machine.
_STOP_SECS = 30 + 15
# Number of trials that share a cluster.
_TRIES = 10
# The interval in seconds from which the time of a fault is drawn.
_MOMENT_SECS = 4.0

_STEP = re.compile(r': step (\d+), loss')
_RESTORED = re.compile(r'restored (\d+) ')


class _Training:
  """A ps and two workers that train.

  Attributes:
    cluster: small_cluster.SmallCluster.
    train_dir: str, the train_dir of the chief.
    programs: dict from (job, index) to program.Program, of the running
      programs.
  """

  def __init__(self, directory, sync, plants='-', **kwargs):
    """Writes the images without starting a process.

    Args:
      directory: str, an existing directory.
      sync: bool, whether training is synchronous.
      plants: str, see child.py.
      **kwargs: arguments for Popen.
    """
    images = os.path.join(directory, 'images')
    os.mkdir(images)
    dataset = record_fixture.write_set(
        images, *record_fixture.random_images(200)
    )
    self.train_dir = os.path.join(directory, 'train')
    self.cluster = small_cluster.SmallCluster(
        dataset,
        self.train_dir,
        '--sync=%s' % str(sync).lower(),
        '--ps_timeout_secs=%d' % _PS_TIMEOUT_SECS,
    )
    self._plants = plants
    # A process that enters another network cannot be forked from this process.
    self._kwargs = kwargs or {
        'forked': True,
        'preload': ('cifar10_compat.' + _PROGRAM,),
    }
    self.programs = {}
    self._workers = []  # All workers ever started.
    self.begin_try()

  def begin_try(self):
    """Discards the records of earlier trials."""
    self._last = None  # The last step logged before a kill.
    self._named = None  # The step of the newest checkpoint before the kill.
    self._chief = None  # The chief that outlived the kill, or None.
    self._told = {worker: len(worker.lines) for worker in self._workers}

  def start_all(self):
    for task in (('ps', 0), ('worker', 0), ('worker', 1)):
      self.start(*task)

  def start(self, job, index):
    self.programs[job, index] = self.start_other(job, index)
    if job == 'worker':
      self._workers.append(self.programs[job, index])

  def start_other(self, job, index, *flags):
    """Starts and returns a process, without adding it to `programs`."""
    return self.cluster.start_as(
        ('tools.robustness.faults', 'child', _PROGRAM, self._plants),
        job,
        index,
        *flags,
        **self._kwargs,
    )

  def kill(self, job, index):
    """Kills a process, and records the last logged and the last saved step."""
    process = self.programs.pop((job, index)).process
    process.kill()
    process.wait(60)
    steps = [m for w in self._workers for m in _matches(_STEP, w)]
    self._last = max(steps, default=-1)
    state = tf.train.get_checkpoint_state(self.train_dir)
    self._named = state and int(state.model_checkpoint_path.rpartition('-')[2])
    self._chief = self.programs.get(('worker', 0))

  def steps_lost(self):
    """Checks the step that a restarted chief restored.

    Returns:
      int, number of logged steps to repeat; None if the chief was not
      restarted.

    Raises:
      Failed: the chief did not restore the newest checkpoint.
    """
    chief = self.programs['worker', 0]
    if self._last is None or chief is self._chief:
      return None
    restored = _matches(_RESTORED, chief)[0]
    attempt.check(
        self._named is None or restored >= self._named,
        'step %s was the newest checkpoint, but step %d was restored'
        % (self._named, restored),
    )
    return max(0, self._last + 1 - restored)

  def wait_for_steps(self):
    """Waits until each worker logs a new step."""
    workers = {t: p for t, p in self.programs.items() if t[0] == 'worker'}
    seen = {task: len(p.lines) for task, p in workers.items()}

    def continued(task):
      return any(': step ' in l for l in workers[task].lines[seen[task] :] if l)

    for task in workers:
      attempt.wait_until(
          lambda t=task: continued(t), _RECOVER_SECS, 'a step of %s %d' % task
      )

  def stop(self):
    """Ends all processes by SIGTERM."""
    workers = [task for task in self.programs if task[0] == 'worker']
    # Stop the ps last: the chief still has to save its variables.
    for tasks in (workers, [('ps', 0)]):
      for task in tasks:
        self.programs[task].process.terminate()
      for task in tasks:
        process = self.programs[task].process
        attempt.wait_until(
            lambda p=process: p.poll() is not None,
            _STOP_SECS,
            'the end of %s %d on SIGTERM' % task,
        )
        if process.poll() != 128 + signal.SIGTERM:
          raise attempt.Failed(
              '%s %d ended with %s: %s'
              % (task + (process.poll(), self.programs[task].finish()[2]))
          )

  def said(self):
    """Returns the last line in which a worker reports that it waits, or ''."""
    lines = [
        l
        for (job, _), p in sorted(self.programs.items())
        if job == 'worker'
        for l in p.lines[self._told.get(p, 0) :]
        if l and (' waits for ' in l or l.startswith('No update'))
    ]
    return lines[-1] if lines else ''


def _matches(pattern, started):
  """Returns the numbers in the lines of a Program that match a pattern."""
  return [
      int(m[1]) for m in map(pattern.search, filter(None, started.lines)) if m
  ]


def _fault(function):
  """Decorates a function that injects a fault into a running _Training.

  Args:
    function: function of a _Training and a random.Random.

  Returns:
    function of a run.Context, a random.Random and a bool, whether training is
    synchronous; it returns an attempt.Recovery.
  """

  @functools.wraps(function)
  def fault(context, moment, *, sync):
    def start():
      training = _new(context, sync)
      training.start_all()
      return training

    training = context.keep('cluster', start)
    training.begin_try()
    training.wait_for_steps()
    time.sleep(moment.uniform(0, _MOMENT_SECS))
    function(training, moment)
    recovery = _recover(training)
    if context.number % _TRIES == _TRIES - 1:
      training.stop()
      context.end_kept()
    return recovery

  return fault


def _new(context, sync):
  """Returns a _Training that ends with the context's current scope."""
  training = _Training(context.new_directory(), sync, context.plants)
  context.on_end(training.cluster.kill)
  return training


def _recover(training):
  """Waits until training continues; returns an attempt.Recovery."""
  begin = time.monotonic()
  training.wait_for_steps()
  secs = time.monotonic() - begin
  return attempt.Recovery(training.steps_lost(), secs, training.said())


@_fault
def kill_chief(training, moment):
  """Kills the chief with kill -9, then restarts it."""
  del moment
  training.kill('worker', 0)
  training.start('worker', 0)


@_fault
def kill_worker(training, moment):
  """Kills the other worker with kill -9, then restarts it."""
  del moment
  training.kill('worker', 1)
  training.start('worker', 1)


@_fault
def kill_ps(training, moment):
  """Kills the ps with kill -9; restarts all processes once the workers exit."""
  del moment
  training.kill('ps', 0)
  for task in (('worker', 0), ('worker', 1)):
    program = training.programs.pop(task)
    attempt.wait_until(
        lambda p=program.process: p.poll() is not None,
        _PS_TIMEOUT_SECS + _STOP_SECS,
        'the end of %s %d without its ps' % task,
    )
    code, _, err = program.finish()
    attempt.check(
        code == 1 and 'has been unreachable for' in err,
        '%s %d ended with %s: %s' % (task + (code, err)),
    )
  training.start_all()


@_fault
def stop_worker(training, moment):
  """Suspends the other worker with SIGSTOP, and resumes it seconds later."""
  process = training.programs['worker', 1].process
  process.send_signal(signal.SIGSTOP)
  time.sleep(moment.uniform(1, 12))
  process.send_signal(signal.SIGCONT)


@_fault
def other_settings(training, moment):
  """Restarts a worker with another setting, or starts a second chief."""
  if moment.random() < 0.5:
    [address] = processes.free_addresses(1)
    refused = training.start_other(
        'worker',
        0,
        '--train_dir=' + training.train_dir + '.other',
        f'--worker_hosts={address},{training.cluster.workers[1]}',
    )
    flag = 'train_dir'
  else:
    training.kill('worker', 1)
    flag = moment.choice(['batch_size', 'learning_rate', 'max_steps'])
    refused = training.start_other('worker', 1, f'--{flag}=1')
  attempt.wait_until(
      lambda: refused.process.poll() is not None, _RECOVER_SECS, 'the exit'
  )
  attempt.check_one_line(refused.finish(), '--' + flag, 'the other process')
  if flag != 'train_dir':
    training.start('worker', 1)


@_fault
def garbage(training, moment):
  """Sends random bytes to every process's port, over several connections."""
  cluster = training.cluster
  for address in [cluster.ps, *cluster.workers] * 5:
    host, port = address.split(':')
    with socket.create_connection((host, int(port)), 10) as connection:
      # The process can close the connection.
      with contextlib.suppress(OSError):
        connection.sendall(moment.randbytes(moment.randrange(1, 20000)))


def lose_tokens(context, moment, *, sync):
  """Kills the chief with kill -9 after an update, before it adds tokens."""
  training = _new(context, sync)
  training.start('ps', 0)
  training.start('worker', 1)
  doomed = training.cluster.start_doomed(
      'worker', 0, 'update', moment.randrange(10, 60)
  )
  attempt.wait_until(
      lambda: doomed.process.poll() is not None, _RECOVER_SECS, 'the kill'
  )
  doomed.finish()
  training.start('worker', 0)
  recovery = _recover(training)
  training.stop()
  return recovery


def slow_link(context, moment, *, sync):
  """Slows down the network between all processes for a while."""
  try:
    network = limits.Network()
  except (OSError, subprocess.CalledProcessError) as e:
    raise attempt.Failed('this system cannot create networks: %s' % e) from e
  with network:
    training = _Training(
        context.new_directory(), sync, context.plants, preexec_fn=network.enter
    )
    context.on_end(training.cluster.kill)
    training.start_all()
    training.wait_for_steps()
    time.sleep(moment.uniform(0, _MOMENT_SECS))
    megabits = moment.randrange(20, 200)
    network.slow_down(megabits)
    begin = time.monotonic()
    training.wait_for_steps()
    secs = time.monotonic() - begin
    network.speed_up()
    training.wait_for_steps()
    training.stop()
  return attempt.Recovery(seconds=secs, message='%d Mbit/s' % megabits)
