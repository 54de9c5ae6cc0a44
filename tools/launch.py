r"""Starts a training on this machine: all its processes, and its evaluator.

  launch --eval FLAGS                      the trainer
  launch --towers=2 --eval FLAGS           its towers, on one GPU each
  launch --ps=1 --workers=2 --eval FLAGS   parameter servers and workers

FLAGS are those of the program that trains; the evaluator gets what it needs of
them.  Each line that a process prints begins with the process's name.  When one
fails, or on Ctrl-C, all are stopped: the trainer saves its step, and the same
command goes on from there.  When training is done the evaluator scores the last
checkpoint.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import argparse
import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple

from cifar10_compat import errors
from cifar10_compat import signals
from tools import command_line
from tools import processes

# How long a process may take to save what it has.
_GRACE_SECS = 60

# Between a process's name and what it printed.
_SEPARATOR = ' | '

_PR_SET_PDEATHSIG = 1  # Of Linux's sys/prctl.h.

# Keeps a process from the GPUs, which it would otherwise take for itself.
_NO_GPU = {'CUDA_VISIBLE_DEVICES': ''}


class Task(NamedTuple):
  """A program to run."""
  name: str  # each of its lines begins with it
  module: str
  args: List[str]
  env: Dict[str, str] = {}  # beside our own environment


class _Child(object):
  """A running Task.

  Attributes:
    name: str.
    streams: dict from each pipe it writes to, to the file its lines go to.
  """

  def __init__(self, task):
    self.name = task.name
    self._process = subprocess.Popen(
        processes.command(task.module, task.args), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(processes.environment(), **task.env),
        # Out of the terminal's reach: Ctrl-C comes to us, who stop in order.
        start_new_session=True,
        preexec_fn=_end_with_parent())
    self.streams = {self._process.stdout: sys.stdout,
                    self._process.stderr: sys.stderr}

  @property
  def exit_code(self):
    """None while it runs; 128 and its number if a signal ended it."""
    code = self._process.poll()
    return 128 - code if code is not None and code < 0 else code

  def terminate(self):
    self._process.terminate()

  def kill(self):
    self._process.kill()
    self._process.wait()


def _end_with_parent():
  """Returns a function for a child, which then ends when this process does.

  However it ends, kill -9 included.  None where that is not to be had.
  """
  if not sys.platform.startswith('linux'):
    return None
  prctl = ctypes.CDLL(None).prctl  # Loaded here: a child should do little.
  return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def lines_of(name, text):
  """Returns the lines that a process of that name printed, without the name.

  Args:
    name: str, a Task's.
    text: str, what a launch printed.
  """
  return ''.join(
      line + '\n' for who, _, line in (
          l.partition(_SEPARATOR) for l in text.splitlines())
      if who.strip() == name)


class _Relay(object):
  """Copies the children's lines, each after the name of the one it is from."""

  def __init__(self):
    self._selector = selectors.DefaultSelector()
    self._unfinished = {}  # From a pipe to the start of a line.

  def add(self, child, width):
    for pipe, out in child.streams.items():
      self._unfinished[pipe] = b''
      self._selector.register(
          pipe, selectors.EVENT_READ,
          (('%-*s%s' % (width, child.name, _SEPARATOR)).encode(), out))

  def copy(self, secs):
    """Copies what comes within `secs` seconds; returns whether any did."""
    ready = self._selector.select(secs)
    for key, _ in ready:
      pipe, (prefix, out) = key.fileobj, key.data
      data = os.read(pipe.fileno(), 1 << 16)
      *lines, rest = (self._unfinished[pipe] + data).split(b'\n')
      if not data:
        lines = [rest] if rest else []
        self._selector.unregister(pipe)
        pipe.close()
      self._unfinished[pipe] = rest
      for line in lines:
        out.write((prefix + line).decode(errors='replace') + '\n')
      out.flush()
    return bool(ready)

  def close(self):
    for pipe in self._selector.get_map().values():
      pipe.fileobj.close()
    self._selector.close()


def supervise(groups, stop, watchers=(), grace_secs=_GRACE_SECS):
  """Runs processes to their end; stops all if one fails.

  None of them outlives this function, nor the process that called it (on
  Linux).  To be called in the thread that lives longest: the kernel takes its
  end for the process's.

  Args:
    groups: list of lists of Task, in the order in which to start them.  They
      are stopped in the opposite order, a group when the one after it has
      ended: what a later one needs to save its work is still there.
    stop: signals.StopRequest, stops all.
    watchers: list of Task, stopped as soon as the others have ended.
    grace_secs: number, after which a process that was told to stop is killed.

  Returns:
    int, 0, or the exit code of the first that failed, or 128 and the number of
    the signal that requested the stop.
  """
  groups = list(groups) + [list(watchers)]
  width = max(len(task.name) for group in groups for task in group)
  running = []
  with contextlib.closing(_Relay()) as relay:
    try:
      for group in groups:
        running.append([])
        for task in group:
          child = _Child(task)
          running[-1].append(child)
          relay.add(child, width)
      return _wait(running, relay, stop)
    finally:
      for group in reversed(running):
        _stop(group, relay, grace_secs)


