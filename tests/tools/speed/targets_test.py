"""Targets held against results written by hand."""

from absl.testing import absltest

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


class TargetsTest(absltest.TestCase):

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

  def test_examples_a_second_from_seconds(self):
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

  def test_the_bound_is_the_processor_s(self):
    values = {
        ('end_to_end', 'tutorial', 'seconds_per_step'): [2.0],
        ('end_to_end', 'fast', 'seconds_per_step'): [1.0],
    }
    name = '--fast end to end / unmodified tutorial, float32'
    for features, target, met in (
        (['avx2'], '>= 3.20', False),
        (['avx512_bf16'], '>= 1.80', True),
        ([], '', None),
    ):
      line = _line(_results(features, values), name)
      self.assertEqual((target, met), (line.target, line.met))
      self.assertEqual(2.0, line.summary.median)

  def test_the_best_type(self):
    key = 'seconds_per_step'
    values = {
        ('end_to_end', 'tutorial', key): [2.0],
        ('end_to_end', 'fast', key): [1.0],
        ('end_to_end', 'fast_bfloat16', key): [0.5],
    }
    name = '--fast end to end / unmodified tutorial, better'
    line = _line(_results(['avx512_bf16'], values), name)
    self.assertEqual(4.0, line.summary.median)
    values[('end_to_end', 'fast_bfloat16', key)] = [1.5]
    line = _line(_results(['avx512_bf16'], values), name)
    self.assertEqual(2.0, line.summary.median)

  def test_less_is_better(self):
    for fast, met in ((0.59, True), (0.61, False)):
      found = _results(
          ['avx2'],
          {
              ('constant', 'fast', 'seconds_per_step'): [fast],
              ('constant', 'matrix_product_float32', 'seconds_per_step'): [1],
          },
      )
      line = _line(found, '--fast constant batch / 13.48 GFLOP')
      self.assertEqual(('<= 0.60', met), (line.target, line.met))

  def test_flat_is_neither_more_nor_less(self):
    for cost, met in ((1.14, True), (0.86, True), (1.16, False), (0.84, False)):
      found = _results(
          ['avx2'],
          {
              ('scaling', 'towers_4', 'seconds_per_example'): [cost],
              ('scaling', 'towers_1', 'seconds_per_example'): [1.0],
          },
      )
      line = _line(found, 'cost per example with --fast, 4 towers')
      self.assertEqual(('0.85 to 1.15', met), (line.target, line.met))

  def test_nothing_was_run(self):
    for line in targets.lines(_results(['avx2'], {})):
      self.assertIsNone(line.summary)
      self.assertIsNone(line.met)
