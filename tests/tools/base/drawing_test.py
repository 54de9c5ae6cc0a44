"""Charts in the colors of the page."""

import os
import subprocess
import sys

from absl.testing import absltest

from tools.base import drawing

_DRAW = """
from tools.base import drawing
drawing.svg(lambda axes: axes.plot([0, 1], [0, 1]), 'x', 'y')
"""


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

  def test_a_users_settings(self):
    directory = self.create_tempdir()
    directory.create_file('matplotlibrc', content='text.usetex: True\n')
    ran = subprocess.run(
        [sys.executable, '-c', _DRAW],
        capture_output=True,
        env=dict(
            os.environ,
            PYTHONPATH=os.pathsep.join(sys.path),
            MPLBACKEND='no such backend',
            MPLCONFIGDIR=directory.full_path,
            PATH='',
        ),
    )
    self.assertEqual((0, b''), (ran.returncode, ran.stderr))
