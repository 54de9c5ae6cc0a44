"""The page shows the content of the JSON, and loads nothing."""

import html
import json
import os
import re

from absl.testing import absltest

from tools.parity import report


def _report(unexplained=2):
  return report.report(
      'edition <1>',
      '2.0',
      [
          report.section(
              'Graph & more',
              unexplained,
              text=['A sentence.', 'x < y'],
              tables=[
                  report.table(
                      'Some', ('op', 'original'), [('a<b>', 3), ('c', 'd & e')]
                  ),
                  report.table('None', ('op',), []),
              ],
          ),
          report.section(
              'Values',
              1 if unexplained else 0,
              text=['All of them.'],
              tables=[report.table('Many', ('n',), [(i,) for i in range(100)])],
              plots=[
                  ('Loss < 5', '<svg viewBox="0 0 4 3"><path d="M 0 0"/></svg>')
              ],
          ),
      ],
  )


class ReportTest(absltest.TestCase):

  def test_unexplained_is_the_sum(self):
    self.assertEqual(3, _report()['unexplained'])
    self.assertEqual(0, _report(0)['unexplained'])
    self.assertEqual(
        'edition <1>: 3 unexplained differences', report.verdict(_report())
    )
    self.assertEqual(
        'edition <1>: no unexplained difference', report.verdict(_report(0))
    )
    self.assertEqual('1 key', report.count(1, 'key'))

  def test_files(self):
    directory = self.create_tempdir().full_path
    report.write(_report(), directory)
    with open(os.path.join(directory, 'report.json'), encoding='utf-8') as f:
      content = json.load(f)
    with open(os.path.join(directory, 'report.html'), encoding='utf-8') as f:
      page = f.read()
    self.assertNotIn('svg', json.dumps(content))
    expected = json.loads(json.dumps(_report()))
    for section in expected['sections']:
      del section['plots']
    self.assertEqual(expected, content)
    self.assertIs(int, type(content['unexplained']))
    self.assertIn('3 unexplained differences', page)
    for section in content['sections']:
      self.assertIn(html.escape(section['title']), page)
      self.assertIn('%d unexplained' % section['unexplained'], page)
      for text in section['text']:
        self.assertIn('<p>%s</p>' % html.escape(text), page)
      for table in section['tables']:
        self.assertIn(html.escape(table['caption']), page)
        for row in table['rows']:
          self.assertIn(
              '<tr>%s</tr>'
              % ''.join('<td>%s</td>' % html.escape(str(v)) for v in row),
              page,
          )

  def test_page_loads_nothing(self):
    page = report.to_html(_report())
    self.assertNotRegex(page, r'https?:|//|src=|href=|<script|<link|url\(')

  def test_verdict_color(self):
    for unexplained, color in ((0, 'good'), (2, 'bad')):
      page = report.to_html(_report(unexplained))
      self.assertIn('class="verdict %s"' % color, page)

  def test_plots(self):
    page = report.to_html(_report())
    self.assertEqual(1, page.count('<svg'))
    self.assertIn(
        '<svg role="img" aria-label="Loss &lt; 5" viewBox="0 0 4 3">'
        '<path d="M 0 0"/></svg>'
        '<figcaption>Loss &lt; 5</figcaption>',
        page,
    )
    self.assertEqual(1, page.count('<div class="plots">'))

  def test_tables(self):
    page = report.to_html(_report())
    self.assertIn('<summary>Many (100)</summary>', page)
    self.assertIn('<h3>Some</h3>', page)
    self.assertNotIn('None', page)

  def test_every_element_is_closed(self):
    page = report.to_html(_report())
    tags = re.findall(r'<(/?)(\w+)(?![^<>]*/>)', page)
    open_tags = []
    for slash, tag in tags:
      if slash:
        self.assertEqual(open_tags.pop(), tag)
      elif tag != 'meta':
        open_tags.append(tag)
    self.assertEmpty(open_tags)
