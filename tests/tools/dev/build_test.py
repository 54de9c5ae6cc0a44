"""pyproject.toml and the locks, against what Bazel has."""

import ast
import importlib
import pathlib
import re
import sys

from absl.testing import absltest

from tools.base import manifest

# Python 3.10's library does not have it; the lock has it under its old name.
tomllib = importlib.import_module(
    'tomllib' if sys.version_info >= (3, 11) else 'tomli'
)


def _read(name):
  return pathlib.Path(manifest.ROOT, name).read_text(encoding='utf-8')


def _console_programs():
  """Yields command and module, as an installation has it, of each program()."""
  for package in ('cifar10_compat', 'tools'):
    for node in ast.parse(_read(package + '/BUILD')).body:
      if isinstance(node, ast.Expr) and node.value.func.id == 'programs':
        keywords = {
            k.arg: ast.literal_eval(k.value) for k in node.value.keywords
        }
        if keywords.get('console'):
          for name, label in keywords['modules'].items():
            module = re.sub('[/:]', '.', label.lstrip('/'))
            yield 'cifar10_' + name, re.sub(
                r'^tools\b', 'cifar10_compat_tools', module
            )


class BuildTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.project = tomllib.loads(_read('pyproject.toml'))['project']

  def test_console_scripts(self):
    found = {}
    for name, script in self.project['scripts'].items():
      found[name], _, function = script.partition(':')
      module = re.sub(r'^cifar10_compat_tools\b', 'tools', found[name])
      self.assertTrue(
          callable(getattr(importlib.import_module(module), function))
      )
    self.assertNotEmpty(found)
    self.assertEqual(dict(_console_programs()), found)

  def test_requirements(self):
    def names(requirements):
      return {
          r.partition(';')[0].partition('>')[0].strip() for r in requirements
      }

    core = names(self.project['dependencies'])
    # What TensorFlow brings along, and we import.
    declared = {'absl-py', 'keras', 'requests', 'rich', 'urllib3'}
    self.assertEqual({'tensorflow', 'numpy', 'six'} | declared, core)
    extras = names(
        r
        for extra in self.project['optional-dependencies'].values()
        for r in extra
    )
    self.assertEqual(
        core | extras, names(_read('requirements.in').splitlines())
    )
    locked = {
        line.partition('==')[0]
        for line in _read('requirements_lock.txt').splitlines()
        if '==' in line
    }
    self.assertContainsSubset(core | extras, locked)

  def test_the_oldest_tensorflow_is_the_one_of_its_lock(self):
    (oldest,) = [
        d.partition('>=')[2]
        for d in self.project['dependencies']
        if d.startswith('tensorflow>=')
    ]
    self.assertRegex(
        _read('requirements_oldest.txt'),
        r'(?m)^tensorflow==%s\.' % re.escape(oldest),
    )

  def test_each_line_of_the_locks_has_a_hash(self):
    for name in (
        'requirements_lock.txt',
        'requirements_oldest.txt',
        'requirements_lint.txt',
    ):
      # One requirement a line, its hashes on lines that continue it.
      text = _read(name).replace('\\\n', ' ')
      lines = [l for l in text.splitlines() if l.partition('#')[0].strip()]
      self.assertNotEmpty(lines)
      for line in lines:
        self.assertRegex(
            line,
            r'\A[\w.-]+==\S+( ; [^\\#]+?)?( +--hash=sha256:[0-9a-f]{64})+\Z',
            name,
        )
