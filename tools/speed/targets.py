"""Compares the important ratios with their targets, in one line each."""

from typing import Dict, NamedTuple, Optional, Tuple

from . import pairs

# The processor feature for each column of targets; the first match counts.
_COLUMNS = (
    ('avx512_bf16', {'avx512_bf16', 'amx_bf16'}),
    ('avx2', {'avx2'}),
)


class Value(NamedTuple):
  """A measured value of a contestant's runs."""

  measurement: str
  contestant: str
  key: str


class Target(NamedTuple):
  """A ratio, and the target range of its median."""

  name: str
  numerator: Tuple[
      Value, ...
  ]  # if there are several, the value with the best ratio counts
  denominator: Tuple[Value, ...]  # like numerator
  least: Optional[Dict[str, float]]  # the minimum for each column
  most: Optional[Dict[str, float]]


class Line(NamedTuple):
  """The result for a Target."""

  name: str
  summary: Optional[pairs.Summary]  # of the ratios; None if there are no runs
  target: str  # for example '>= 3.2'; '' for other processors
  met: Optional[bool]  # None if unknown


def _both(value):
  return {'avx2': value, 'avx512_bf16': value}


def _runs(key, measurement, *contestants):
  """Returns a Value for each contestant."""
  return tuple(Value(measurement, c, key) for c in contestants)


# The ratio of examples/s is the inverse of the ratio of seconds per step.
_END = 'end_to_end'
TARGETS = (
    Target(
        'default end to end / unmodified tutorial, examples/s',
        _runs('seconds_per_step', _END, 'tutorial'),
        _runs('seconds_per_step', _END, 'literal'),
        _both(0.97),
        None,
    ),
    Target(
        '--fast end to end / unmodified tutorial, float32, examples/s',
        _runs('seconds_per_step', _END, 'tutorial'),
        _runs('seconds_per_step', _END, 'fast'),
        {'avx2': 3.2, 'avx512_bf16': 1.8},
        None,
    ),
    Target(
        '--fast end to end / unmodified tutorial, better of float32 and '
        'bfloat16, examples/s',
        _runs('seconds_per_step', _END, 'tutorial'),
        _runs('seconds_per_step', _END, 'fast', 'fast_bfloat16'),
        {'avx2': 3.2, 'avx512_bf16': 2.3},
        None,
    ),
    Target(
        "--fast constant batch / 13.48 GFLOP at the matrix product's speed",
        _runs('seconds_per_step', 'constant', 'fast'),
        _runs('seconds_per_step', 'constant', 'matrix_product_float32'),
        None,
        {'avx2': 0.60, 'avx512_bf16': 0.85},
    ),
    Target(
        '--fast end to end / constant batch, seconds',
        _runs('seconds_per_step', _END, 'fast'),
        _runs('seconds_per_step', 'constant', 'fast'),
        None,
        _both(1.05),
    ),
    Target(
        "chunked input / the tutorial's input alone, examples/s",
        _runs('examples_per_second', 'input', 'fast'),
        _runs('examples_per_second', 'input', 'tutorial'),
        _both(5.0),
        None,
    ),
    Target(
        'chunked input / tf.data doing the same work, examples/s',
        _runs('examples_per_second', 'input', 'fast'),
        _runs('examples_per_second', 'input', 'tf_data'),
        _both(1.0),
        None,
    ),
    Target(
        'start to the first step, minus the import of TensorFlow, '
        '--fast / tutorial, seconds',
        _runs('seconds_less_import', 'start', 'fast'),
        _runs('seconds_less_import', 'start', 'tutorial'),
        None,
        _both(0.6),
    ),
    Target(
        'start to the first step, total, --fast / tutorial, seconds',
        _runs('seconds', 'start', 'fast'),
        _runs('seconds', 'start', 'tutorial'),
        None,
        None,
    ),
    Target(
        "exact eval of 10,000, --fast / tutorial's eval, both minus the "
        'import of TensorFlow, seconds',
        _runs('seconds_less_import', 'eval', 'fast'),
        _runs('seconds_less_import', 'eval', 'tutorial'),
        None,
        _both(0.5),
    ),
    Target(
        "exact eval of 10,000, total, --fast / tutorial's eval, seconds",
        _runs('seconds', 'eval', 'fast'),
        _runs('seconds', 'eval', 'tutorial'),
        None,
        None,
    ),
    Target(
        '--fast / Keras 3, constant batch, seconds',
        _runs('seconds_per_step', 'constant', 'fast'),
        _runs('seconds_per_step', 'constant', 'keras'),
        None,
        _both(1.0),
    ),
    Target(
        '--fast / PyTorch, constant batch, seconds',
        _runs('seconds_per_step', 'constant', 'fast'),
        _runs('seconds_per_step', 'constant', 'pytorch'),
        None,
        _both(1.0),
    ),
    Target(
        '--fast peak memory / tutorial, end to end',
        _runs('peak_memory_bytes', _END, 'fast'),
        _runs('peak_memory_bytes', _END, 'tutorial'),
        None,
        _both(1.1),
    ),
) + tuple(
    Target(
        'cost per example with --fast, %s' % name,
        _runs('seconds_per_example', 'scaling', numerator),
        _runs('seconds_per_example', 'scaling', denominator),
        _both(0.85),
        _both(1.15),
    )
    for name, numerator, denominator in (
        ('batch 32 / 128', 'batch_32', 'batch_128'),
        ('batch 512 / 128', 'batch_512', 'batch_128'),
        ('batch 1,024 / 128', 'batch_1024', 'batch_128'),
        ('2 towers / 1, at 128 each', 'towers_2', 'towers_1'),
        ('4 towers / 1, at 128 each', 'towers_4', 'towers_1'),
        ('10x the records / 1x', 'records_x10', 'batch_128'),
    )
)


def column(processor):
  """Returns the targets' column for a processor: 'avx2', 'avx512_bf16', None.

  Args:
    processor: dict, see manifest.processor().
  """
  features = set(processor['features'])
  for name, needed in _COLUMNS:
    if needed & features:
      return name
  return None


def line(target, results):
  """Returns the Line of a Target.

  Args:
    target: Target.
    results: results.Results.
  """
  summaries = [
      pairs.summary(
          pairs.ratios(results.values(*numerator), results.values(*denominator))
      )
      for numerator in target.numerator
      for denominator in target.denominator
  ]
  # If the target is a minimum, a higher ratio is better.
  best = max if target.least else min
  found = best(filter(None, summaries), key=lambda s: s.median, default=None)
  where = column(results.manifest['processor'])
  least = target.least.get(where) if target.least else None
  most = target.most.get(where) if target.most else None
  met = None
  if found is not None and (least is not None or most is not None):
    met = (least is None or found.median >= least) and (
        most is None or found.median <= most
    )
  return Line(target.name, found, _range(least, most), met)


def _range(least, most):
  """Formats a target range as text."""
  if least is not None and most is not None:
    return '%.2f to %.2f' % (least, most)
  if least is not None:
    return '>= %.2f' % least
  return '' if most is None else '<= %.2f' % most


def lines(results):
  """Returns the Lines of all TARGETS."""
  return [line(target, results) for target in TARGETS]
