"""What hypothesis chooses for `fuzz --search`: sets, command lines, TF_CONFIG.

Each kind is a strategy of values, and a function of a value and an empty
directory that lets the package read what the value stands for.
"""

import collections
import io
import json
import os
import random
import tarfile

from absl import flags as absl_flags
import hypothesis
from hypothesis import strategies as st

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import images
from cifar10_compat.distributed import cluster

from . import fuzz_cases

_PROGRAMS = (
    config_lib.Train,
    config_lib.MultiGpuTrain,
    config_lib.DistributedTrain,
    config_lib.Eval,
    config_lib.Predict,
    config_lib.Export,
)

# Where a file is changed, 0 to 1 of its length; how many bytes go; what comes.
_DAMAGES = st.just([]) | st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from((0, 1, 4, 3073)),
        st.binary(max_size=64),
    ),
    max_size=4,
)
_TEXT = st.text(max_size=40)  # Without surrogates, which tarfile cannot write.
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=40),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


def _damaged(contents, damages):
  for where, gone, new in damages:
    here = int(where * len(contents))
    contents = contents[:here] + new + contents[here + gone :]
  return contents


def _read_records(value, directory):
  known, name, damages = value
  dataset = fuzz_cases.write_set(random.Random(0), directory)
  path = os.path.join(directory, name)
  with open(path, 'rb') as f:
    contents = f.read()
  fuzz_cases.write(path, _damaged(contents, damages))
  fuzz_cases.read_records(datasets.DATASETS[known], dataset, path)


def _read_description(value, directory):
  changes, damages = value
  dataset = fuzz_cases.write_set(random.Random(0), directory)
  values = dict(json.loads(description.describe(dataset)), **changes)
  fuzz_cases.write(
      os.path.join(directory, description.FILE_NAME),
      _damaged(json.dumps(values).encode(), damages),
  )
  fuzz_cases.read_set(directory)


def _read_archive(value, directory):
  members, damages = value
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz', compresslevel=1) as tar:
    for name, kind, link, contents, lie in members:
      info = tarfile.TarInfo(name)
      info.type, info.linkname = kind, link
      info.size = len(contents) + lie
      buffered = io.BytesIO(contents + bytes(max(lie, 0)))
      tar.addfile(info, buffered)
  fuzz_cases.read_archive(_damaged(buffer.getvalue(), damages), directory)


def _read_images(value, directory):
  Image, _ = images.pillow()
  for number, (mode, kind, size, damages) in enumerate(value):
    folder = os.path.join(directory, 'images', 'ab'[number % 2])
    os.makedirs(folder, exist_ok=True)
    buffer = io.BytesIO()
    Image.new(mode, size, 1).save(buffer, kind)
    fuzz_cases.write(
        os.path.join(folder, '%d.img' % number),
        _damaged(buffer.getvalue(), damages),
    )
  fuzz_cases.read_images(directory)


def _read_flags(value, unused_directory):
  program, settings = value
  flag_values = absl_flags.FlagValues()
  config_lib.define_flags(_PROGRAMS[program], flag_values)
  names = sorted(config_lib.settings(_PROGRAMS[program]))
  try:
    flag_values(
        ['program']
        + ['--%s=%s' % (names[i % len(names)], text) for i, text in settings]
    )
    config_lib.from_flags(_PROGRAMS[program], flag_values=flag_values)
  except absl_flags.Error as e:  # What entry_points.read() makes one line of.
    raise errors.UsageError(' '.join(str(e).split())) from e


def _read_tf_config(value, unused_directory):
  cluster.from_tf_config(value)


