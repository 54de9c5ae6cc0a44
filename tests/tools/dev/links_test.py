"""The links of pages."""

import pathlib

from absl.testing import absltest

from tools.dev import links


class LinksTest(absltest.TestCase):

  def test_what_leads_nowhere(self):
    root = self.create_tempdir()
    root.create_file('code.py', 'def here():\n  there = 1\n')
    root.create_file('docs/other.md', '# Two `words`, 1.5\n')
    root.create_file('docs/README.md', '[one](one.md) [code](../code.py)\n')
    root.create_file(
        'docs/one.md',
        '# One\n[a](other.md#two-words-15) [b](#one) [c](https://x.org/y)\n'
        '[`here()`](../code.py) [d](../code.py)\n    [indented](gone)\n'
        '```\n[fenced](gone)\n```\n'
        '[e](gone.md) [f](other.md#three) [g](#two) [`there()`](../code.py)\n',
    )
    self.assertEqual(
        [
            'docs/one.md: [e](gone.md) does not exist',
            'docs/one.md: [f](other.md#three) does not exist',
            'docs/one.md: [g](#two) does not exist',
            'docs/one.md: [`there()`](../code.py) does not exist',
            'docs/README.md does not list other.md',
        ],
        links.broken(pathlib.Path(root.full_path)),
    )
