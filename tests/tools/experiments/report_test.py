"""Tables and the picture of runs, made by hand and from the committed files."""

import os
import pathlib
import re
import shutil

from absl.testing import absltest
from matplotlib import figure

from tools.base import manifest
from tools.dev import docs
from tools.experiments import report
from tools.run import predictions
from tools.speed import results as speed_results


def _run(*precision, views=(), images='drawn'):
  """Returns the content of a file of report.

  Args:
    *precision: (step, averaged, raw).
    views: (step, views, averaged) each.
    images: str.
  """
  run = {
      'experiment': 'a network',
      'images': images,
      'precision': [
          {'step': s, 'averaged': a, 'raw': r} for s, a, r in precision
      ],
  }
  if views:
    run['views'] = [
        {'step': s, 'views': n, 'averaged': a, 'raw': a} for s, n, a in views
    ]
  return run


class TablesTest(absltest.TestCase):

  def test_spread(self):
    self.assertEqual('', report.spread([]))
    self.assertEqual('0.2500', report.spread([0.25]))
    # The sample standard deviation: sqrt((0.01 + 0.01) / 1).
    self.assertEqual('0.4000 ± 0.1414', report.spread([0.3, 0.5]))

  def test_curve(self):
    runs = {
        'tutorial': [
            _run((5000, 0.5, 0.4), (10000, 0.75, 0.7), (20000, 0.8, 0.75))
        ],
        'published': [_run((10000, 0.7625, 0.71), (30000, 0.82, 0.78))],
        'fast': [_run((10000, 0.1, 0.1))],
    }
    heads, rows = report.curve(runs)
    self.assertEqual(
        [
            ['10,000', '0.7500', '0.7000', '0.7625', '0.7100', '+0.0125'],
            ['20,000', '0.8000', '0.7500', '', '', ''],
            ['30,000', '', '', '0.8200', '0.7800', ''],
        ],
        rows,
    )
    self.assertLen(heads, 6)
    # Without the port's run, there is neither its column nor a difference.
    del runs['published']
    heads, rows = report.curve(runs)
    self.assertLen(heads, 3)
    self.assertEqual(['20,000', '0.8000', '0.7500'], rows[-1])

  def test_summary(self):
    runs = {
        'tutorial': [_run((1000, 0.1, 0.1), (5000, 0.7, 0.6), (10000, 0.8, 0))],
        'fast': [_run((5000, 0.7, 0.6)), _run((5000, 0.6, 0.6))],
        'conv_local': [_run((20000, 0.9, 0.9))],
        'published': [_run((10000, 0.79, 0.7), (15000, 0.9, 0))],
    }
    self.assertEqual(
        (
            ['steps', '5,000', '10,000'],
            [
                ['a network', '0.7000', '0.8000'],
                ['a network; 2 runs', '0.6500 ± 0.0707', ''],
                ['a network', '', '0.7900'],
            ],
        ),
        report.summary(runs),
    )

  def test_seeds(self):
    runs = {
        'tutorial': [_run((5000, 0.2, 0.1), (20000, 0.9, 0.8))],
        'fast': [_run((5000, 0.3, 0.1)), _run((5000, 0.5, 0.4), (6000, 1, 1))],
        'towers': [_run((5000, 0.6, 0.5)), _run((5000, 0.8, 0.5))],
    }
    heads, rows = report.seeds(runs)
    self.assertIn('minus that of `--fast`', heads[-1])
    self.assertEqual(
        [
            ['5,000', 'a network', '1', '0.2000', '0.1000', '0.1000', ''],
            # In each run, the averages are better by 0.2 and 0.1.
            [
                '5,000',
                'a network',
                '2',
                '0.4000 ± 0.1414',
                '0.2500 ± 0.2121',
                '0.1500 ± 0.0707',
                '',
            ],
            # Student's t of 2 degrees of freedom is 2.920 at 95%, and a mean of
            # two deviates by 0.1: 2.920 * sqrt(0.1 ** 2 + 0.1 ** 2) = 0.4129.
            [
                '5,000',
                'a network',
                '2',
                '0.7000 ± 0.1414',
                '0.5000 ± 0.0000',
                '0.2000 ± 0.1414',
                '+0.3000 (-0.1129 to +0.7129)',
            ],
        ],
        rows,
    )

  def test_views(self):
    self.assertEqual([], report.views({'fast': [_run((5000, 0.3, 0.1))]})[1])
    runs = {
        'conv_local': [
            _run((10000, 0.75, 0.7), views=[(10000, 10, 0.8)]),
            _run((10000, 0.77, 0.7), views=[(10000, 10, 0.8)]),
            _run((10000, 0.1, 0.1)),
        ]
    }
    self.assertEqual(
        [
            [
                'a network',
                '10,000',
                '2',
                '0.7600 ± 0.0141',
                '10',
                '0.8000 ± 0.0000',
            ]
        ],
        report.views(runs)[1],
    )

  def test_confusion(self):
    heads, rows = predictions.confusion_table(('cat', 'dog'), [[6, 2], [3, 9]])
    self.assertEqual(
        ['true class, predicted as', 'cat', 'dog', 'recall', 'precision'],
        heads,
    )
    # 6 of 8 cats are recognized, and 6 of 9 predictions "cat" are right.
    self.assertEqual(
        [
            ['cat', '**6**', '2', '0.750', '0.667'],
            ['dog', '3', '**9**', '0.750', '0.818'],
        ],
        rows,
    )

  def test_images(self):
    self.assertEqual(
        'Images: a; b.\n',
        report.images([_run(images=i) for i in ('b', 'a', 'b')]),
    )

  def test_a_changed_digit_in_a_page_or_in_a_file_is_stale(self):
    path = os.path.join('docs', 'results.md')
    text = pathlib.Path(manifest.ROOT, path).read_text(encoding='utf-8')
    # The tutorial's precision after 80,000 steps.
    changed, n = re.subn(
        r'(?m)^\| 80,000 \| 0\.8268 \|', '| 80,000 | 0.8269 |', text
    )
    self.assertEqual(1, n)
    root = self.create_tempdir()
    root.create_file('README.md')
    page = root.create_file(path, changed)
    self.assertEqual({page.full_path: text}, docs.stale(root.full_path))
    shutil.copytree(
        os.path.join(manifest.ROOT, 'docs', 'data', 'runs'),
        os.path.join(root, 'docs', 'data', 'runs'),
    )
    tables = [
        docs._results_table(table, root.full_path)
        for table in (report.curve, report.seeds)
    ]
    for table in tables:
      self.assertIn(table, text)
    file = os.path.join(root, 'docs', 'data', 'runs', 'tutorial_1.json')
    content = pathlib.Path(file).read_text(encoding='utf-8')
    self.assertIn('0.7753', content)
    pathlib.Path(file).write_text(
        content.replace('0.7753', '0.7754'), encoding='utf-8'
    )
    for table, made in zip((report.curve, report.seeds), tables):
      self.assertNotEqual(made, docs._results_table(table, root.full_path))

  def test_the_tutorial_s_curve_has_its_origin(self):
    (run,) = docs.runs(report.TUTORIAL)
    self.assertIn('unmodified v0.7.0 code on TensorFlow 2.21', run['origin'])
    self.assertIn('re-encoded as JPEG', run['images'])
    self.assertLen(run['precision'], 17)
    self.assertEqual(85000, run['precision'][-1]['step'])


