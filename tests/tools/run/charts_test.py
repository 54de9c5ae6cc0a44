"""What the charts of a run's page draw."""

import re
from xml.etree import ElementTree

from absl.testing import absltest
import numpy as np

from tools.run import charts
from tools.run import predictions


def _lines(svg, color):
  """Returns the points of each line of a color, a list of arrays [n, 2]."""
  return [
      np.array(re.findall(r'-?[\d.]+', path.get('d')), float).reshape(-1, 2)
      for path in ElementTree.fromstring(svg).iter('path')
      if 'stroke: var(--%s)' % color in (path.get('style') or '')
      and 'fill: none' in (path.get('style') or '')
      and path.get('clip-path')
  ]


class ChartsTest(absltest.TestCase):

  def test_curves(self):
    svg = charts.curves([(0, 1.0), (100000, 3.0)], [(0, 1.0), (50000, 2.0)])
    (pale,), (dark,) = _lines(svg, 'theirs'), _lines(svg, 'ours')
    np.testing.assert_allclose(pale[0], dark[0])
    # (50,000, 2) lies half way.
    np.testing.assert_allclose(pale.mean(0), dark[1], atol=0.01)
    self.assertIn('>100,000</text>', svg)
    svg = charts.curves([], [(0, 0.5)], 'precision')
    self.assertEmpty(_lines(svg, 'theirs'))
    self.assertIn('>precision</text>', svg)

  def test_speed(self):
    points = [(0, 100.0), (10, 200.0), (20, 300.0)]
    svg = charts.speed(points, points[:1])
    (line,) = _lines(svg, 'ours')
    # From 0 on: twice the speed is twice as high.
    self.assertLess(line[1, 1], line[0, 1])
    self.assertAlmostEqual(line[0, 1] - line[1, 1], line[1, 1] - line[2, 1], 3)
    unmarked = charts.speed(points, [])
    self.assertEqual(1, svg.count('<use ') - unmarked.count('<use '))

  def test_reliability(self):
    svg = charts.reliability(
        [predictions.Bin(5, 0.25, 0.25), predictions.Bin(5, 0.75, 0.5)]
    )
    (ideal,), (found,) = _lines(svg, 'theirs'), _lines(svg, 'ours')
    # The first lies on the diagonal, the second as high as its middle.
    np.testing.assert_allclose(
        ideal[0] + (ideal[1] - ideal[0]) / 4, found[0], atol=0.01
    )
    self.assertAlmostEqual(ideal.mean(0)[1], found[1, 1], 2)
