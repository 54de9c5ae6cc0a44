"""Checks that the deps in BUILD files are what the files import.

  deps [--fix]

Prints each target whose deps are not exactly its imports and the libraries of
the packages above these.  --fix rewrites such deps; a target for a new file must
be written by hand.  Bazel itself would not notice a missing dep: a program finds
whatever another target of the same test brings along.
"""

import argparse
import ast
import json
import os
import sys
from typing import NamedTuple, Optional

# The checkout, or the runfiles tree of a test.
ROOT = os.environ.get('BUILD_WORKSPACE_DIRECTORY') or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))
)
TOPS = ('cifar10_compat', 'tests', 'tools')

# Import names of distributions that the lock calls otherwise.
_PIP_NAMES = {'PIL': 'pillow', 'absl': 'absl_py', 'google': 'protobuf'}


class Target(NamedTuple):
  """A target that a BUILD file defines."""

  package: str  # 'cifar10_compat/base'
  rule: str  # 'py_library'
  attributes: dict
  lines: tuple  # first and last line of its call, from 1
  deps_lines: Optional[tuple]  # those of its attribute deps, if it has one

  @property
  def label(self):
    return '//%s:%s' % (self.package, self.attributes['name'])

  @property
  def path(self):
    """Its one file, or None for a target without."""
    sources = self.attributes.get('srcs', ())
    return '%s/%s' % (self.package, sources[0]) if len(sources) == 1 else None


def packages(root=ROOT):
  """Returns the directories, relative to root, that have a BUILD file."""
  return sorted(
      os.path.relpath(directory, root)
      for top in TOPS
      for directory, _, files in os.walk(os.path.join(root, top))
      if 'BUILD' in files
  )


def parse(package, root=ROOT):
  """Returns the ast.Module of a package's BUILD file."""
  with open(os.path.join(root, package, 'BUILD'), encoding='utf-8') as f:
    return ast.parse(f.read())


def attributes(call):
  """Returns the keyword arguments of an ast.Call that are plain values."""
  found = {}
  for keyword in call.keywords:
    try:
      found[keyword.arg] = ast.literal_eval(keyword.value)
    except ValueError:
      pass  # Such as glob().
  return found


def targets(package, root=ROOT):
  """Returns the Targets of a package's Python files and programs."""
  found = []
  for node in parse(package, root).body:
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or call.func.id not in (
        'py_library',
        'py_test',
        'program',
    ):
      continue
    deps_lines = None
    for keyword in call.keywords:
      if keyword.arg == 'deps':
        deps_lines = keyword.lineno, keyword.value.end_lineno
    found.append(
        Target(
            package,
            call.func.id,
            attributes(call),
            (call.lineno, call.end_lineno),
            deps_lines,
        )
    )
  return found