def _speed(fast_seconds):
  """Returns Results of three rounds: 0.1 s per step; for --fast these times."""
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


class PictureTest(absltest.TestCase):

  def test_content(self):
    drawn = report.content(_RUNS, _speed(0.05))
    self.assertEqual(
        (
            ('tutorial', 'averaged', ((1000, 0.7, 0.0, 1),)),
            ('tutorial', 'raw', ((1000, 0.66, 0.0, 1),)),
            # The standard deviation of two values is their difference over
            # sqrt(2).
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
    drawn = report.content(_RUNS, _speed(0.05))
    self.assertEqual(report.digest(drawn), report.digest(drawn))
    for other in (
        report.content(_RUNS, _speed(0.04)),
        report.content({'tutorial': _RUNS['tutorial']}, _speed(0.05)),
    ):
      self.assertNotEqual(report.digest(drawn), report.digest(other))

  def test_time_is_measured_in_the_tutorial_s_steps(self):
    drawn = report.content(_RUNS, _speed(0.05))
    for ratio, expected in ((1.0, [1000, 2000]), (2.0, [500, 1000])):
      axes = figure.Figure().add_subplot()
      report._chart(axes, drawn, ratio)
      shown = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
      self.assertEqual(expected, shown['cifar10_compat --fast, averaged'])
      self.assertEqual([1000], shown['v0.7.0, unmodified, averaged'])

  def test_draw(self):
    drawn = report.content(_RUNS, _speed(0.05))
    path = os.path.join(self.create_tempdir().full_path, 'picture.svg')
    report.draw(drawn, path)
    svg = pathlib.Path(path).read_text(encoding='utf-8')
    self.assertIn(report.digest(drawn), svg)
    for text in ('against time', 'mean ± deviation of 2 runs, averaged'):
      self.assertIn(text, svg)
    self.assertLen(
        re.findall('A processor, 2.00 steps of --fast in one', svg), 1
    )
