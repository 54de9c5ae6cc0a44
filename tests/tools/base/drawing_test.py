"""Charts in the colors of the page."""

from absl.testing import absltest

from tools.base import drawing


class DrawingTest(absltest.TestCase):

  def test_svg(self):
    def draw(axes):
      axes.plot([0, 1], [0, 1], color=drawing.DARK)
      axes.plot([0, 1], [1, 0], color=drawing.PALE)

    svg = drawing.svg(draw, 'x & y', 'height')
    self.assertStartsWith(svg, '<svg viewBox="')
    for color in ('text', 'line', 'theirs', 'ours'):
      self.assertIn('var(--%s)' % color, svg)
    self.assertIn('>x &amp; y</text>', svg)
    self.assertIn('>height</text>', svg)
    # Equal charts are equal files, and other charts have other ids.
    self.assertEqual(svg, drawing.svg(draw, 'x & y', 'height'))
