"""Finds old Python interpreters, which need no installed packages."""

import glob
import os

from cifar10_compat.base import errors

from ..base import processes
from . import isolation

# Code that prints an interpreter's version, and whether the interpreter stores
# Unicode characters in four bytes, as the wheels for Python 2.7 require.
_PROBE = (
    'import sys; print("%d.%d" % sys.version_info[:2]); '
    'print(sys.maxunicode > 0xffff)'
)
_PROBE_SECS = 60


def find(runtime, python=None):
  """Returns the path of an interpreter that matches a Runtime's lock file.

  Args:
    runtime: runtimes.Runtime.
    python: str, the interpreter to use, or None for the first working one on
      PATH or in pyenv.  pyenv also puts commands of inactive versions on PATH,
      and these commands fail.

  Raises:
    UsageError: `python` is unsuitable, or no interpreter was found.
  """
  if python:
    problem = check(runtime, python)
    if problem:
      raise errors.UsageError('--python=%s: %s' % (python, problem))
    return python
  for path in candidates(runtime.interpreter):
    if not check(runtime, path):
      return path
  raise errors.UsageError(
      'no working %s was found, which TensorFlow %s needs: run `pyenv install '
      '%s`, specify an interpreter with --python=FILE, or use the image %s, '
      'which contains an interpreter'
      % (runtime.interpreter, runtime.version, runtime.pyenv, runtime.image)
  )


def candidates(name):
  """Returns the possible paths of an interpreter, on PATH and in pyenv.

  Args:
    name: str, such as 'python2.7'.
  """
  paths = [
      os.path.join(directory, name)
      for directory in os.environ.get('PATH', '').split(os.pathsep)
      if directory
  ]
  pyenv = os.environ.get('PYENV_ROOT') or os.path.expanduser('~/.pyenv')
  paths += sorted(glob.glob(os.path.join(pyenv, 'versions', '*', 'bin', name)))
  return [path for path in paths if os.access(path, os.X_OK)]


def check(runtime, path):
  """Returns the reason why an interpreter cannot be used, or ''.

  Args:
    runtime: runtimes.Runtime.
    path: str, the path of the interpreter.
  """
  try:
    ended = processes.finish_command(
        [path, '-c', _PROBE],
        env=isolation.environment(),
        limit_secs=_PROBE_SECS,
    )
  except OSError as e:
    return 'it cannot be started (%s)' % e.strerror
  if ended.returncode is None:
    return 'it did not answer within %d seconds' % _PROBE_SECS
  answer = ended.stdout.split()
  if ended.returncode or len(answer) != 2:
    return 'it does not run (%s)' % ended.reason
  if answer[0] != runtime.python:
    return 'it is Python %s, and TensorFlow %s needs %s' % (
        answer[0],
        runtime.version,
        runtime.python,
    )
  if answer[1] != 'True':
    return 'it was built without --enable-unicode=ucs4, which the wheels need'
  return ''
