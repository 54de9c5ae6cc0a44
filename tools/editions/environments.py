"""Creates the virtual environments of old TensorFlow versions.

An environment is complete once it has a stamp file, which is written last and
records the lock file and the interpreter.  An environment without a stamp file,
left incomplete by a kill, is rebuilt.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import sys
from typing import NamedTuple

from cifar10_compat.base import errors
from cifar10_compat.base import files

from ..base import processes
from . import interpreters
from . import isolation
from . import runtimes

_STAMP = 'cifar10_compat.json'

# Code that runs virtualenv from a directory that is on no other import path.
_RUN_VIRTUALENV = (
    'import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); '
    'runpy.run_module("virtualenv", run_name="__main__", alter_sys=True)'
)
_VERSION = 'import tensorflow; print(tensorflow.__version__)'


class Environment(NamedTuple):
  """A complete virtual environment of an old TensorFlow."""

  runtime: runtimes.Runtime
  directory: str

  @property
  def python(self):
    """The path of the interpreter."""
    return os.path.join(self.directory, 'bin', 'python')

  @property
  def site_packages(self):
    """The directory of the installed packages."""
    name = self.runtime.interpreter
    return os.path.join(self.directory, 'lib', name, 'site-packages')


def cache_root():
  """Returns the directory of the environments, in the cache of tools/bazel."""
  cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  return os.path.join(cache, 'cifar10_compat', 'runtimes')


def made(runtime, root):
  """Returns a Runtime's Environment; None if it is missing or incomplete.

  Args:
    runtime: runtimes.Runtime.
    root: str, the directory of the environments.
  """
  environment = _environment(runtime, root)
  try:
    stamp = json.loads(
        pathlib.Path(_stamp(environment)).read_text(encoding='utf-8')
    )
    is_complete = (
        stamp['lock'] == _digest(runtime.lock)
        # The interpreter is missing after `pyenv uninstall`.
        and os.path.exists(stamp['python'])
        and os.path.exists(environment.python)
    )
  except (OSError, ValueError, KeyError, TypeError):
    return None
  return environment if is_complete else None


def make(runtime, *, python=None, root=None, tell=None):
  """Returns a Runtime's Environment; creates it if missing or incomplete.

  If several processes call this function, one process creates the environment
  and the other processes wait.

  Args:
    runtime: runtimes.Runtime.
    python: str, the interpreter for a new environment, or None for the result
      of interpreters.find().  A complete environment keeps its interpreter.
    root: str, the directory of the environments; by default cache_root().
    tell: function that is called with a line of text before a long
      installation.

  Raises:
    UsageError: there is no interpreter, or a package cannot be installed.
  """
  root = root or cache_root()
  found = made(runtime, root)
  if found:
    return found
  interpreter = interpreters.find(runtime, python)
  try:
    os.makedirs(root, exist_ok=True)
    with _held(os.path.join(root, 'tensorflow-%s.lock' % runtime.version)) as f:
      found = made(runtime, root)
      if found:
        return found
      (tell or (lambda line: None))(
          'creating an environment with TensorFlow %s on Python %s in %s'
          % (runtime.version, runtime.python, root)
      )
      return _make(runtime, interpreter, root, f.fileno())
  except OSError as e:
    raise errors.UsageError(
        '%s cannot be written (%s): set XDG_CACHE_HOME to another directory'
        % (e.filename or root, e.strerror)
    ) from e


def _environment(runtime, root):
  return Environment(
      runtime, os.path.join(root, 'tensorflow-' + runtime.version)
  )


def _stamp(environment):
  return os.path.join(environment.directory, _STAMP)


def _digest(path):
  return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@contextlib.contextmanager
def _held(path):
  with open(path, 'w', encoding='utf-8') as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    yield f


def _make(runtime, interpreter, root, held):
  """Creates an environment; `held` is the file descriptor of the lock file."""
  environment = _environment(runtime, root)
  # Remove the stamp first: a kill must not leave a stamp in an incomplete
  # directory.
  with contextlib.suppress(FileNotFoundError):
    os.remove(_stamp(environment))
  # The fixed name ensures that files left by a killed process are removed here.
  scratch = environment.directory + '.scratch'
  for directory in (environment.directory, scratch):
    if os.path.lexists(directory):
      shutil.rmtree(directory)
  what = 'TensorFlow %s cannot be installed' % runtime.version

  def run(*command):
    return _run(command, what=what, held=held)

  tool = os.path.join(scratch, 'virtualenv')
  install = ('-m', 'pip', 'install', '--quiet', '--no-deps')
  install += ('--require-hashes', '--requirement')
  own = (sys.executable, '-I')
  run(*own, *install, runtimes.VIRTUALENV_LOCK, '--target', tool)
  run(
      *own,
      *('-c', _RUN_VIRTUALENV, tool, '--quiet', '--no-download'),
      *('--no-periodic-update', '--app-data', os.path.join(scratch, 'data')),
      *('--python', interpreter, environment.directory),
  )
  # The setuptools bundled with virtualenv builds the packages that have no
  # wheels.
  run(environment.python, *install, runtime.lock, '--no-build-isolation')
  version = run(environment.python, '-c', _VERSION).strip()
  shutil.rmtree(scratch, ignore_errors=True)
  if version != runtime.version:
    raise errors.UsageError(
        '%s: the lock file installed %s instead' % (what, version)
    )
  stamp = {
      'lock': _digest(runtime.lock),
      'python': os.path.realpath(interpreter),
  }
  files.replace(_stamp(environment), json.dumps(stamp).encode())
  return environment


def _run(command, *, what, held):
  """Runs a step of _make() and returns its stdout; raises UsageError."""
  ended = processes.finish_command(
      list(command),
      env=isolation.environment(pip=True),
      # The child inherits the lock: if this process is killed, no other process
      # starts over while the child still writes.
      outlives_us=True,
      pass_fds=(held,),
  )
  if ended.returncode:
    lines = (ended.stderr or ended.stdout).strip().splitlines()
    told = [l for l in lines if l.startswith('ERROR')] or lines
    raise errors.UsageError(f'{what}: {(told or [ended.reason])[-1]}')
  return ended.stdout
