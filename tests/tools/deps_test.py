"""The command that writes deps, on a small tree."""

import os

from absl.testing import absltest

from tools import deps

_BUILD = """\
load("//tools:python.bzl", "py_library")

py_library(
    name = "a",
    srcs = ["a.py"],
    deps = [
        ":b",
        "@pip//six",
    ],
)

py_library(
    name = "b",
    srcs = ["b.py"],
)
"""


class DepsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self._write('tools/BUILD', _BUILD)
    self._write('tools/a.py', 'import os\nfrom . import b\n')
    self._write(
        'tools/b.py',
        'from PIL import Image\n'
        'from tools.below import c\nfrom tools.below.c import thing\n',
    )
    self._write('tools/below/BUILD', '')
    self._write('tools/below/__init__.py', '')
    self._write('tools/below/c.py', '')

  def _write(self, path, text):
    path = os.path.join(self.root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
      f.write(text)

  def test_imports(self):
    self.assertEqual({'//tools:b'}, deps.imports('tools/a.py', self.root))
    self.assertEqual(
        {'@pip//pillow', '//tools/below:below', '//tools/below:c'},
        deps.imports('tools/b.py', self.root),
    )

  def test_what_is_wrong_and_fixed(self):
    found = deps.wrong(self.root)
    self.assertEqual(
        [
            ('//tools:a', [':b']),
            ('//tools:b', ['//tools/below', '//tools/below:c', '@pip//pillow']),
        ],
        [(target.label, right) for target, right in found],
    )
    self.assertEqual(
        ['tools/below/__init__.py', 'tools/below/c.py'],
        deps.without_target(self.root),
    )
    deps.fix(found, self.root)
    self.assertEmpty(deps.wrong(self.root))
    # The names and files of the targets are still there.
    self.assertEqual(
        ['tools/a.py', 'tools/b.py'],
        [t.path for t in deps.targets('tools', self.root)],
    )


if __name__ == '__main__':
  absltest.main()
