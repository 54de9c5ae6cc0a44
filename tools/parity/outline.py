"""Compares the outlines of the original's and the port's functions.

The outline of a function lists its calls in source order, including the calls
in nested functions and classes.  An outline contains only names, no source
text.

Names that TensorFlow has changed since 2016 count as equal, and the names of
variables for objects are ignored:

  tf.mul, tf.multiply                      tf.multiply
  tf.scalar_summary, tf.summary.scalar     scalar_summary
  sess.run, mon_sess.run                   .run

Common calls such as len() are ignored.
"""

import ast
import difflib
import os
import re
from typing import NamedTuple

import cifar10_compat
from cifar10_compat.base import errors

# The files of 2016 that the port re-creates under the same names.
FILES = (
    'cifar10.py',
    'cifar10_input.py',
    'cifar10_train.py',
    'cifar10_multi_gpu_train.py',
    'cifar10_eval.py',
)
PORT = os.path.dirname(os.path.abspath(cifar10_compat.__file__))

# From function to calls, in source order.
Outlines = dict[str, list[str]]

_RENAMED = {
    'os.makedirs': 'makedirs',
    'os.path.exists': 'exists',
    'tf.all_variables': 'tf.global_variables',
    'tf.contrib.framework.get_or_create_global_step': (
        'tf.train.get_or_create_global_step'
    ),
    'tf.gfile.Exists': 'exists',
    'tf.gfile.MakeDirs': 'makedirs',
    'tf.image.per_image_whitening': 'tf.image.per_image_standardization',
    'tf.initialize_all_variables': 'tf.global_variables_initializer',
    'tf.merge_all_summaries': 'tf.summary.merge_all',
    'tf.merge_summary': 'tf.summary.merge',
    'tf.mul': 'tf.multiply',
    'tf.pack': 'tf.stack',
    'tf.sub': 'tf.subtract',
    'tf.train.SummaryWriter': 'tf.summary.FileWriter',
    'xrange': 'range',
}
_SUMMARY = re.compile(
    r'(?:tf|summaries|tf\.summary|tf\.contrib\.deprecated)'
    r'\.(scalar|histogram|image)(?:_summary)?$'
)
_IGNORED = frozenset(
    (
        'dict',
        'float',
        'float32',
        'int',
        'isinstance',
        'len',
        'list',
        'max',
        'min',
        'print',
        'str',
        'super',
        'tuple',
    )
)
# Outlines contain the full names of functions in these modules.
_MODULES = ('np', 'os', 're', 'tf')
# A one-line print statement of Python 2.
_PRINT_STATEMENT = re.compile(r'^([ \t]*)print[ \t]+([^(\s].*)$', re.MULTILINE)


class Comparison(NamedTuple):
  """The comparison of the original's and the port's functions of one name."""

  total: int  # calls in the original
  missing: list[str]  # calls only in the original
  added: list[str]  # calls only in the port
  in_port: bool  # whether the port has a function of this name

  @property
  def kept(self) -> int:
    """The number of the original's calls that the port makes in this order."""
    return self.total - len(self.missing)


class _Calls(ast.NodeVisitor):
  """Collects the names of calls; a call's arguments come before the call."""

  def __init__(self) -> None:
    self.names: list[str] = []

  def visit_Call(self, node: ast.Call) -> None:
    self.generic_visit(node)
    name = _normalized(_dotted(node.func))
    if name and name not in _IGNORED:
      self.names.append(name)


def _dotted(node: ast.expr) -> str:
  """Returns a dotted name such as 'tf.nn.relu'; 'x' for f().x."""
  parts = []
  while isinstance(node, ast.Attribute):
    parts.append(node.attr)
    node = node.value
  if isinstance(node, ast.Name):
    parts.append(node.id)
  return '.'.join(reversed(parts))


def _normalized(name: str) -> str:
  """Returns the name under which a call is compared."""
  name = _RENAMED.get(name, name)
  summary = _SUMMARY.match(name)
  if summary:
    return summary[1] + '_summary'
  head, _, method = name.rpartition('.')
  if not head or head.split('.')[0] in _MODULES:
    return name
  return '.' + method


def _parse(text: str) -> ast.Module:
  try:
    return ast.parse(text)
  except SyntaxError:
    return ast.parse(_PRINT_STATEMENT.sub(r'\1print(\2)', text))


def outlines(text: str) -> Outlines:
  """Computes the outlines of the top-level functions in a source text.

  Args:
    text: Python 3 source, or Python 2 source in which each print statement is
      one line.

  Returns:
    Outlines, in source order.

  Raises:
    SyntaxError: the source cannot be parsed.
  """
  found = {}
  for node in _parse(text).body:
    if isinstance(node, ast.FunctionDef):
      calls = _Calls()
      for statement in node.body:
        calls.visit(statement)
      found[node.name] = calls.names
  return found


def read(directory: str) -> dict[str, Outlines]:
  """Computes the outlines of the five files in a directory.

  Args:
    directory: the original's directory, or PORT.

  Returns:
    A dict from each of FILES to the outlines of the file's functions.

  Raises:
    UsageError: a file is missing, or cannot be parsed.
  """
  found = {}
  for name in FILES:
    path = os.path.join(directory, name)
    try:
      with open(path, encoding='utf-8') as f:
        found[name] = outlines(f.read())
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be read (%s)' % (path, e.strerror)
      ) from e
    except (SyntaxError, ValueError) as e:
      raise errors.UsageError('%s cannot be parsed (%s)' % (path, e)) from e
  return found


def compare(original: Outlines, port: Outlines) -> dict[str, Comparison]:
  """Compares the outlines of a file.

  Args:
    original: outlines of the original's file.
    port: outlines of the port's file of the same name.

  Returns:
    A dict from each function of the original to a Comparison.
  """
  return {
      name: _compare(calls, port.get(name)) for name, calls in original.items()
  }


def _compare(original: list[str], port: list[str] | None) -> Comparison:
  missing: list[str] = []
  added: list[str] = []
  matcher = difflib.SequenceMatcher(None, original, port or [], autojunk=False)
  for tag, i1, i2, j1, j2 in matcher.get_opcodes():
    if tag != 'equal':
      missing += original[i1:i2]
      added += (port or [])[j1:j2]
  return Comparison(len(original), missing, added, port is not None)
