"""Starts processes, watches them, and reads what they print."""

from collections.abc import Callable, Iterable, Mapping
import contextlib
import ctypes
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cifar10_compat.base import errors

_PR_SET_PDEATHSIG = 1  # Of Linux's sys/prctl.h.
# ru_maxrss is in units of this many bytes.
_MAXRSS_BYTES = 1 if sys.platform == 'darwin' else 1024
_POLL_SECS = 0.05
# For a process to end by itself when we are interrupted.
_GRACE_SECS = 10


@dataclasses.dataclass(frozen=True)
class Ended:
  """How a process ended.

  Attributes:
    returncode: its exit code, the negative number of the signal that ended it,
      or None where it was killed at its limit.
    stdout, stderr: what it printed; '' of what went elsewhere.
    seconds: how long it took.
    cpu_seconds: the processor time of it and of those that it waited for.
    peak_memory_bytes: of resident memory; with children of its own, the
      largest's.
  """

  returncode: int | None
  stdout: str
  stderr: str
  seconds: float
  cpu_seconds: float
  peak_memory_bytes: int

  @property
  def reason(self) -> str:
    """The last line on stderr, which says why it failed."""
    lines = self.stderr.strip().splitlines()
    return lines[-1] if lines else f'exit code {self.returncode}'

  def output(self, what: str) -> str:
    """Returns what it printed on stdout.

    Args:
      what: what cannot be done if it failed, for the message.

    Raises:
      UsageError: it failed; its reason is in the message.  If it ended in a
        traceback, that has gone to stderr as it was.
    """
    if self.returncode:
      if 'Traceback (most recent call last)' in self.stderr:
        sys.stderr.write(self.stderr)
      raise errors.UsageError(f'{what}: {self.reason}')
    return self.stdout


def tool(name: str) -> str:
  """Returns the full name of a module of ours, such as 'editions.scripts'."""
  # The package is called tools here, and cifar10_compat_tools once installed.
  return __package__.rpartition('.')[0] + '.' + name


def command(module: str, args: Iterable[str]) -> list[str]:
  """Returns the argument list that runs `python -m MODULE ARGS`."""
  return [sys.executable, '-m', module, *args]


def environment(added: Mapping[str, str] = {}) -> dict[str, str]:
  """Returns our environment, in which a child finds what we can import.

  Args:
    added: what is laid over it.
  """
  # What starts us may find `tools` by the current directory alone.
  path = os.pathsep.join(p or os.getcwd() for p in sys.path)
  return {**os.environ, 'PYTHONPATH': path, **added}


def start_command(
    argv: list[str],
    *,
    group: bool = False,
    outlives_us: bool = False,
    **kwargs,
) -> subprocess.Popen:
  """Starts a process, which reads nothing and ends when this one does.

  It does so however this process ends, kill -9 included, on Linux.  To be called
  in a thread that lives as long as the process: the kernel takes its end for
  ours.

  Args:
    argv: the program and its arguments.
    group: whether it is in a session of its own: Ctrl-C then comes to us alone,
      and kill_group() reaches all that it starts.
    outlives_us: whether it goes on after this process.
    **kwargs: Popen's: where its output goes, a file or a pipe of text, and its
      environment, by default ours.
  """
  return subprocess.Popen(
      argv,
      stdin=subprocess.DEVNULL,
      encoding='utf-8',
      errors='replace',
      start_new_session=group,
      preexec_fn=None if outlives_us else _end_with_parent(),
      **kwargs,
  )


def start(
    module: str, args: Iterable[str], env: Mapping[str, str] = {}, **kwargs
) -> subprocess.Popen:
  """Starts `python -m MODULE ARGS`.

  Args:
    module: such as 'cifar10_compat.cifar10_train'.
    args: its command line.
    env: beside our own environment.
    **kwargs: see start_command().
  """
  return start_command(command(module, args), env=environment(env), **kwargs)


def finish_command(
    argv: list[str], *, limit_secs: float | None = None, **kwargs
) -> Ended:
  """Runs a process to its end, whatever that is, and reads what it prints.

  Args:
    argv: the program and its arguments.
    limit_secs: after which it is killed with all that it started.
    **kwargs: see start_command().

  Raises:
    OSError: it cannot be started.
  """
  group = limit_secs is not None
  with (
      tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as out,
      tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as err,
  ):
    begin = time.monotonic()
    process = start_command(argv, group=group, stdout=out, stderr=err, **kwargs)
    try:
      usage, limited = _wait(process, limit_secs)
    except (
        BaseException
    ):  # Ctrl-C, which the child got too unless it is grouped.
      stop(process, _GRACE_SECS)
      if group:
        kill_group(process)
      raise
    seconds = time.monotonic() - begin
    for file in (out, err):
      file.seek(0)
    return Ended(
        None if limited else process.returncode,
        out.read(),
        err.read(),
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * _MAXRSS_BYTES,
    )


def _wait(process, limit_secs):
  """Waits for a process; returns its struct_rusage, whether it was killed."""
  begin, limited = time.monotonic(), False
  while True:
    pid, status, usage = os.wait4(
        process.pid, 0 if limit_secs is None else os.WNOHANG
    )
    if pid:
      process.returncode = os.waitstatus_to_exitcode(status)
      return usage, limited
    if not limited and time.monotonic() - begin > limit_secs:
      limited = True
      kill_group(process)
    time.sleep(_POLL_SECS)


def finish(
    module: str, args: Iterable[str], env: Mapping[str, str] = {}
) -> Ended:
  """Runs `python -m MODULE ARGS` to its end: see start() and finish_command()."""
  return finish_command(command(module, args), env=environment(env))


def run(
    module: str, args: Iterable[str], what: str, env: Mapping[str, str] = {}
) -> str:
  """Runs `python -m MODULE ARGS` to its end and returns what it printed.

  Args:
    module, args, env: see start().
    what: see Ended.output().

  Raises:
    UsageError: it failed: see Ended.output().
  """
  return finish(module, args, env).output(what)


def kill_group(process: subprocess.Popen) -> None:
  """Kills a process of a group of its own, with all that it started."""
  with contextlib.suppress(ProcessLookupError):  # All have ended.
    os.killpg(process.pid, signal.SIGKILL)


def stop(process: subprocess.Popen, grace_secs: float | None = None) -> int:
  """Tells a process to end, and waits for it.

  Args:
    process: running or not.
    grace_secs: after which it is killed; None for never.

  Returns:
    Its exit code.
  """
  process.terminate()
  try:
    return process.wait(grace_secs)
  except subprocess.TimeoutExpired:
    process.kill()
    return process.wait()


def free_addresses(number: int) -> list[str]:
  """Returns addresses of this machine at which nobody listens."""
  with contextlib.ExitStack() as stack:
    sockets = [
        stack.enter_context(socket.create_server(('127.0.0.1', 0)))
        for _ in range(number)
    ]
    return ['127.0.0.1:%d' % s.getsockname()[1] for s in sockets]


def _end_with_parent() -> Callable[[], int] | None:
  """Returns what has a child end when its parent does; None if that cannot be."""
  if not sys.platform.startswith('linux'):
    return None
  prctl = ctypes.CDLL(None).prctl  # Loaded here: a child should do little.
  return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
