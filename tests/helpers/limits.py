"""Disks that are full, files that may not be read, and slow networks.

What is done to other processes is a function to be given to subprocess.Popen as
preexec_fn.
"""

import contextlib
import ctypes
import functools
import os
import resource
import subprocess

# Of linux/prctl.h and linux/capability.h.
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
# Of linux/sched.h.
_CLONE_NEWNET = 0x40000000


def heed_permissions():
  """Lets the permissions of files count for root as well, in what it starts."""
  libc = ctypes.CDLL(None)
  # Who is not root may not drop them, and has none.
  for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
    libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def limit_files(size):
  """Returns a function that ends every file of a process at `size` bytes."""
  return functools.partial(
      resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)
  )


@contextlib.contextmanager
def small_disk(directory, size):
  """Context in which a directory is a disk of its own, of `size` bytes.

  Args:
    directory: str, exists.
    size: int.

  Yields:
    bool, whether that could be done.
  """
  done = not subprocess.run(
      ['mount', '-t', 'tmpfs', '-o', 'size=%d' % size, 'tmpfs', directory],
      capture_output=True,
  ).returncode
  try:
    yield done
  finally:
    if done:
      subprocess.run(['umount', '--lazy', directory], check=True)


def fill(directory):
  """Writes a file that takes all the room there is."""
  with open(os.path.join(directory, 'filling'), 'wb', buffering=0) as f:
    with contextlib.suppress(OSError):
      while True:
        f.write(bytes(1 << 10))


class Network(object):
  """A network of its own, that processes on this machine share.

  It has the loopback addresses alone.  It is a context that removes it.
  """

  def __init__(self):
    """Makes it.

    Raises:
      OSError, subprocess.CalledProcessError: this process may not, or there is
        no iproute2.
    """
    self._name = 'cifar10_compat_%d' % os.getpid()
    _call('ip', 'netns', 'add', self._name)
    self._inside('ip', 'link', 'set', 'lo', 'up')

  def __enter__(self):
    return self

  def __exit__(self, *unused_exc_info):
    _call('ip', 'netns', 'delete', self._name)

  def enter(self):
    """Moves the calling process into it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/run/netns/' + self._name) as f:
      if libc.setns(f.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')

  def slow_down(self, megabits):
    """Lets so many bits a second pass; the others wait in a queue."""
    # Not netem, which could delay packets too: few kernels have it.
    self._inside(
        'tc', 'qdisc', 'replace', 'dev', 'lo', 'root', 'tbf',
        'rate', '%dmbit' % megabits, 'burst', '128kb', 'latency', '1s',
    )  # fmt: skip

  def speed_up(self):
    """Ends slow_down()."""
    self._inside('tc', 'qdisc', 'delete', 'dev', 'lo', 'root')

  def _inside(self, *command):
    _call('ip', 'netns', 'exec', self._name, *command)


def _call(*command):
  subprocess.run(command, check=True, capture_output=True)
