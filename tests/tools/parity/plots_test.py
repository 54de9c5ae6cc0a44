"""The shapes in the SVG, and several SVGs on one page."""

import re
from xml.etree import ElementTree

from absl.testing import absltest
import numpy as np

from tools.parity import plots


def _paths(svg, color):
  """Returns the points of each path in a color, [[(x, y), ...], ...]."""
  found = []
  for path in ElementTree.fromstring(svg).iter('path'):
    style = path.get('style') or ''
    if 'var(--%s)' % color in style and path.get('clip-path'):
      numbers = [float(n) for n in re.findall(r'-?[\d.]+', path.get('d'))]
      found.append(list(zip(numbers[::2], numbers[1::2])))
  return found


def _height(points):
  ys = [y for _, y in points]
  return max(ys) - min(ys)


class PlotsTest(absltest.TestCase):

  def test_bars(self):
    svg = plots.bars({0: 10, 1: 20}, {0: 5, 2: 15}, 'crop')
    original = [_height(p) for p in _paths(svg, 'theirs')]
    port = [_height(p) for p in _paths(svg, 'ours')]
    # Values 0, 1 and 2; pixels per image:
    scale = original[1] / 20
    np.testing.assert_allclose(
        [10, 20, 0], np.array(original) / scale, atol=0.01
    )
    np.testing.assert_allclose([5, 0, 15], np.array(port) / scale, atol=0.01)
    self.assertIn('>crop</text>', svg)

  def test_bands(self):
    original = [(0, 5.0, 1.0), (10, 4.0, 0.5)]
    port = [(0, 5.0, 0.0), (10, 3.0, 0.0)]
    svg = plots.bands(original, port)
    (line,) = _paths(svg, 'theirs')
    # The line falls by 1; the original's band, drawn first, starts 2 high.
    numbers = re.findall(r'<path id="\w+" d="([^"]*)"', svg)[-2]
    numbers = [float(n) for n in re.findall(r'-?[\d.]+', numbers)]
    start = [
        y
        for x, y in zip(numbers[::2], numbers[1::2])
        if abs(x - line[0][0]) < 0.01
    ]
    self.assertAlmostEqual(
        2 * _height(line), abs(max(start) - min(start)), delta=0.01
    )
    (port_line,) = _paths(svg, 'ours')
    self.assertAlmostEqual(2 * _height(line), _height(port_line), delta=0.01)

  def test_histogram_shares_its_bins(self):
    # Two bins, from 0 to 2 and from 2 to 4.
    svg = plots.histogram(
        np.array([0.0, 1, 1, 4]), np.array([1.0, 3, 3, 3]), x_label='x', bins=2
    )
    (original,), (port,) = _paths(svg, 'theirs'), _paths(svg, 'ours')
    floor = max(y for _, y in original)

    def levels(points):
      return sorted({round(floor - y, 3) for _, y in points})

    # 3 and 1 images; 1 and 3.
    self.assertEqual(levels(original), levels(port))
    low, high = levels(original)[1:]
    self.assertAlmostEqual(3, high / low, 2)
    first = {
        round(floor - y, 3)
        for x, y in original
        if x == min(x for x, _ in original)
    }
    self.assertIn(high, first)

  def test_curves(self):
    svg = plots.curves([(0, 1.0), (100, 3.0)], [(0, 1.0), (50, 2.0)])
    (original,), (port,) = _paths(svg, 'theirs'), _paths(svg, 'ours')
    self.assertEqual(original[0], port[0])
    # In the middle: (50, 2) is on the other line.
    np.testing.assert_allclose(np.mean(original, 0), port[1], atol=0.01)
    svg = plots.curves([], [(0, 0.0), (100, 0.0)])
    self.assertEmpty(_paths(svg, 'theirs'))
    self.assertLen(_paths(svg, 'ours'), 1)

  def test_dots(self):
    svg = plots.dots(
        [('first', 0.7, 0.1, True), ('second', 0.8, 0, False)], 'precision'
    )
    for text in ('first', 'second', 'precision'):
      self.assertIn('>%s</text>' % text, svg)
    ((bar,),) = [_paths(svg, 'theirs')]
    self.assertEqual(bar[0][1], bar[1][1])
    self.assertLen({x for x, _ in bar}, 2)

  def test_page_can_hold_several(self):
    drawn = [
        plots.curves([(0, 1), (1, last)], [(0, 1), (1, 2)]) for last in (2, 3)
    ]
    ids = []
    for svg in drawn:
      self.assertRegex(svg, r'^<svg viewBox="0 0 [\d.]+ [\d.]+">')
      self.assertNotRegex(svg, r'https?:|//|xmlns|xlink|<style|<script|family')
      # Black or white would be invisible on one of the page's two backgrounds.
      self.assertNotRegex(svg, '#0|#f|black|white')
      own = set(re.findall(r' id="([^"]*)"', svg))
      self.assertNotEmpty(own)
      self.assertContainsSubset(
          set(re.findall(r'(?:url\(|href=")#(\w+)', svg)), own
      )
      ids.append(own)
    self.assertEmpty(ids[0] & ids[1])
