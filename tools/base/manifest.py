"""What a file of results says about where its figures come from.

Every tool that writes results puts the same dict into its file, so that a
reader of the file can repeat them: the code, the images, the processor, the
versions, the flags.  It names no host, no user and no directory.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import platform

from cifar10_compat import startup

from . import processes

# The checkout, if the tools run from one, or the runfiles tree of a test.
ROOT = os.environ.get('BUILD_WORKSPACE_DIRECTORY') or os.path.abspath(
    os.path.join(__file__, '..', '..', '..')
)

# The features of a processor on which the speed of training depends, by the
# names that Linux gives them.
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
    # Arm's.
    'asimd',
    'sve',
    'bf16',
)

# What in the environment changes the speed or the memory of a training.
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
  """Describes what a tool's results depend on.

  Args:
    dataset: description.Dataset, whose files exist.
    data_dir: str, the directory that holds the set's directory.
    flags: dict from name to a value that JSON can hold: the flags, or other
      settings, on which the results depend.  Paths are the caller's to leave
      out.
    seed: int, or None where nothing is seeded.
    packages: names of distributions whose versions count.
    root: str, the directory that may be a checkout.

  Returns:
    dict that JSON can hold, with the keys
      commit: str, or None outside a checkout.
      dirty: bool, whether a file outside docs/ differs from that commit or is
        not in it; None outside a checkout.
      requirements_lock_sha256: str, or None where the lock is not there.
      dataset: dict with name, and with files, from name to SHA-256.
      processor: dict with name, features, cores, and threads, those that this
        process may use.
      system: str, such as 'Linux x86_64'.
      versions: dict from package, and 'python', to version; None if it is not
        installed.
      environment: dict from the name of a switch to its value or None.
      flags, seed: as given.

  Raises:
    OSError: a file of the set cannot be read.
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
  """Describes what results depend on that have no data set and no flags.

  Args:
    packages, root: see manifest().

  Returns:
    dict that JSON can hold: those keys of manifest() that no argument of its
    own gives.
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
    cpuinfo: str, the file in which Linux describes it; need not exist.

  Returns:
    dict with
      name: str.
      features: list of str, those of _FEATURES that it has; empty where Linux
        does not tell.
      cores: int, or None where Linux does not tell.
      threads: int, how many this process may use.
  """
  try:
    text = pathlib.Path(cpuinfo).read_text(encoding='utf-8')
    blocks = [_fields(block) for block in text.strip().split('\n\n')]
  except OSError:
    blocks = [{}]
  first = blocks[0]
  flags = set((first.get('flags') or first.get('Features') or '').split())
  # A core is known by its number and its socket's.
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
  """Returns how many hardware threads this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count()


def _fields(block):
  """Returns one processor's lines of cpuinfo as a dict."""
  lines = (line.partition(':') for line in block.splitlines())
  return {name.strip(): value.strip() for name, _, value in lines}


def _commit(root):
  """Returns (commit, dirty) of a checkout's root; (None, None) of others."""
  # Not just anywhere below one: an environment can lie in another's checkout.
  if not os.path.exists(os.path.join(root, '.git')):
    return None, None
  commit = _git(root, 'rev-parse', 'HEAD')
  if commit is None:
    return None, None
  # Results are written into docs/ while they are being measured.
  status = _git(root, 'status', '--porcelain', '--', '.', ':(exclude)docs')
  return commit, status != ''


def _git(root, *args):
  """Returns what git prints; None if it cannot be run, or fails."""
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
