"""Describes the origin of the figures in a results file.

Every tool that writes results adds a manifest to its file, so that a reader can
reproduce the results.  A manifest is a dict that records the code, images,
processor, versions and flags, but not the host, the user or a directory.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import platform

from cifar10_compat import startup

from . import processes

# The checkout that contains the tools, or the runfiles tree of a test.
ROOT = os.environ.get('BUILD_WORKSPACE_DIRECTORY') or os.path.abspath(
    os.path.join(__file__, '..', '..', '..')
)

# The processor features that affect the training speed, by their Linux names.
_FEATURES = (
    'avx',
    'fma',
    'avx2',
    'avx_vnni',
    'avx512f',
    'avx512_vnni',
    'avx512_bf16',
    'amx_tile',
    'amx_bf16',
    'amx_int8',
    # Features of Arm processors.
    'asimd',
    'sve',
    'bf16',
)

# Environment variables that change a training run's speed or memory use.
_SWITCHES = (startup.ONEDNN, 'MALLOC_ARENA_MAX')

_CHUNK = 1 << 20


def manifest(
    *,
    dataset,
    data_dir,
    flags,
    seed=None,
    packages=('tensorflow', 'numpy'),
    root=ROOT,
):
  """Describes the conditions of a tool's results.

  Args:
    dataset: description.Dataset, whose files must exist.
    data_dir: str, the directory that contains the data set's directory.
    flags: dict from name to a JSON value: the flags or other settings that
      affect the results, without paths.
    seed: int, or None if there is no seed.
    packages: names of the distributions whose versions to record.
    root: str, a directory that can be a checkout.

  Returns:
    dict of JSON values, with the keys
      commit: str, or None outside a checkout.
      dirty: bool, whether a file outside docs/ differs from the commit or is
        untracked; None outside a checkout.
      requirements_lock_sha256: str, or None if the lock is missing.
      dataset: dict with name, and with files, from name to SHA-256.
      processor: dict with name, features, cores, and threads usable by this
        process.
      system: str, such as 'Linux x86_64'.
      versions: dict from 'python' and each package to the version; None if the
        package is not installed.
      environment: dict from the name of an environment variable to the value,
        or None if it is not set.
      flags, seed: the arguments.

  Raises:
    OSError: a file of the data set cannot be read.
  """
  paths = dataset.filenames(data_dir, False) + dataset.filenames(data_dir, True)
  return dict(
      origin(packages=packages, root=root),
      dataset={
          'name': dataset.name,
          'files': {os.path.basename(path): _sha256(path) for path in paths},
      },
      flags=flags,
      seed=seed,
  )


def origin(*, packages=('tensorflow', 'numpy'), root=ROOT):
  """Describes the conditions of results that depend on no data set or flags.

  Args:
    packages, root: see manifest().

  Returns:
    dict of JSON values: the items of manifest() that need no other arguments.
  """
  commit, dirty = _commit(root)
  lock = os.path.join(root, 'requirements_lock.txt')
  return {
      'commit': commit,
      'dirty': dirty,
      'requirements_lock_sha256': (
          _sha256(lock) if os.path.exists(lock) else None
      ),
      'processor': processor(),
      'system': '%s %s' % (platform.system(), platform.machine()),
      'versions': dict(
          {name: _version(name) for name in packages},
          python=platform.python_version(),
      ),
      'environment': {name: os.environ.get(name) for name in _SWITCHES},
  }


def processor(cpuinfo='/proc/cpuinfo'):
  """Describes the processor.

  Args:
    cpuinfo: str, the path of Linux's cpuinfo file, which may be missing.

  Returns:
    dict with
      name: str.
      features: list of str, the supported features among _FEATURES; empty if
        unknown.
      cores: int, or None if unknown.
      threads: int, number of threads usable by this process.
  """
  try:
    text = pathlib.Path(cpuinfo).read_text(encoding='utf-8')
    blocks = [_fields(block) for block in text.strip().split('\n\n')]
  except OSError:
    blocks = [{}]
  first = blocks[0]
  flags = set((first.get('flags') or first.get('Features') or '').split())
  # Core numbers are unique only within a socket.
  cores = {
      (block['physical id'], block['core id'])
      for block in blocks
      if 'physical id' in block and 'core id' in block
  }
  return {
      'name': first.get('model name') or platform.processor() or 'unknown',
      'features': [feature for feature in _FEATURES if feature in flags],
      'cores': len(cores) or None,
      'threads': usable_threads(),
  }


def usable_threads():
  """Returns the number of hardware threads usable by this process."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count()


def _fields(block):
  """Returns one processor's lines of cpuinfo as a dict."""
  lines = (line.partition(':') for line in block.splitlines())
  return {name.strip(): value.strip() for name, _, value in lines}


def _commit(root):
  """Returns (commit, dirty) for a checkout's root; else (None, None)."""
  # A directory below a checkout's root is not a checkout: a virtual environment
  # can be inside another checkout.
  if not os.path.exists(os.path.join(root, '.git')):
    return None, None
  commit = _git(root, 'rev-parse', 'HEAD')
  if commit is None:
    return None, None
  # Ignore docs/, into which measurements in progress write results.
  status = _git(root, 'status', '--porcelain', '--', '.', ':(exclude)docs')
  return commit, status != ''


def _git(root, *args):
  """Returns the stdout of git; None if git cannot be run or fails."""
  try:
    ended = processes.finish_command(['git', '-C', root, *args])
  except OSError:
    return None
  return None if ended.returncode else ended.stdout.strip()


def _sha256(path):
  digest = hashlib.sha256()
  with open(path, 'rb') as f:
    while chunk := f.read(_CHUNK):
      digest.update(chunk)
  return digest.hexdigest()


def _version(name):
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return None
