"""The check of imports that each Bazel target makes."""

import contextlib
import os
import pathlib

from absl.testing import absltest

from tools import imports

_FILES = {
    'tools/a/__init__.py': 'VERSION = 1\n',
    'tools/a/user.py': 'import os\nfrom ..b import used\nfrom . import own\n',
    'tools/a/own.py': 'import tools.c.deep\nfrom tools.a import VERSION\n',
    'tools/b/used.py': '',
    'tools/b/other.py': '',
    'tools/c/deep.py': 'def f():\n  from tools.b.used import name\n',
}
_OWN = ('tools/a/__init__.py', 'tools/a/user.py', 'tools/a/own.py')
_B = ('//tools/b:b=tools/b/used.py', '//tools/b:b=tools/b/other.py')
_C = '//tools/c:c=tools/c/deep.py'


class ImportsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    root = self.create_tempdir().full_path
    for path, text in _FILES.items():
      path = os.path.join(root, path)
      os.makedirs(os.path.dirname(path), exist_ok=True)
      pathlib.Path(path).write_text(text, encoding='utf-8')
    os.chdir(root)

  def _wrong(self, sources, *deps):
    """Returns the errors of a target; only a good target may have a stamp."""
    with contextlib.suppress(FileNotFoundError):
      os.remove('stamp')
    try:
      imports.main('stamp', *sources, '--', *deps)
    except SystemExit as e:
      self.assertFalse(os.path.exists('stamp'))
      return e.code.splitlines()
    self.assertTrue(os.path.exists('stamp'))
    return []

  def test_all_declared(self):
    self.assertEqual([], self._wrong(_OWN, *_B, _C))

  def test_undeclared(self):
    self.assertEqual(
        ['tools/a/own.py imports tools.c.deep, which no dep contains'],
        self._wrong(_OWN, *_B),
    )
    self.assertEqual(
        ['tools/c/deep.py imports tools.b.used.name, which no dep contains'],
        self._wrong(['tools/c/deep.py']),
    )

  def test_packages_above(self):
    package = '//tools:package=tools/__init__.py'
    self.assertEqual([], self._wrong(_OWN, *_B, _C, package))

  def test_not_imported(self):
    self.assertEqual(
        ['no file imports from //tools/b:b'],
        self._wrong(['tools/b/used.py'], _B[1]),
    )

  def test_name_that_a_package_does_not_define(self):
    with open('tools/a/__init__.py', 'w', encoding='utf-8'):
      pass
    self.assertEqual(
        ['tools/a/own.py imports tools.a.VERSION, which no dep contains'],
        self._wrong(_OWN, *_B, _C),
    )
