"""Pages whose commands are run, and the output that is written into them."""

import pathlib

from absl.testing import absltest

from tests.helpers import tool_program
from tools.base import manifest
from tools.dev import walkthrough

_PAGE = """\
# Page

```sh
echo first; echo second >&2
```

A text block elsewhere stays.

```text
as it is
```

```sh
seq 40
```

```text
of another run
```

```sh until="ready at"
trap 'echo interrupted; exit 130' INT
echo ready at last
while true; do sleep 0.1; done
```

```sh
true
```
"""


class WalkthroughTest(absltest.TestCase):

  def run_page(self, text, *args):
    """Returns the exit code, what went to stderr, and the page afterwards."""
    page = self.create_tempfile('page.md', text).full_path
    code, _, err = tool_program.run(walkthrough.main, '--file=' + page, *args)
    return code, err, pathlib.Path(page).read_text(encoding='utf-8')

  def test_outputs_are_written(self):
    code, err, text = self.run_page(_PAGE)
    self.assertEqual((0, ''), (code, err))
    numbers = list(range(1, 10)) + ['...'] + list(range(32, 41))
    self.assertEqual(
        _PAGE.replace(
            'second >&2\n```\n',
            'second >&2\n```\n\n```text\nfirst\nsecond\n```\n',
        )
        .replace('of another run', '\n'.join(map(str, numbers)))
        .replace(
            'done\n```\n',
            'done\n```\n\n```text\nready at last\ninterrupted\n```\n',
        ),
        text,
    )

  def test_once_more_changes_nothing(self):
    _, _, text = self.run_page(_PAGE)
    self.assertEqual((0, '', text), self.run_page(text))

  def test_only(self):
    code, err, text = self.run_page(_PAGE, '--only=echo first')
    self.assertEqual((0, ''), (code, err))
    self.assertIn('```text\nfirst\n', text)
    self.assertIn('of another run', text)

  def test_chatter_is_left_out(self):
    lines = walkthrough.run_block(
        "echo 'INFO: Found 1 target...'; echo 'INFORMATION'; echo '  .bazel/x'"
    )
    self.assertEqual(['INFORMATION'], lines)

  def test_failure_ends_the_run(self):
    code, err, text = self.run_page(
        '```sh\necho before\n```\n\n```sh\nfalse | cat\necho never\n```\n'
        '\n```sh\necho after\n```\n'
    )
    self.assertEqual(1, code)
    self.assertEqual(
        'walkthrough: error: exit code 1 of: '
        "'false | cat\\necho never\\n'\n",
        err,
    )
    self.assertIn('```text\nbefore\n', text)
    self.assertNotIn('text\nafter', text)

  def test_what_is_waited_for_must_come(self):
    code, err, _ = self.run_page('```sh until="ready"\necho no\n```\n')
    self.assertEqual(1, code)
    self.assertIn("does not contain 'ready': 'echo no", err)

  def test_no_such_block_or_page(self):
    code, err, _ = self.run_page(_PAGE, '--only=absent')
    self.assertEqual(1, code)
    self.assertIn('contains no block with this text: absent', err)
    tool_program.assert_refused(
        self,
        walkthrough.main,
        ['--file=/absent.md'],
        'cannot read /absent.md (No such file',
    )

  def test_each_command_of_ours_shows_its_output(self):
    blocks = list(
        walkthrough._BLOCK.finditer(
            pathlib.Path(manifest.ROOT, 'docs', 'walkthrough.md').read_text(
                encoding='utf-8'
            )
        )
    )
    self.assertNotEmpty(blocks)
    for block in blocks:
      self.assertIn('\n```text\n', block[0], block['command'])