def _wait(running, relay, stop):
  """Waits for supervise()'s processes; returns the exit code."""
  children = [child for group in running for child in group]
  watchers = running[-1]
  while True:
    relay.copy(0.2)
    codes = {child: child.exit_code for child in children}
    for child, code in codes.items():
      if code:
        print('launch: %s ended with exit code %d: stopping the others.' %
              (child.name, code), file=sys.stderr, flush=True)
        return code
    if stop.requested:
      return 128 + stop.signum
    if all(codes[c] == 0 for c in children if c not in watchers):
      return 0


def _stop(children, relay, grace_secs):
  """Ends processes, if need be by force, and copies their last lines."""
  for child in children:
    if child.exit_code is None:
      child.terminate()
  end = time.monotonic() + grace_secs
  while any(child.exit_code is None for child in children):
    relay.copy(0.2)
    if time.monotonic() > end:
      for child in children:
        if child.exit_code is None:
          child.kill()
          print('launch: %s did not end within %g seconds: killed.' %
                (child.name, grace_secs), file=sys.stderr, flush=True)
  while relay.copy(0):
    pass


def free_addresses(number):
  """Returns addresses of this machine at which nobody listens."""
  with contextlib.ExitStack() as stack:
    sockets = [stack.enter_context(socket.create_server(('127.0.0.1', 0)))
               for _ in range(number)]
    return ['127.0.0.1:%d' % s.getsockname()[1] for s in sockets]


def training_tasks(flags, towers=None, ps=0, workers=0):
  """Lists the processes of a training.

  Args:
    flags: list of str, of the program that trains.
    towers: int, towers of //cifar10_compat:multi_gpu_train, or None.
    ps, workers: int, tasks of //cifar10_compat:distributed_train; 0 and 0 for
      a trainer of one process.

  Returns:
    List of lists of Task, for supervise().
  """
  if not ps:
    module = 'cifar10_compat.cifar10_train'
    if towers:
      module = 'cifar10_compat.cifar10_multi_gpu_train'
      flags = ['--num_gpus=%d' % towers] + flags
    return [[Task('train', module, flags)]]
  addresses = free_addresses(ps + workers)
  hosts = ['--ps_hosts=' + ','.join(addresses[:ps]),
           '--worker_hosts=' + ','.join(addresses[ps:])]
  return [[Task('%s %d' % (job, i), 'cifar10_compat.cifar10_distributed_train',
                hosts + ['--job_name=' + job, '--task_index=%d' % i] + flags,
                env) for i in range(number)]
          for job, number, env in (('ps', ps, _NO_GPU),
                                   ('worker', workers, {}))]


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('launch', lambda: _main(argv))


def _main(argv):
  parser = command_line.Parser(
      prog='launch', allow_abbrev=False, description=__doc__,
      formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--towers', type=int, metavar='N',
                      help='train N towers in one process')
  parser.add_argument('--ps', type=int, default=0, metavar='N',
                      help='with --workers: N parameter servers')
  parser.add_argument('--workers', type=int, default=0, metavar='N',
                      help='with --ps: N workers, the first is the chief')
  parser.add_argument('--eval', action='store_true',
                      help='evaluate checkpoints as they appear, on the CPU')
  parser.add_argument('--eval_dir', default='/tmp/cifar10_eval', metavar='DIR',
                      help="the evaluator's event files (default %(default)s)")
  parser.add_argument('--eval_interval_secs', type=int, default=60,
                      metavar='SECS', help='seconds between two looks for a '
                      'checkpoint (default %(default)s)')
  parser.add_argument('--train_dir', default='/tmp/cifar10_train',
                      metavar='DIR', help='checkpoints and event files '
                      '(default %(default)s)')
  for name, what in (('data_dir', 'the directory above the images'),
                     ('data_url', 'mirrors to download from'),
                     ('dataset', 'the image set'), ('model', 'the network')):
    parser.add_argument('--' + name, help=what + ', as of the trainer')
  args, flags = parser.parse_known_args(argv)

  if (args.ps < 0 or bool(args.ps) != bool(args.workers) or
      (args.towers is not None and (args.ps or args.towers < 1))):
    raise errors.UsageError(
        '--towers=%s --ps=%d --workers=%d: choose either towers, or at least '
        'one ps and one worker, or none of them' %
        (args.towers, args.ps, args.workers))
  if flags[:1] == ['--']:
    del flags[0]
  train_dir = command_line.path(args.train_dir)
  shared = ['--%s=%s' % (name, getattr(args, name))
            for name in ('data_dir', 'data_url', 'dataset', 'model')
            if getattr(args, name)]
  evaluator = Task('eval', 'cifar10_compat.cifar10_eval', shared + [
      '--checkpoint_dir=' + train_dir, '--device=/cpu:0',
      '--eval_dir=' + command_line.path(args.eval_dir),
      '--eval_interval_secs=%d' % args.eval_interval_secs], _NO_GPU)
  with signals.stop_on_signals() as stop:
    code = supervise(
        training_tasks(shared + ['--train_dir=' + train_dir] + flags,
                       args.towers, args.ps, args.workers),
        stop, [evaluator] if args.eval else [])
    if args.eval and not code:
      # What was saved last may have come after the evaluator's last look.
      code = supervise([[evaluator._replace(
          args=evaluator.args + ['--run_once'])]], stop)
  return code


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
