"""The page of the cells."""

import re

from absl.testing import absltest

from tests.tools.editions import tried
from tools.editions import page


class PageTest(absltest.TestCase):

  def page(self, cells):
    return page.page({'limits': {'steps': 20, 'batch_size': 8}, 'cells': cells})

  def test_cells_and_their_outcomes(self):
    text = self.page(tried.CONTENT['cells'])
    self.assertIn('<title>What broke when</title>', text)
    self.assertIn(
        'Of 7 pairs, 3 run unmodified, 1 run with bridges, 2 do not run and '
        '1 could not be run.',
        text,
    )
    kinds = re.findall(r'<td class="(\w+)">', text)
    self.assertEqual(
        ['runs', 'bridges', 'fails', 'untried']
        + ['fails', 'runs', 'runs', 'untried'],
        kinds,
    )
    self.assertIn('1.15.5<br>Python 3.7</th>', text)
    self.assertIn('<div>no python3.7</div>', text)
    self.assertIn('<div>tf.mul → tf.multiply</div>', text)
    self.assertIn('Run on 2026-01-02.', text)
    # No Markdown in HTML.
    self.assertNotIn('`', text)
    self.assertNotRegex(text, r'(?:src|href)=')

  def test_escaped(self):
    found = tried.result('error', type='TypeError', message='<b> & "x"')
    text = self.page(
        [tried.cell('t <a>', '2.0.4', '3.7.16', found, None, found)]
    )
    self.assertIn('<th scope="row">&lt;a&gt;</th>', text)
    self.assertIn('TypeError: &lt;b&gt; &amp; &#34;x&#34;', text)

  def test_dates(self):
    one = tried.CONTENT['cells'][0]
    text = self.page([one, dict(one, tensorflow='1.0.1', date='2026-02-03')])
    self.assertIn('Run from 2026-01-02 to 2026-02-03.', text)
    text = self.page([tried.CONTENT['cells'][-1]])
    self.assertIn('No runs.', text)
    self.assertIn('1 could not be run.', text)
