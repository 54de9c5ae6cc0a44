"""Checks that a Bazel target declares the folders from which its files import.

  imports.py STAMP SOURCE... -- DEP=FILE...

DEP is the label of one of the target's deps, and FILE one of that target's
files.  Writes STAMP if there is no problem.
"""

import ast
import pathlib
import sys

_OURS = ('cifar10_compat', 'tests', 'tools')


def imported(path):
  """Yields (package, name) for each import in a file; name can be None."""
  tree = ast.parse(pathlib.Path(path).read_text(encoding='utf-8'), path)
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      for alias in node.names:
        yield alias.name, None
    elif isinstance(node, ast.ImportFrom):
      above = path.split('/')[: -node.level] if node.level else []
      package = '.'.join(above + ([node.module] if node.module else []))
      for alias in node.names:
        yield package, alias.name


def file_of(package, name, files):
  """Returns the file in `files` that an import loads, or None."""
  base = package.replace('.', '/')
  for path in (f'{base}/{name}.py', f'{base}/{name}/__init__.py', f'{base}.py'):
    if path in files:
      return path
  # The import can load the package itself, or a name in its __init__.py.
  init = f'{base}/__init__.py'
  if init in files and (name is None or _defines(init, name)):
    return init
  return None


def _defines(path, name):
  return name in pathlib.Path(path).read_text(encoding='utf-8').split()


def main(stamp, *args):
  split = args.index('--')
  sources = args[:split]
  owner = {}  # dict from file to label
  for dep in args[split + 1 :]:
    label, _, path = dep.partition('=')
    owner[path] = label
  used, wrong = set(), []
  for source in sources:
    for package, name in imported(source):
      if package.partition('.')[0] in _OURS:
        path = file_of(package, name, {*sources, *owner})
        if path is None:
          what = f'{package}.{name}' if name else package
          wrong.append(f'{source} imports {what}, which no dep contains')
        elif path not in sources:
          used.add(owner[path])
  # Python runs the __init__.py of every package above a module.
  for path, label in owner.items():
    package = path.removesuffix('__init__.py')
    if package != path and any(s.startswith(package) for s in sources):
      used.add(label)
  if not any(source.endswith('_test.py') for source in sources):
    unused = sorted(set(owner.values()) - used)
    wrong += [f'no file imports from {label}' for label in unused]
  if wrong:
    sys.exit('\n'.join(wrong))
  with open(stamp, 'w', encoding='utf-8'):
    pass


if __name__ == '__main__':
  main(*sys.argv[1:])
