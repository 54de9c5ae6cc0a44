"""Finds broken links between pages, and from pages to code.

  python3 tools/dev/links.py

tools/lint runs this program in a checkout; the program needs only Python.  If
the text of a link is code, such as [`train()`](cifar10_train.py), the linked
file must define the name.
"""

import ast
import pathlib
import re
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PAGES = ('*.md', 'docs/*.md', 'cifar10_compat/published/*.md')

_LINK = re.compile(r'!?\[([^]]*)\]\(([^)\s]+)\)')
_CODE = re.compile(r'`(\w+)(\(\))?`')
_BLOCK = re.compile(r'^```.*?^```|^    .*?$', re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r'^#+ (.*)$', re.MULTILINE)


def _anchors(text: str) -> set[str]:
  """Returns the anchors that GitHub creates for a page's headings."""
  return {
      re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
      for heading in _HEADING.findall(_BLOCK.sub('', text))
  }


def _leads_somewhere(page: pathlib.Path, text: str, target: str) -> bool:
  name, _, anchor = target.partition('#')
  to = page.parent / name if name else page
  if not to.exists():
    return False
  if anchor:
    return anchor in _anchors(to.read_text(encoding='utf-8'))
  code = _CODE.fullmatch(text)
  if code and to.suffix == '.py':
    nodes = ast.walk(ast.parse(to.read_text(encoding='utf-8')))
    return any(getattr(node, 'name', None) == code[1] for node in nodes)
  return True


def broken(root: pathlib.Path = _ROOT) -> list[str]:
  """Returns 'PAGE: [TEXT](TARGET)' for each broken link.

  The list also contains a line for each page of docs/ that docs/README.md does
  not list.
  """
  lines = []
  targets = set()
  for page in sorted(p for pattern in _PAGES for p in root.glob(pattern)):
    where = page.relative_to(root)
    text = _BLOCK.sub('', page.read_text(encoding='utf-8'))
    for words, target in _LINK.findall(text):
      if not re.match(r'\w+:', target) and not _leads_somewhere(
          page, words, target
      ):
        lines.append(f'{where}: [{words}]({target}) does not exist')
      if str(where) == 'docs/README.md':
        targets.add(target)
  for page in sorted(root.glob('docs/*.md')):
    if page.name not in targets | {'README.md'}:
      lines.append(f'docs/README.md does not list {page.name}')
  return lines


def main() -> int:
  lines = broken()
  for line in lines:
    print(line, file=sys.stderr)
  return 1 if lines else 0


if __name__ == '__main__':
  sys.exit(main())
