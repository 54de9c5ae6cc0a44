"""Simulates full disks, unreadable files, other users and slow networks.

Limits for other processes are functions for subprocess.Popen's preexec_fn.
"""

import contextlib
import ctypes
import functools
import os
import resource
import subprocess
from unittest import mock

# From linux/prctl.h and linux/capability.h.
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
# From linux/sched.h.
_CLONE_NEWNET = 0x40000000


def heed_permissions():
  """Makes file permissions apply to root as well, in the started process."""
  libc = ctypes.CDLL(None)
  # Only root may drop these capabilities, and only root has them.
  for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
    libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def limit_files(size):
  """Returns a function that limits every file of a process to `size` bytes."""
  return functools.partial(
      resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)
  )


@contextlib.contextmanager
def small_disk(directory, size):
  """Context in which a directory is a separate disk of `size` bytes.

  Args:
    directory: str, must exist.
    size: int.

  Yields:
    bool, whether the mount succeeded.
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
  """Writes a file that fills the disk."""
  with (
      open(os.path.join(directory, 'filling'), 'wb', buffering=0) as f,
      contextlib.suppress(OSError),
  ):
    while True:
      f.write(bytes(1 << 10))


class Network(object):
  """A separate network that processes on this machine share.

  It has only loopback addresses.  A context manager that removes it.
  """

  def __init__(self):
    """Creates the network.

    Raises:
      OSError, subprocess.CalledProcessError: this process lacks the permission,
        or iproute2 is missing.
    """
    self._name = 'cifar10_compat_%d' % os.getpid()
    _call('ip', 'netns', 'add', self._name)
    self._inside('ip', 'link', 'set', 'lo', 'up')

  def __enter__(self):
    return self

  def __exit__(self, *unused_exc_info):
    _call('ip', 'netns', 'delete', self._name)

  def enter(self):
    """Moves the calling process into the network."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/run/netns/' + self._name) as f:
      if libc.setns(f.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')

  def slow_down(self, megabits):
    """Limits the rate in megabits per second; the other packets queue."""
    # Not netem, which could also delay packets: few kernels have it.
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


@contextlib.contextmanager
def owned_by(uid, path, name='stat'):
  """Context in which a path seems to belong to another user.

  Args:
    uid: int, the user.
    path: str.
    name: 'stat', or 'lstat' if the path is a link of that user.
  """
  real_stat = getattr(os, name)

  def stat(asked, **kwargs):
    status = real_stat(asked, **kwargs)
    if asked == path:
      mode, ino, dev, nlink, _, *others = status[:10]
      status = os.stat_result((mode, ino, dev, nlink, uid, *others))
    return status

  with mock.patch.object(os, name, stat):
    yield
