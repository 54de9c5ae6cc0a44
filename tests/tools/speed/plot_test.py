"""Charts of results written by hand."""

import os
import pathlib
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.base import plots
from tools.speed import children
from tools.speed import plot
from tools.speed import results

RESULT = children.Result({}, '', 0.0, 1.0, 1, None)


class PlotTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.results = results.Results({})
    for number, literal, keras in ((0, 9, 9), (1, 0.4, 0.5), (2, 0.3, 0.6)):
      for name, value in (('literal', literal), ('keras', keras)):
        self.results.add(
            number,
            'constant',
            name,
            values={'seconds_per_step': value},
            result=RESULT,
        )

  def path(self, name):
    return os.path.join(self.create_tempdir().full_path, name)

  def test_svg_and_png(self):
    path = self.path('a.svg')
    plot.draw(self.results, path)
    svg = pathlib.Path(path).read_text(encoding='utf-8')
    for text in ('One constant batch, seconds/step', 'Keras 3', 'default'):
      self.assertIn('>%s<' % text, svg)
    self.assertNotIn('Input alone', svg)
    again = self.path('b.svg')
    plot.draw(self.results, again)
    self.assertEqual(svg, pathlib.Path(again).read_text(encoding='utf-8'))
    path = self.path('a.png')
    plot.draw(self.results, path)
    with open(path, 'rb') as f:
      self.assertStartsWith(f.read(8), b'\x89PNG')

  def test_invalid_plots(self):
    with self.assertRaisesRegex(errors.UsageError, 'must end with .png or'):
      plots.check('a.jpg')
    with self.assertRaisesRegex(errors.UsageError, 'no results to draw'):
      plot.draw(results.Results({}), self.path('a.svg'))
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write .* another --plot'
    ):
      plot.draw(self.results, self.path('no/a.svg'))
    with mock.patch.dict('sys.modules', matplotlib=None):
      with self.assertRaisesRegex(errors.UsageError, r'\[benchmark\]'):
        plots.check('a.svg')