_ADDRESS = st.integers(0, 99999).map(lambda port: '127.0.0.1:%d' % port)
_ADDRESSES = st.lists(_ADDRESS | _TEXT, max_size=3)
# Whole but for an address or two, and for whom it is meant.
_NEARLY_WHOLE_CONFIG = st.fixed_dictionaries(
    {
        'cluster': st.fixed_dictionaries(
            {
                'ps': st.lists(_ADDRESS, min_size=1, max_size=2),
                'worker': st.lists(_ADDRESS, min_size=1, max_size=3),
            }
        ),
        'task': st.fixed_dictionaries(
            {
                'type': st.sampled_from(('ps', 'worker')),
                'index': st.integers(0, 2),
            }
        ),
    }
)
_CONFIG = st.fixed_dictionaries(
    {},
    optional={
        'cluster': _JSON
        | st.dictionaries(
            st.sampled_from(('ps', 'worker', 'chief', 'evaluator', 'x')),
            _ADDRESSES | _JSON,
        ),
        'task': _JSON
        | st.fixed_dictionaries(
            {
                'type': st.sampled_from(('ps', 'worker', 'chief')) | _JSON,
                'index': st.integers(-1, 3) | _JSON,
            }
        ),
    },
)

# By kind: the strategy and the function.
KINDS = {
    'records': (
        st.tuples(
            st.sampled_from(sorted(datasets.DATASETS)),
            st.sampled_from(('train.bin', 'test.bin')),
            _DAMAGES,
        ),
        _read_records,
    ),
    'descriptions': (
        st.tuples(
            st.dictionaries(
                st.sampled_from(
                    sorted(json.loads(description.describe(datasets.CIFAR10)))
                )
                | _TEXT,
                _JSON,
                max_size=2,
            ),
            _DAMAGES,
        ),
        _read_description,
    ),
    'archives': (
        st.tuples(
            st.lists(
                st.tuples(
                    st.sampled_from(('set/a.bin', 'set/b.bin', 'set', '../set'))
                    | _TEXT.filter(lambda t: '\0' not in t),
                    st.sampled_from(
                        (tarfile.REGTYPE,) * 4
                        + (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
                        + (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, b'?')
                    ),
                    st.sampled_from(('', '/etc/passwd', 'set/a.bin', '..')),
                    st.binary(max_size=1000),
                    st.sampled_from((0, 0, 0, 1, 512)),
                ),
                max_size=4,
            ),
            _DAMAGES,
        ),
        _read_archive,
    ),
    'images': (
        st.lists(
            st.tuples(
                st.sampled_from(('RGB', 'L')),
                st.sampled_from(('PNG', 'JPEG', 'GIF', 'BMP', 'TIFF', 'WEBP')),
                st.tuples(st.integers(1, 70), st.integers(1, 70)),
                _DAMAGES,
            ),
            min_size=2,
            max_size=4,
        ),
        _read_images,
    ),
    'flags': (
        st.tuples(
            st.integers(0, len(_PROGRAMS) - 1),
            st.lists(
                st.tuples(
                    st.integers(0, 40),
                    _TEXT | st.integers().map(str) | st.floats().map(str),
                ),
                max_size=4,
            ),
        ),
        _read_flags,
    ),
    'TF_CONFIG': (
        _TEXT | (_NEARLY_WHOLE_CONFIG | _CONFIG | _JSON).map(json.dumps),
        _read_tf_config,
    ),
}


def search(kind, *, seed, cases, outcome):
  """Runs cases of a kind, and simplifies one that fails.

  Args:
    kind: str, of KINDS.
    seed: int, of the cases.
    cases: int, how many at most.
    outcome: function of a function of a directory: see fuzz.outcome().

  Returns:
    counts: collections.Counter of (kind, result), a failure counted once.
    report: str, of the simplest case that fails, else ''.
  """
  strategy, read = KINDS[kind]
  counts = collections.Counter()
  failures = []

  @hypothesis.seed(seed)
  @hypothesis.settings(
      max_examples=cases,
      deadline=None,
      database=None,
      suppress_health_check=list(hypothesis.HealthCheck),
      print_blob=False,
      report_multiple_bugs=False,
  )
  @hypothesis.given(strategy)
  def run(value):
    result, report = outcome(lambda directory: read(value, directory))
    if result == 'failed':
      failures.append('%s, with seed %d: %r\n%s' % (kind, seed, value, report))
      raise AssertionError(report)
    counts[kind, result] += 1

  try:
    run()
  except (AssertionError, hypothesis.errors.HypothesisException):
    if not failures:
      raise
    counts[kind, 'failed'] += 1
  return counts, failures[-1] if failures else ''
