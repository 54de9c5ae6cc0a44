"""Tables for a terminal or a file."""

from absl.testing import absltest

from tools.base import text_tables


class TextTablesTest(absltest.TestCase):

  def test_columns(self):
    self.assertEqual(
        'NAME   N\nlong  10\n[b]\n' + 'w' * 200 + '   1',
        text_tables.text(
            [('long', 10), ('[b]', ''), ('w' * 200, 1)],
            heads=('NAME', 'N'),
            numbers=True,
        ).replace(' ' * 196, ''),
    )

  def test_without_heads(self):
    self.assertEqual(
        'A title\na   1  end\nbb  2',
        text_tables.text([('a', 1, 'end'), ('bb', 2, '')], title='A title'),
    )
