"""Runs the programs as a user does: real processes, real signals."""

import importlib
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from unittest import mock

# Lines that TensorFlow prints while it loads, before it reads its log levels: a
# CUDA build on a machine without a driver, or any build on a processor where
# oneDNN is on by default.
_LOADER_CHATTER = re.compile(
    r'(WARNING: All log messages before absl::InitializeLog\(\) is called are '
    r'written to STDERR|I0000 .* cudart_stub\.cc:\d+\] Could not find cuda '
    r'drivers on your machine, GPU will not be used\.|'
    r'I0000 .* port\.cc:\d+\] oneDNN custom operations are on\. .*)\n'
)

# Just less than Bazel's timeout, after which the test could not report what is
# missing.  No test waits for this to pass.
_END = time.monotonic() + int(os.environ.get('TEST_TIMEOUT', 3600)) - 20


def _secs_left():
  return max(0, _END - time.monotonic())


def without_loader_chatter(stderr):
  """Returns the program's own output."""
  return _LOADER_CHATTER.sub('', stderr)


class _Forked(object):
  """A process like subprocess.Popen's that starts with all modules loaded.

  A small training run spends most of its time on loading TensorFlow.
  """

  def __init__(self, name, args, preload):
    context = multiprocessing.get_context('forkserver')
    # As startup.prepare() does in a program.
    quiet = 'cifar10_compat.base.quiet'
    context.set_forkserver_preload([quiet, name, *preload])
    out, out_of_child = context.Pipe(duplex=False)
    err, err_of_child = context.Pipe(duplex=False)
    self._process = context.Process(
        target=_run_forked,
        args=(name, args),
        kwargs={'out': out_of_child, 'err': err_of_child},
    )
    # A socket's path has at most 107 characters, and Bazel's directories have
    # more.
    with mock.patch.object(tempfile, 'tempdir', '/tmp'):
      self._process.start()
    out_of_child.close()
    err_of_child.close()
    self._connections = out, err
    self.stdout, self.stderr = [
        open(c.fileno(), encoding='utf-8', closefd=False) for c in (out, err)
    ]

  def poll(self):
    return self._process.exitcode

  def wait(self, timeout):
    self._process.join(timeout)
    if self._process.exitcode is None:
      raise subprocess.TimeoutExpired('a forked process', timeout)
    return self._process.exitcode

  def send_signal(self, signum):
    os.kill(self._process.pid, signum)

  def terminate(self):
    self._process.terminate()

  def kill(self):
    self._process.kill()


def _run_forked(name, args, *, out, err):
  """Runs in a _Forked process what `python -m` would run."""
  for connection, number in ((out, 1), (err, 2)):
    os.dup2(connection.fileno(), number)
    connection.close()
  # The inherited streams may be treated as seekable files.
  sys.stdout = open(1, 'w', closefd=False)
  sys.stderr = open(2, 'w', closefd=False, buffering=1)
  sys.argv = [name.rpartition('.')[2] + '.py', *args]
  importlib.import_module(name).console_main()


class Program(object):
  """One running program.

  Attributes:
    process: subprocess.Popen, or what acts like one.
    lines: list of str, its output on stdout so far.
    error_lines: list of str, its output on stderr so far.
  """

  def __init__(
      self,
      module,
      *args,
      package='cifar10_compat',
      forked=False,
      preload=(),
      **kwargs,
  ):
    """Starts `python -m PACKAGE.MODULE ARGS`.

    Args:
      module: str.
      *args: str.
      package: str.
      forked: bool, whether to fork a process that has loaded PACKAGE.MODULE.
      preload: names of further modules that this process has loaded.
      **kwargs: for Popen, if not forked.
    """
    self.process = (
        _Forked('%s.%s' % (package, module), args, preload)
        if forked
        else subprocess.Popen(
            [sys.executable, '-m', '%s.%s' % (package, module)] + list(args),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, **kwargs.pop('env', {})),
            **kwargs,
        )
    )
    self.lines = []
    self.error_lines = []
    self._more = threading.Condition()
    self._threads = [
        threading.Thread(target=self._read, args=(stream, lines))
        for stream, lines in (
            (self.process.stdout, self.lines),
            (self.process.stderr, self.error_lines),
        )
    ]
    for thread in self._threads:
      thread.start()

  def _read(self, stream, lines):
    for line in stream:
      with self._more:
        lines.append(line.rstrip('\n'))
        self._more.notify_all()
    with self._more:
      lines.append(None)  # The end, for waiting tests.
      self._more.notify_all()

  def wait_for(self, condition):
    """Waits until a function returns true, while the program runs.

    Raises:
      AssertionError: the program ended, or took too long.
    """
    while not condition():
      if self.process.poll() is not None or not _secs_left():
        self.process.kill()
        raise AssertionError('it did not come: %r' % (self.finish(),))
      time.sleep(0.05)

  def wait_for_line(self, pattern, start=0, *, lines=None):
    """Waits for a line that contains `pattern` and returns it.

    Args:
      pattern: str, a regular expression.
      start: int, number of lines at the start to skip.
      lines: self.lines, which is the default, or self.error_lines.

    Raises:
      AssertionError: the program ended, or took too long.
    """

    lines = self.lines if lines is None else lines

    def found():
      return [l for l in lines[start:] if l is None or re.search(pattern, l)]

    with self._more:
      self._more.wait_for(found, _secs_left())
      matches = found()
    if not matches or matches[0] is None:
      self.process.kill()
      raise AssertionError('no line %r in %r' % (pattern, self.finish()))
    return matches[0]

  def finish(self):
    """Waits for the end; returns (exit code, stdout, stderr)."""
    try:
      code = self.process.wait(10 + _secs_left())
    finally:
      self.process.kill()
      for thread in self._threads:
        thread.join()
      self.process.stdout.close()
      self.process.stderr.close()
    stdout, stderr = [
        ''.join(l + '\n' for l in lines if l is not None)
        for lines in (self.lines, self.error_lines)
    ]
    return code, stdout, without_loader_chatter(stderr)


def run(module, *args, **kwargs):
  """Runs `python -m cifar10_compat.MODULE ARGS` to its end.

  Returns:
    (int, str, str): exit code, stdout, and stderr without the lines that
    TensorFlow prints while it loads.
  """
  return Program(module, *args, **kwargs).finish()


def environment(**variables):
  """Returns the environment of a Python with the path of this process.

  Args:
    **variables: str, or None to remove one.
  """
  everything = (
      os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)} | variables
  )
  return {k: v for k, v in everything.items() if v is not None}


def python(*args, env=None, **kwargs):
  """Runs Python; returns what run() returns.

  Args:
    *args: str, the command line.
    env: dict of variables for environment().
    **kwargs: for subprocess.run().
  """
  result = subprocess.run(
      [sys.executable, *args],
      env=environment(**(env or {})),
      capture_output=True,
      text=True,
      **kwargs,
  )
  err = without_loader_chatter(result.stderr)
  return result.returncode, result.stdout, err


def output(module, *args, **kwargs):
  """Runs a program like run(); returns its stdout.

  Raises:
    AssertionError: its exit code is not 0, or it wrote to stderr.
  """
  code, out, err = run(module, *args, **kwargs)
  if (code, err) != (0, ''):
    raise AssertionError((code, err, out))
  return out
