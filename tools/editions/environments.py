"""Makes the environments of old TensorFlows, and runs files of ours in them.

An environment is whole once its stamp is in it, which is written last and says
which lock and which interpreter it was made with.  What a kill left behind has
none, and is made anew.
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

# Runs virtualenv from a directory that nothing else gets to see.
_RUN_VIRTUALENV = (
    'import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); '
    'runpy.run_module("virtualenv", run_name="__main__", alter_sys=True)'
)
_VERSION = 'import tensorflow; print(tensorflow.__version__)'


class Environment(NamedTuple):
  """A whole environment."""

  runtime: runtimes.Runtime
  directory: str

  @property
  def python(self):
    """The path of its interpreter."""
    return os.path.join(self.directory, 'bin', 'python')

  @property
  def site_packages(self):
    """The directory of its packages."""
    name = self.runtime.interpreter
    return os.path.join(self.directory, 'lib', name, 'site-packages')


def cache_root():
  """Returns the directory of the environments, beside what tools/bazel keeps."""
  cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  return os.path.join(cache, 'cifar10_compat', 'runtimes')


def made(runtime, root):
  """Returns the Environment of a Runtime, or None where there is no whole one.

  Args:
    runtime: runtimes.Runtime.
    root: str, the directory of the environments.
  """
  environment = _environment(runtime, root)
  try:
    stamp = json.loads(
        pathlib.Path(_stamp(environment)).read_text(encoding='utf-8')
    )
    whole = (
        stamp['lock'] == _digest(runtime.lock)
        # Which a `pyenv uninstall` takes away.
        and os.path.exists(stamp['python'])
        and os.path.exists(environment.python)
    )
  except (OSError, ValueError, KeyError, TypeError):
    return None
  return environment if whole else None


def make(runtime, *, python=None, root=None, tell=None):
  """Returns the Environment of a Runtime, made first if need be.

  Of several processes one makes it, and the others wait.

  Args:
    runtime: runtimes.Runtime.
    python: str, the interpreter to make it with, or None for one that
      interpreters.find() finds.  A whole environment is used whatever it was
      made with.
    root: str, the directory of the environments; by default cache_root().
    tell: function that is given a line of text when this is going to take long.

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
          'making an environment with TensorFlow %s on Python %s in %s'
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
  """Makes an environment; `held` is the descriptor of the lock on it."""
  environment = _environment(runtime, root)
  # The stamp goes first: a kill here must not leave it on half a directory.
  with contextlib.suppress(FileNotFoundError):
    os.remove(_stamp(environment))
  # Not a temporary name: what a kill leaves is cleared away here.
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
  # What has no wheel is built by the setuptools that virtualenv brought.
  run(environment.python, *install, runtime.lock, '--no-build-isolation')
  version = run(environment.python, '-c', _VERSION).strip()
  shutil.rmtree(scratch, ignore_errors=True)
  if version != runtime.version:
    raise errors.UsageError('%s: %s is there instead' % (what, version))
  stamp = {
      'lock': _digest(runtime.lock),
      'python': os.path.realpath(interpreter),
  }
  temporary = _stamp(environment) + '.tmp'
  files.write(temporary, [json.dumps(stamp).encode()])
  os.replace(temporary, _stamp(environment))
  return environment


def _run(command, *, what, held):
  """Returns what a step of _make() printed; raises UsageError."""
  ended = processes.finish_command(
      list(command),
      env=isolation.environment(pip=True),
      # Where we are killed and this lives on, the lock stays held, and nobody
      # starts anew while it still writes.
      outlives_us=True,
      pass_fds=(held,),
  )
  if ended.returncode:
    lines = (ended.stderr or ended.stdout).strip().splitlines()
    told = [l for l in lines if l.startswith('ERROR')] or lines
    raise errors.UsageError(f'{what}: {(told or [ended.reason])[-1]}')
  return ended.stdout
