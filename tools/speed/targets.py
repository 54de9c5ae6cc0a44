"""The ratios that matter, with what they should be: one line each."""

from typing import Dict, NamedTuple, Optional, Tuple

from . import pairs

# What a processor must have for a column of targets; the first one counts.
_COLUMNS = (
    ('avx512_bf16', {'avx512_bf16', 'amx_bf16'}),
    ('avx2', {'avx2'}),
)


class Value(NamedTuple):
  """What a contestant's runs measured."""

  measurement: str
  contestant: str
  key: str


class Target(NamedTuple):
  """A ratio, and the range in which its median should be."""

  name: str
  numerator: Tuple[Value, ...]  # of several, the one with the best ratio
  denominator: Tuple[Value, ...]  # likewise
  least: Optional[Dict[str, float]]  # by column
  most: Optional[Dict[str, float]]


class Line(NamedTuple):
  """What became of a Target."""

  name: str
  summary: Optional[pairs.Summary]  # of the ratios; None if nothing was run
  target: str  # such as '>= 3.2'; '' for other processors
  met: Optional[bool]  # None if that is open


def _both(value):
  return {'avx2': value, 'avx512_bf16': value}


def _step(measurement, *contestants):
  return tuple(Value(measurement, c, 'seconds_per_step') for c in contestants)


def _input(contestant):
  return (Value('input', contestant, 'examples_per_second'),)


def _less_import(measurement, contestant):
  return (Value(measurement, contestant, 'seconds_less_import'),)


def _whole(measurement, contestant):
  return (Value(measurement, contestant, 'seconds'),)


def _memory(contestant):
  return (Value('end_to_end', contestant, 'peak_memory_bytes'),)


def _example(contestant):
  return (Value('scaling', contestant, 'seconds_per_example'),)


# Examples a second of one over another are the seconds of the other over its.
_END = 'end_to_end'
TARGETS = (
    Target(
        'default end to end / unmodified tutorial, examples/s',
        _step(_END, 'tutorial'),
        _step(_END, 'literal'),
        _both(0.97),
        None,
    ),
    Target(
        '--fast end to end / unmodified tutorial, float32, examples/s',
        _step(_END, 'tutorial'),
        _step(_END, 'fast'),
        {'avx2': 3.2, 'avx512_bf16': 1.8},
        None,
    ),
    Target(
        '--fast end to end / unmodified tutorial, better of float32 and bfloat16, examples/s',
        _step(_END, 'tutorial'),
        _step(_END, 'fast', 'fast_bfloat16'),
        {'avx2': 3.2, 'avx512_bf16': 2.3},
        None,
    ),
    Target(
        "--fast constant batch / 13.48 GFLOP at the matrix product's speed",
        _step('constant', 'fast'),
        _step('constant', 'matrix_product_float32'),
        None,
        {'avx2': 0.60, 'avx512_bf16': 0.85},
    ),
    Target(
        '--fast end to end / constant batch, seconds',
        _step(_END, 'fast'),
        _step('constant', 'fast'),
        None,
        _both(1.05),
    ),
    Target(
        "chunked input / the tutorial's input alone, examples/s",
        _input('fast'),
        _input('tutorial'),
        _both(5.0),
        None,
    ),
    Target(
        'chunked input / tf.data doing the same work, examples/s',
        _input('fast'),
        _input('tf_data'),
        _both(1.0),
        None,
    ),
    Target(
        'start to the first step, minus the import of TensorFlow, '
        '--fast / tutorial, seconds',
        _less_import('start', 'fast'),
        _less_import('start', 'tutorial'),
        None,
        _both(0.6),
    ),
    Target(
        'start to the first step, total, --fast / tutorial, seconds',
        _whole('start', 'fast'),
        _whole('start', 'tutorial'),
        None,
        None,
    ),
    Target(
        'exact eval of 10,000, minus the import of TensorFlow, '
        "--fast / tutorial's eval likewise, seconds",
        _less_import('eval', 'fast'),
        _less_import('eval', 'tutorial'),
        None,
        _both(0.5),
    ),
    Target(
        "exact eval of 10,000, total, --fast / tutorial's eval, seconds",
        _whole('eval', 'fast'),
        _whole('eval', 'tutorial'),
        None,
        None,
    ),
    Target(
        '--fast / Keras 3, constant batch, seconds',
        _step('constant', 'fast'),
        _step('constant', 'keras'),
        None,
        _both(1.0),
    ),
    Target(
        '--fast / PyTorch, constant batch, seconds',
        _step('constant', 'fast'),
        _step('constant', 'pytorch'),
        None,
        _both(1.0),
    ),
    Target(
        '--fast peak memory / tutorial, end to end',
        _memory('fast'),
        _memory('tutorial'),
        None,
        _both(1.1),
    ),
) + tuple(
    Target(
        'cost per example with --fast, %s' % name,
        _example(numerator),
        _example(denominator),
        _both(0.85),
        _both(1.15),
    )
    for name, numerator, denominator in (
        ('batch 32 / 128', 'batch_32', 'batch_128'),
        ('batch 512 / 128', 'batch_512', 'batch_128'),
        ('batch 1,024 / 128', 'batch_1024', 'batch_128'),
        ('2 towers / 1, at 128 each', 'towers_2', 'towers_1'),
        ('4 towers / 1, at 128 each', 'towers_4', 'towers_1'),
        ('10 times the records / once', 'records_x10', 'batch_128'),
    )
)


def column(processor):
  """Returns which targets are a processor's: 'avx2', 'avx512_bf16' or None.

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
  # More is better where there is a least value.
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
  """Returns a target as text."""
  if least is not None and most is not None:
    return '%.2f to %.2f' % (least, most)
  if least is not None:
    return '>= %.2f' % least
  return '' if most is None else '<= %.2f' % most


def lines(results):
  """Returns the Lines of all TARGETS."""
  return [line(target, results) for target in TARGETS]
