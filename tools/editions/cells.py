"""Runs an edition of the tutorial on a TensorFlow version: one table cell."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import sys

from cifar10_compat.base import errors

from . import calls
from . import environments
from . import runtimes
from . import scripts

SCRIPT = 'cifar10_train'

# The outcomes of attempt().
RAN = 'ran'
ERROR = 'error'  # the script raised an exception
LIMIT = 'limit'  # the process was killed at the time limit
# the process ended otherwise: by a signal, or before the last step
ENDED = 'ended'

# The scripts print this line every _LOG_STEPS steps.
_STEP = re.compile(r'step (\d+), loss = ([\d.]+|nan)')
_LOG_STEPS = 10
_PACKAGE = 'tensorflow.models'


def find_sources(directory):
  """Returns the editions below a directory.

  Args:
    directory: str.

  Returns:
    dict from an Edition's name to the directory of its files.

  Raises:
    UsageError: the directory contains no edition.
  """
  found = {}
  for path, _, names in sorted(os.walk(directory)):
    if SCRIPT + '.py' in names:
      try:
        edition = scripts.find_edition(path)
      except errors.UsageError:
        continue  # The directory lacks files, or contains an unknown edition.
      found.setdefault(edition.name, os.path.abspath(path))
  if not found:
    raise errors.UsageError(
        '--sources=%s contains no edition of the tutorial: put checkouts of '
        'tensorflow and of tensorflow/models there' % directory
    )
  return found


def installed():
  """Returns the Environment of this process's TensorFlow."""
  version = importlib.metadata.version('tensorflow')
  python = '%d.%d' % sys.version_info[:2]
  return environments.Environment(
      runtimes.Runtime(version, python, ''), sys.prefix
  )


def versions():
  """Returns the available versions of TensorFlow, oldest first."""
  return [r.version for r in runtimes.RUNTIMES] + [installed().runtime.version]


def environment(version, tell=None):
  """Returns a version's Environment, creating it if it is missing.

  Args:
    version: str, one of versions().
    tell: see environments.make().

  Raises:
    UsageError: there is no interpreter, or a package cannot be installed.
  """
  own = installed()
  if version == own.runtime.version:
    return own
  return environments.make(runtimes.find(version), tell=tell)


def attempt(
    source, edition, environment, *, bridges, data_dir, scratch, limits
):
  """Trains for several steps with the unmodified files.

  Args:
    source: str, the directory of the unmodified files.
    edition: scripts.Edition of the source.
    environment: environments.Environment.
    bridges: str, 'none', 'package' or 'all'; see old/attempt.py.
    data_dir: str, a directory created by old_scripts.prepare().
    scratch: str, an existing directory.
    limits: dict with `steps` and `batch_size`, for the training, and `seconds`,
      the time limit of the process.

  Returns:
    dict of JSON values, with
      outcome: RAN, ERROR, LIMIT or ENDED.
      python: str, the interpreter's version, or None if unknown.
      bridges: list of [old, new], for each applied bridge.
      error: dict with type, message, name, file and line of the exception, or
        None.
      code: int, the exit code of the process, negative for a signal; None if
        the process was killed at the time limit.
      losses: dict from a step, as str, to the logged loss.
      seconds: float, duration of the process.
  """
  train_dir = os.path.join(scratch, 'train')
  answer_path = os.path.join(scratch, 'answer.json')
  shutil.rmtree(train_dir, ignore_errors=True)
  if os.path.exists(answer_path):
    os.remove(answer_path)
  arguments = {
      'source': source,
      'package': edition.package,
      'script': SCRIPT,
      'flags': [
          '--data_dir=' + data_dir,
          '--train_dir=' + train_dir,
          '--batch_size=%d' % limits['batch_size'],
          '--max_steps=%d' % limits['steps'],
      ],
      'bridges': bridges,
      'answer': answer_path,
  }
  ended = calls.finish(
      environment,
      'attempt',
      arguments,
      scratch=scratch,
      limit_secs=limits['seconds'],
  )
  answer = {'python': None, 'bridges': [], 'error': None}
  if os.path.exists(answer_path):
    answer = json.loads(pathlib.Path(answer_path).read_text(encoding='utf-8'))
  shutil.rmtree(train_dir, ignore_errors=True)
  losses = dict(_STEP.findall(ended.stdout))
  return {
      'outcome': _outcome(
          ended.returncode, answer['error'], losses, limits['steps']
      ),
      'python': answer['python'],
      'bridges': answer['bridges'],
      'error': answer['error'],
      'code': ended.returncode,
      'losses': losses,
      'seconds': round(ended.seconds, 1),
  }


def _outcome(code, error, losses, steps):
  if error is not None:
    return ERROR
  if code is None:
    return LIMIT
  last = (steps - 1) // _LOG_STEPS * _LOG_STEPS
  return RAN if code == 0 and str(last) in losses else ENDED


def lacks_package(result):
  """Returns whether only a missing tensorflow.models made an attempt() fail."""
  error = result['error'] or {}
  name = error.get('name') or ''
  # Python 2 reports only the part of the name after `tensorflow`.
  return error.get('type') in ('ImportError', 'ModuleNotFoundError') and (
      name.startswith(_PACKAGE) or name.startswith('models.image')
  )


def try_cell(
    source, edition, environment, *, data_dir, scratch, limits, today=None
):
  """Runs an edition on a TensorFlow version, unmodified and then with bridges.

  Args:
    source, edition, environment, data_dir, scratch, limits: see attempt().
    today: datetime.date, or None for the current date.

  Returns:
    dict of JSON values, with
      edition: str, the name of the edition.
      tensorflow: str, the version of TensorFlow.
      python: str, the interpreter's version.
      date: str, in ISO format.
      unmodified: attempt() without bridges.
      placed: attempt() with the files placed in the package that the scripts
        import, if that import failed; else None.
      bridged: attempt() with all required bridges, if the earlier attempts
        failed; else None.
  """

  def run(bridges):
    return attempt(
        source,
        edition,
        environment,
        bridges=bridges,
        data_dir=data_dir,
        scratch=scratch,
        limits=limits,
    )

  unmodified = run('none')
  placed = run('package') if lacks_package(unmodified) else None
  last = placed or unmodified
  bridged = None if last['outcome'] == RAN else run('all')
  found = [r for r in (unmodified, placed, bridged) if r is not None]
  pythons = [result.pop('python') for result in found]
  return {
      'edition': edition.name,
      'tensorflow': environment.runtime.version,
      'python': pythons[-1] or environment.runtime.python,
      'date': (today or datetime.date.today()).isoformat(),
      'unmodified': unmodified,
      'placed': placed,
      'bridged': bridged,
  }
