"""Targets, compared with results written by hand."""

from absl.testing import parameterized

from tools.speed import children
from tools.speed import results
from tools.speed import targets

RESULT = children.Result({}, '', 0.0, 1.0, 1, None)


def _results(features, values):
  """Returns Results.

  Args:
    features: list of str, the processor's.
    values: dict from (measurement, contestant, key) to the rounds' values.
  """
  found = results.Results({'processor': {'features': features}})
  for (measurement, contestant, key), rounds in values.items():
    for number, value in enumerate(rounds, 1):
      found.add(
          number, measurement, contestant, values={key: value}, result=RESULT
      )
  return found


def _line(found, start):
  (line,) = [l for l in targets.lines(found) if l.name.startswith(start)]
  return line


# For each target: the start of its name, and its values.
_STEP = 'seconds_per_step'
_FLOAT32 = (
    '--fast end to end / unmodified tutorial, float32',
    *('end_to_end', _STEP, ('tutorial', 'fast')),
)
_BEST = (
    '--fast end to end / unmodified tutorial, better',
    *('end_to_end', _STEP, ('tutorial', 'fast', 'fast_bfloat16')),
)
_LIMIT = (
    '--fast constant batch / 13.48 GFLOP',
    *('constant', _STEP, ('fast', 'matrix_product_float32')),
)
_FLAT = (
    'cost per example with --fast, 4 towers',
    *('scaling', 'seconds_per_example', ('towers_4', 'towers_1')),
)


class TargetsTest(parameterized.TestCase):

  def test_names_differ(self):
    names = [target.name for target in targets.TARGETS]
    self.assertLen(set(names), len(names))

  def test_columns(self):
    for features, column in (
        (['avx2', 'avx512f', 'avx512_bf16'], 'avx512_bf16'),
        (['avx2', 'amx_bf16'], 'avx512_bf16'),
        (['avx', 'avx2', 'avx512f'], 'avx2'),
        (['asimd'], None),
    ):
      self.assertEqual(column, targets.column({'features': features}))

  def test_examples_per_second_from_seconds(self):
    found = _results(
        ['avx2'],
        {
            ('end_to_end', 'tutorial', 'seconds_per_step'): [0.32, 0.4, 0.33],
            ('end_to_end', 'literal', 'seconds_per_step'): [0.32, 0.32, 0.44],
            ('end_to_end', 'fast', 'seconds_per_step'): [0.1, 0.1, 0.1],
        },
    )
    line = _line(found, 'default end to end / unmodified')
    self.assertEqual((3, 1.0, 0.75, 1.25), line.summary)
    self.assertEqual('>= 0.97', line.target)
    self.assertTrue(line.met)
    line = _line(found, '--fast end to end / unmodified tutorial, float32')
    self.assertAlmostEqual(3.3, line.summary.median)
    self.assertTrue(line.met)

  @parameterized.named_parameters(
      # The bound depends on the processor.
      ('avx2', _FLOAT32, 'avx2', (2.0, 1.0), 2.0, '>= 3.20', False),
      ('avx512', _FLOAT32, 'avx512_bf16', (2.0, 1.0), 2.0, '>= 1.80', True),
      ('neither', _FLOAT32, 'sse', (2.0, 1.0), 2.0, '', None),
      # The better of two types counts.
      ('bfloat16', _BEST, 'avx512_bf16', (2.0, 1.0, 0.5), 4.0, '>= 2.30', True),
      ('float32', _BEST, 'avx512_bf16', (2.0, 1.0, 1.5), 2.0, '>= 2.30', False),
      # Less is better.
      ('fast', _LIMIT, 'avx2', (0.59, 1.0), 0.59, '<= 0.60', True),
      ('slow', _LIMIT, 'avx2', (0.61, 1.0), 0.61, '<= 0.60', False),
      # The target is a range.
      ('dearer', _FLAT, 'avx2', (1.14, 1.0), 1.14, '0.85 to 1.15', True),
      ('cheaper', _FLAT, 'avx2', (0.86, 1.0), 0.86, '0.85 to 1.15', True),
      ('too_dear', _FLAT, 'avx2', (1.16, 1.0), 1.16, '0.85 to 1.15', False),
      ('too_cheap', _FLAT, 'avx2', (0.84, 1.0), 0.84, '0.85 to 1.15', False),
  )
  def test_a_ratio(self, ratio, feature, values, median, target, met):
    name, measurement, key, contestants = ratio
    found = _results(
        [feature],
        {(measurement, c, key): [v] for c, v in zip(contestants, values)},
    )
    line = _line(found, name)
    self.assertAlmostEqual(median, line.summary.median)
    self.assertEqual((target, met), (line.target, line.met))

  def test_nothing_was_run(self):
    for line in targets.lines(_results(['avx2'], {})):
      self.assertIsNone(line.summary)
      self.assertIsNone(line.met)
