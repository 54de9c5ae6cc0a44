"""Starts and watches processes, and reads their output."""

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

_PR_SET_PDEATHSIG = 1  # A constant from Linux's sys/prctl.h.
# Bytes per unit of ru_maxrss.
_MAXRSS_BYTES = 1 if sys.platform == 'darwin' else 1024
_POLL_SECS = 0.05
# Seconds to wait for a child to exit by itself after Ctrl-C.
_GRACE_SECS = 10


@dataclasses.dataclass(frozen=True)
class Ended:
  """The exit code, output and resource use of a process that has ended.

  Attributes:
    returncode: the exit code, the negative number of the signal that ended the
      process, or None if the process was killed at the time limit.
    stdout, stderr: the output; '' if redirected.
    seconds: duration of the process.
    cpu_seconds: processor time of the process and the children that it waited
      for.
    peak_memory_bytes: peak resident memory; if the process had children, the
      largest peak of any process.
  """

  returncode: int | None
  stdout: str
  stderr: str
  seconds: float
  cpu_seconds: float
  peak_memory_bytes: int

  @property
  def reason(self) -> str:
    """The reason for a failure: the last line of stderr."""
    lines = self.stderr.strip().splitlines()
    return lines[-1] if lines else f'exit code {self.returncode}'

  def output(self, what: str) -> str:
    """Returns the stdout of a successful process.

    Args:
      what: a description of the failure, for the error message.

    Raises:
      UsageError: the process failed; the message contains the reason.  If the
        process printed a traceback, it is copied to stderr.
    """
    if self.returncode:
      if 'Traceback (most recent call last)' in self.stderr:
        sys.stderr.write(self.stderr)
      raise errors.UsageError(f'{what}: {self.reason}')
    return self.stdout


def tool(name: str) -> str:
  """Returns the full name of a module in tools, such as 'editions.scripts'."""
  # The package is named tools in a checkout, and cifar10_compat_tools when
  # installed.
  return __package__.rpartition('.')[0] + '.' + name


def command(module: str, args: Iterable[str]) -> list[str]:
  """Returns the argument list that runs `python -m MODULE ARGS`."""
  return [sys.executable, '-m', module, *args]


def environment(added: Mapping[str, str] = {}) -> dict[str, str]:
  """Returns the environment for a child that can import the same modules.

  Args:
    added: variables to add or replace.
  """
  # This process could have found `tools` only through the current directory.
  path = os.pathsep.join(p or os.getcwd() for p in sys.path)
  return {**os.environ, 'PYTHONPATH': path, **added}


def start_command(
    argv: list[str],
    *,
    group: bool = False,
    outlives_us: bool = False,
    **kwargs,
) -> subprocess.Popen:
  """Starts a process, without stdin, that ends when this process ends.

  On Linux, the new process ends even if this process is killed with kill -9.
  Call this function in a thread that lives as long as the new process: the
  kernel treats the thread as the parent.

  Args:
    argv: the program and its arguments.
    group: whether to start a new session, so that Ctrl-C reaches only the
      calling process, and kill_group() also reaches processes that the new
      process starts.
    outlives_us: whether the new process continues after this process ends.
    **kwargs: arguments for Popen: the output, a file or a text pipe, and the
      environment, by default the environment of this process.
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
    args: the module's command line.
    env: variables to add to the environment.
    **kwargs: see start_command().
  """
  return start_command(command(module, args), env=environment(env), **kwargs)


def finish_command(
    argv: list[str], *, limit_secs: float | None = None, **kwargs
) -> Ended:
  """Runs a process until it ends or is killed, and reads its output.

  Args:
    argv: the program and its arguments.
    limit_secs: the time limit, after which the process and all processes that
      it started are killed.
    **kwargs: see start_command().

  Raises:
    OSError: the process cannot be started.
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
        # Ctrl-C also reaches the child, unless the child is in a separate
        # group.
    ):
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
  """Waits for a process; returns struct_rusage and whether it was killed."""
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
  """Runs `python -m MODULE ARGS`: see start() and finish_command()."""
  return finish_command(command(module, args), env=environment(env))


def run(
    module: str, args: Iterable[str], what: str, env: Mapping[str, str] = {}
) -> str:
  """Runs `python -m MODULE ARGS` until it ends, and returns its stdout.

  Args:
    module, args, env: see start().
    what: see Ended.output().

  Raises:
    UsageError: the process failed: see Ended.output().
  """
  return finish(module, args, env).output(what)


def kill_group(process: subprocess.Popen) -> None:
  """Kills a process started with `group` and all processes that it started."""
  # All processes of the group have ended.
  with contextlib.suppress(ProcessLookupError):
    os.killpg(process.pid, signal.SIGKILL)


def stop(process: subprocess.Popen, grace_secs: float | None = None) -> int:
  """Sends SIGTERM to a process, and waits until it ends.

  Args:
    process: a process, which can already have ended.
    grace_secs: the time after which the process is killed; None to wait without
      a limit.

  Returns:
    The process's exit code.
  """
  process.terminate()
  try:
    return process.wait(grace_secs)
  except subprocess.TimeoutExpired:
    process.kill()
    return process.wait()


def free_addresses(number: int) -> list[str]:
  """Returns unused network addresses (host and port) of this machine."""
  with contextlib.ExitStack() as stack:
    sockets = [
        stack.enter_context(socket.create_server(('127.0.0.1', 0)))
        for _ in range(number)
    ]
    return ['127.0.0.1:%d' % s.getsockname()[1] for s in sockets]


def _end_with_parent() -> Callable[[], int] | None:
  """Returns a function that makes a child end with its parent, or None."""
  if not sys.platform.startswith('linux'):
    return None
  prctl = ctypes.CDLL(
      None
  ).prctl  # Load the library in the parent, so that the child has little to do.
  return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