def imports(path, root=ROOT):
  """Returns the labels of the libraries that a file imports.

  Args:
    path: str, relative to root.
    root: str.

  Returns:
    set of str: modules of ours, the packages they are in, and distributions of
    the lock.
  """
  with open(os.path.join(root, path), encoding='utf-8') as f:
    tree = ast.parse(f.read())
  package = os.path.dirname(path).replace('/', '.')
  names = set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names.update(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      above = package.split('.')[: len(package.split('.')) + 1 - node.level]
      module = '.'.join(
          (above if node.level else []) + ([node.module] if node.module else [])
      )
      names.update(module + '.' + alias.name for alias in node.names)
  labels = _package_labels(package, root)
  labels.discard(_label(path))
  for name in names:
    labels |= _labels(name, root)
  return labels


def _label(path):
  """Returns the label of a file's library; a package's has its name."""
  package, _, name = path.rpartition('/')
  if name == '__init__.py':
    return '//%s:%s' % (package, package.rpartition('/')[2])
  return '//%s:%s' % (package, name[: -len('.py')])


def _package_labels(package, root):
  """Returns the labels of a package's __init__.py and those above it."""
  parts = package.split('.')
  inits = [
      '/'.join(parts[:n]) + '/__init__.py' for n in range(1, len(parts) + 1)
  ]
  return {
      _label(init) for init in inits if os.path.exists(os.path.join(root, init))
  }


def _labels(name, root):
  """Returns the labels behind the full name of a module, or of what it has."""
  top = name.partition('.')[0]
  if top not in TOPS:
    return (
        set()
        if top in sys.stdlib_module_names
        else {'@pip//' + _PIP_NAMES.get(top, top)}
    )
  for module in (name, name.rpartition('.')[0]):
    path = module.replace('.', '/') + '.py'
    if os.path.exists(os.path.join(root, path)):
      return {_label(path)} | _package_labels(module.rpartition('.')[0], root)
  return _package_labels(name, root)


def absolute(label, package):
  """Returns a label of a BUILD file with its package and its name."""
  if label.startswith(':'):
    return '//%s%s' % (package, label)
  if label.startswith('@') or ':' in label:
    return label
  return '%s:%s' % (label, label.rpartition('/')[2])


def _short(label, package):
  """Returns a label as buildifier writes it in a package."""
  here, _, name = label.partition(':')
  if here == '//' + package:
    return ':' + name
  return here if here.rpartition('/')[2] == name else label


def wrong(root=ROOT):
  """Returns [(Target, right deps), ...] of the targets whose deps are wrong.

  A program whose file another target has must have that as its library.
  """
  found = []
  for package in packages(root):
    for target in targets(package, root):
      if target.path is None:
        continue
      right = imports(target.path, root)
      if right != {
          absolute(dep, package) for dep in target.attributes.get('deps', ())
      }:
        found.append((target, sorted(_short(l, package) for l in right)))
  return found


def without_target(root=ROOT):
  """Returns the paths of the Python files that no target has."""
  files = set()
  with_target = set()
  for package in packages(root):
    with_target.update(target.path for target in targets(package, root))
    files.update(
        '%s/%s' % (package, name)
        for name in os.listdir(os.path.join(root, package))
        if name.endswith('.py')
    )
  return sorted(files - with_target)


def fix(found, root=ROOT):
  """Rewrites deps in BUILD files.

  Args:
    found: list, from wrong().
    root: str.
  """
  # From the bottom of each file, so that the lines above keep their numbers.
  for target, right in sorted(found, key=lambda f: f[0].lines, reverse=True):
    path = os.path.join(root, target.package, 'BUILD')
    with open(path, encoding='utf-8') as f:
      lines = f.read().split('\n')
    new = [
        '    deps = [',
        *('        %s,' % json.dumps(label) for label in right),
        '    ],',
    ]
    if target.deps_lines:
      first, last = target.deps_lines
      lines[first - 1 : last] = new
    else:
      lines[target.lines[1] - 1 : target.lines[1] - 1] = new
    with open(path, 'w', encoding='utf-8') as f:
      f.write('\n'.join(lines))


def main(argv=None):
  """Runs the program.

  Args:
    argv: list of str, the command line without the program's name, or None for
      that of the process.

  Returns:
    int, the exit code: 0 if all deps are right, or were fixed.
  """
  # Not command_line.py, which takes seconds to load TensorFlow.
  parser = argparse.ArgumentParser(
      prog='deps', allow_abbrev=False, description=__doc__.partition('\n')[0]
  )
  parser.add_argument(
      '--fix', action='store_true', help='rewrite the deps that are wrong'
  )
  args = parser.parse_args(argv)
  found = wrong()
  missing = without_target()
  for target, right in found:
    print('%s: deps must be %s' % (target.label, ', '.join(right)))
  for path in missing:
    print('%s: no target has it' % path)
  if args.fix:
    fix(found)
    found = []
  return 1 if found or missing else 0


if __name__ == '__main__':
  sys.exit(main())
