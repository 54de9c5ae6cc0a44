"""The picture of docs/results.md."""

import os
import re

from absl.testing import absltest
from matplotlib import figure

from tools.experiments import results_plot
from tools.speed import results as speed_results


def _run(*precisions):
  return {
      'precision': [
          {'step': step, 'averaged': averaged, 'raw': raw}
          for step, averaged, raw in precisions
      ]
  }


def _speed(fast_seconds):
  """Results of which three rounds took 0.1 s a step, and --fast what is given."""
  return speed_results.Results(
      {'processor': {'name': 'A processor', 'features': ['avx2']}},
      runs=[
          {
              'measurement': 'end_to_end',
              'contestant': contestant,
              'round': number,
              'values': {'seconds_per_step': seconds},
              'seconds': 9.0,
              'peak_memory_bytes': 1,
              'disturbance': None,
          }
          for number in (1, 2, 3)
          for contestant, seconds in (('tutorial', 0.1), ('fast', fast_seconds))
      ],
  )


_RUNS = {
    'tutorial': [_run((1000, 0.7, 0.66))],
    'fast': [_run((5000, 0.70, 0.68)), _run((5000, 0.74, 0.70))],
    'published': [_run((1000, 0.71, 0.67), (2000, 0.8, 0.7))],
    'towers': [_run((5000, 0.5, 0.5))],
}


class ResultsPlotTest(absltest.TestCase):

  def test_content(self):
    drawn = results_plot.content(_RUNS, _speed(0.05))
    self.assertEqual(
        (
            ('tutorial', 'averaged', ((1000, 0.7, 0.0, 1),)),
            ('tutorial', 'raw', ((1000, 0.66, 0.0, 1),)),
            # The deviation of a sample of two is their difference over sqrt(2).
            ('fast', 'averaged', ((5000, 0.72, 0.0283, 2),)),
            ('fast', 'raw', ((5000, 0.69, 0.0141, 2),)),
            (
                'published',
                'averaged',
                ((1000, 0.71, 0.0, 1), (2000, 0.8, 0.0, 1)),
            ),
            ('published', 'raw', ((1000, 0.67, 0.0, 1), (2000, 0.7, 0.0, 1))),
        ),
        drawn.curves,
    )
    self.assertEqual((2.0, 'A processor'), (drawn.ratio, drawn.processor))

  def test_digest(self):
    drawn = results_plot.content(_RUNS, _speed(0.05))
    self.assertEqual(results_plot.digest(drawn), results_plot.digest(drawn))
    for other in (
        results_plot.content(_RUNS, _speed(0.04)),
        results_plot.content({'tutorial': _RUNS['tutorial']}, _speed(0.05)),
    ):
      self.assertNotEqual(
          results_plot.digest(drawn), results_plot.digest(other)
      )

  def test_time_is_counted_in_the_tutorial_s_steps(self):
    drawn = results_plot.content(_RUNS, _speed(0.05))
    for ratio, expected in ((1.0, [1000, 2000]), (2.0, [500, 1000])):
      axes = figure.Figure().add_subplot()
      results_plot._chart(axes, drawn, ratio)
      shown = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
      self.assertEqual(expected, shown['cifar10_compat --fast, averaged'])
      self.assertEqual([1000], shown['v0.7.0, unmodified, averaged'])

  def test_draw(self):
    drawn = results_plot.content(_RUNS, _speed(0.05))
    path = os.path.join(self.create_tempdir().full_path, 'picture.svg')
    results_plot.draw(drawn, path)
    with open(path, encoding='utf-8') as f:
      svg = f.read()
    self.assertIn(results_plot.digest(drawn), svg)
    for text in ('against time', 'mean ± deviation of 2 runs, averaged'):
      self.assertIn(text, svg)
    self.assertLen(
        re.findall('A processor, 2.00 steps of --fast in one', svg), 1
    )
