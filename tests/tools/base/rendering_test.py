"""Shared properties of the pages' templates."""

import os
import pathlib

from absl.testing import absltest
import jinja2

from tools.base import rendering

_TEMPLATES = os.path.join(os.path.dirname(rendering.__file__), 'templates')
_SVG = '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg viewBox="0 0 4 3"></svg>\n'


def _report(**values):
  return rendering.render(
      'report.html',
      title='A < B',
      verdict='Good',
      report={
          'tensorflow': '2.0',
          'unexplained': 0,
          'sections': [
              {
                  'title': 'One',
                  'unexplained': 0,
                  'text': [],
                  'plots': [('2 > 1 & "3"', _SVG)],
                  'tables': [
                      {'caption': 'T', 'columns': ['c'], 'rows': [['<b>']]}
                  ],
              }
          ],
      },
      **values,
  )


class RenderingTest(absltest.TestCase):

  def test_values_are_escaped(self):
    page = _report()
    self.assertIn('<h1>A &lt; B</h1>', page)
    self.assertIn('<td>&lt;b&gt;</td>', page)

  def test_a_plot_is_an_image_with_a_label(self):
    page = _report()
    self.assertIn(
        '<figure><svg role="img" aria-label="2 &gt; 1 &amp; &#34;3&#34;" '
        'viewBox="0 0 4 3"></svg><figcaption>2 &gt; 1 &amp; &#34;3&#34;<',
        page,
    )
    self.assertNotIn('<?xml', page)
    self.assertEqual(1, page.count('<!DOCTYPE'))

  def test_missing_value(self):
    with self.assertRaises(jinja2.UndefinedError):
      rendering.render('report.html', title='A')

  def test_every_page_has_the_style(self):
    style = pathlib.Path(_TEMPLATES, 'style.css').read_text(encoding='utf-8')
    self.assertIn('prefers-color-scheme: dark', style)
    self.assertIn(style, _report())
    for name in os.listdir(_TEMPLATES):
      if name not in ('base.html', 'parts.html', 'style.css'):
        self.assertStartsWith(
            pathlib.Path(_TEMPLATES, name).read_text(encoding='utf-8'),
            "{% extends 'base.html' %}\n",
        )

  def test_screen_readers_can_navigate(self):
    page = _report()
    for text in ('<html lang="en">', '<main>', '<th scope="col">c</th>'):
      self.assertEqual(1, page.count(text), text)
