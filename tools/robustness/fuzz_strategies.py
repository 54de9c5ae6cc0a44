"""Hypothesis strategies for image sets, command lines and TF_CONFIG."""

import collections
from collections.abc import Callable
import functools
import json
import tarfile

import hypothesis
from hypothesis import strategies as st

from cifar10_compat.data import datasets
from cifar10_compat.data import description

from . import fuzz_cases

# Values to insert into a damaged description.
_VALUES = (
    *(None, True, 0, -1, 1 << 80, 1.5, float('nan'), fuzz_cases.RECORDS),
    *('', 'a', '.', '../../etc/passwd', '/etc/passwd', 'a\x00b', 'a\nb'),
    *('\ud800', 'ﬀ', 'x' * 300, 'train.bin', 'image_set.json'),
)

# Members of a hostile archive, in addition to valid members such as set/a.bin.
_MEMBER_NAMES = (
    *('/etc/x', 'set/../../x', 'set/../x', '..', '.', 'set', 'set/', 'set//x'),
    *('set/./x', '', 'x' * 300, 'set/\udcff', 'set/0.bin', 'set/a/b/c'),
)
_MEMBER_TYPES = (
    *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE),
    *(tarfile.DIRTYPE, tarfile.CONTTYPE, b'?'),
    *(tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME),
)

# For each mode, the formats that Pillow can write.
_FORMATS = {
    'RGB': ('PNG', 'JPEG', 'GIF', 'BMP', 'WEBP', 'TIFF', 'ICO', 'PPM'),
    'L': ('PNG', 'JPEG', 'GIF', 'BMP', 'WEBP', 'TIFF', 'PPM'),
    'I;16': ('PNG', 'TIFF'),
    'P': ('PNG', 'GIF', 'BMP'),
    'RGBA': ('PNG', 'TIFF'),
    'LA': ('PNG', 'TIFF'),
    '1': ('PNG', 'TIFF'),
}

# The kind of change to a file, its position (as a fraction of the length), the
# number of bytes and the new bytes.
_DAMAGES = st.just([]) | st.lists(
    st.tuples(
        st.sampled_from(
            ('cut', 'insert', 'repeat', 'zero', 'flip', 'overwrite', 'replace')
        ),
        st.floats(0, 1),
        st.sampled_from((0, 1, 2, 4, 64, 3073)),
        st.binary(max_size=64),
    ),
    min_size=1,
    max_size=8,
)
# A seed for random values, which hypothesis does not simplify.
_NOISE = st.integers(0, 1 << 32)
# Names without surrogates, which tarfile cannot write.
_TEXT = st.text(max_size=40)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=40)
    | st.sampled_from(_VALUES),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


_ADDRESS = st.integers(0, 99999).map(lambda port: '127.0.0.1:%d' % port)
_ADDRESSES = st.lists(_ADDRESS | _TEXT, max_size=3)
# Valid cluster settings, except possibly the task and the number of tasks.
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

_PLAIN_MEMBER = st.tuples(
    st.sampled_from(('set/a.bin', 'set/b.bin', 'set/c.bin')),
    st.just(tarfile.REGTYPE),
    st.just(''),
    st.binary(max_size=1000),
    st.just(0),
)
_HOSTILE_MEMBER = st.tuples(
    st.sampled_from(_MEMBER_NAMES) | _TEXT.filter(lambda t: '\0' not in t),
    st.sampled_from((tarfile.REGTYPE, *_MEMBER_TYPES)),
    st.sampled_from(('', '/etc/passwd', 'set/a.bin', '..')),
    st.binary(max_size=1000),
    st.sampled_from((0, 0, 0, 1, 512)),
)

# For each kind of case, the strategy and the function in fuzz_cases.
KINDS = {
    'records': (
        st.tuples(
            st.sampled_from(sorted(datasets.DATASETS)),
            st.sampled_from(('train.bin', 'test.bin')),
            st.sampled_from((1, 2)),
            _NOISE,
            _DAMAGES,
        ),
        fuzz_cases.read_records,
    ),
    'descriptions': (
        st.tuples(
            st.lists(
                st.tuples(
                    st.sampled_from(
                        sorted(
                            json.loads(description.describe(datasets.CIFAR10))
                        )
                    )
                    | _TEXT,
                    st.sampled_from(('set', 'drop', 'append', 'item')),
                    st.integers(0, 9),
                    _JSON,
                ),
                max_size=2,
            ),
            _DAMAGES,
        ),
        fuzz_cases.read_description,
    ),
    'archives': (
        st.tuples(
            st.lists(_PLAIN_MEMBER, max_size=4)
            | st.lists(_PLAIN_MEMBER | _HOSTILE_MEMBER, max_size=4),
            _DAMAGES,
        ),
        fuzz_cases.read_archive,
    ),
    'images': (
        st.lists(
            st.tuples(
                st.sampled_from(
                    [(mode, f) for mode in _FORMATS for f in _FORMATS[mode]]
                ),
                st.tuples(st.integers(1, 70), st.integers(1, 70)),
                _NOISE,
                _DAMAGES,
            ),
            min_size=2,
            max_size=4,
        ),
        fuzz_cases.read_images,
    ),
    'flags': (
        st.tuples(
            st.integers(0, len(fuzz_cases.PROGRAMS) - 1),
            st.lists(
                st.tuples(
                    st.integers(0, 40),
                    _TEXT | st.integers().map(str) | st.floats().map(str),
                ),
                max_size=4,
            ),
        ),
        fuzz_cases.read_flags,
    ),
    'TF_CONFIG': (
        _TEXT | (_NEARLY_WHOLE_CONFIG | _CONFIG | _JSON).map(json.dumps),
        fuzz_cases.read_tf_config,
    ),
}


_SETTINGS = {
    'deadline': None,
    'database': None,
    'suppress_health_check': list(hypothesis.HealthCheck),
    'print_blob': False,
    'report_multiple_bugs': False,
}


@functools.cache
def drawn(kind: str, seed: str, number: int) -> list:
  """Returns values of a kind; equal arguments yield equal values.

  Args:
    kind: a name in KINDS.
    seed: the seed of the values.
    number: the number of values.
  """
  values = []

  @hypothesis.seed(seed)
  @hypothesis.settings(
      max_examples=number, phases=[hypothesis.Phase.generate], **_SETTINGS
  )
  @hypothesis.given(KINDS[kind][0])
  def take(value):
    values.append(value)

  take()
  return values


def search(
    kind: str,
    *,
    seed: int,
    cases: int,
    outcome: Callable[[Callable[[str], None]], tuple[str, str]],
) -> tuple[collections.Counter, str]:
  """Runs cases of a kind, and simplifies a failing case.

  Args:
    kind: a name in KINDS.
    seed: the seed of the cases.
    cases: the maximum number of cases.
    outcome: function that runs a case, like fuzz.outcome().

  Returns:
    counts: Counter of (kind, result), with only one failure.
    report: the report of the simplest failing case, or ''.
  """
  strategy, read = KINDS[kind]
  counts = collections.Counter()
  failures = []

  @hypothesis.seed(seed)
  @hypothesis.settings(max_examples=cases, **_SETTINGS)
  @hypothesis.given(strategy)
  def run(value):
    result, report = outcome(lambda directory: read(value, directory))
    if result == 'failed':
      failures.append(f'{kind}, with seed {seed}: {value!r}\n{report}')
      raise AssertionError(report)
    counts[kind, result] += 1

  try:
    run()
  except (AssertionError, hypothesis.errors.HypothesisException):
    if not failures:
      raise
    counts[kind, 'failed'] += 1
  return counts, failures[-1] if failures else ''
