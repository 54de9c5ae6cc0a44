"""BUILD files against the files' imports, and setup.py against both.

The virtual environment and the runfiles tree hide a forgotten dependency: a
program finds what another target of the same test happened to bring along.
"""

import ast
import importlib
import os
import sys

from absl.testing import absltest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = ('cifar10_compat', 'tests', 'tools')
# Import names of packages that the lock calls otherwise.
PIP_NAMES = {'PIL': 'pillow', 'absl': 'absl_py', 'google': 'protobuf'}


def _parse(*path):
  with open(os.path.join(ROOT, *path)) as f:
    return ast.parse(f.read())


def _imports(package, filename):
  """Returns the labels of the libraries that a file imports."""
  names = set()
  for node in ast.walk(_parse(package, filename)):
    if isinstance(node, ast.Import):
      names.update(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      if node.module in PACKAGES:
        names.update('%s.%s' % (node.module, a.name) for a in node.names)
      else:
        names.add(node.module)
  labels = set()
  for name in names:
    top, _, module = name.partition('.')
    if top in PACKAGES:
      labels.add('//%s:%s' % (top, module.partition('.')[0]))
      if os.path.exists(os.path.join(ROOT, top, '__init__.py')):
        labels.add('//%s:%s' % (top, top))
    elif top not in sys.stdlib_module_names:
      labels.add('@pip//' + PIP_NAMES.get(top, top))
  return labels


def _absolute(label, package):
  """Returns a label with its package and its name."""
  if label.startswith(':'):
    return '//%s%s' % (package, label)
  if label.startswith('@') or ':' in label:
    return label
  return '%s:%s' % (label, label.rpartition('/')[2])


def _targets(package):
  """Returns [(rule, attributes), ...] of a BUILD file."""
  targets = []
  for node in _parse(package, 'BUILD').body:
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and call.func.id.startswith('py_'):
      targets.append((call.func.id, {k.arg: ast.literal_eval(k.value)
                                     for k in call.keywords}))
  return targets


class BuildTest(absltest.TestCase):

  def test_each_file_has_a_target_with_its_imports_as_deps(self):
    for package in PACKAGES:
      with_target = set()
      for rule, attributes in _targets(package):
        src, = attributes['srcs']
        deps = {_absolute(d, package) for d in attributes.get('deps', ())}
        imports = _imports(package, src)
        if rule == 'py_binary' and attributes['name'] != src[:-3]:
          # A program of another name adds nothing to the library of its file.
          self.assertEqual({'//%s:%s' % (package, src[:-3])}, deps)
          continue
        with_target.add(src)
        if package == 'cifar10_compat' and src != '__init__.py':
          imports.add('//cifar10_compat:cifar10_compat')
        self.assertEqual(imports, deps, '%s/%s' % (package, src))
      files = {f for f in os.listdir(os.path.join(ROOT, package))
               if f.endswith('.py')}
      self.assertEqual(files, with_target, package)

  def test_each_module_has_a_test(self):
    tests = set(os.listdir(os.path.join(ROOT, 'tests')))
    # errors.py has classes without code; what prints them is flags.py.
    untested = {'__init__.py', 'errors.py'}
    # hooks.py is the other half of training.py.
    untested.add('hooks.py')
    for package in ('cifar10_compat', 'tools'):
      for filename in os.listdir(os.path.join(ROOT, package)):
        if filename.endswith('.py') and filename not in untested:
          self.assertIn(filename[:-3] + '_test.py', tests)

  def test_console_scripts_and_requirements(self):
    keywords, = [
        {k.arg: ast.literal_eval(k.value) for k in node.value.keywords}
        for node in _parse('setup.py').body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    self.assertEqual(
        {'tensorflow', 'numpy', 'six'},
        {r.partition('>')[0] for r in keywords['install_requires']})
    with open(os.path.join(ROOT, 'requirements.in')) as f:
      self.assertEqual(
          {'tensorflow', 'numpy', 'six'}.union(
              *keywords['extras_require'].values()), set(f.read().split()))
    scripts = keywords['entry_points']['console_scripts']
    programs = {a['srcs'][0][:-3] for rule, a in _targets('cifar10_compat')
                if rule == 'py_binary'}
    self.assertEqual(programs, {s.split(' = ')[0] for s in scripts})
    for script in scripts:
      module, _, function = script.split(' = ')[1].partition(':')
      self.assertTrue(callable(getattr(importlib.import_module(module),
                                       function)))


if __name__ == '__main__':
  absltest.main()
