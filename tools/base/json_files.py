"""Files of results."""

import json
import os
import pathlib
from typing import Any

from cifar10_compat.base import errors
from cifar10_compat.base import files

from . import command_line

# A list or dict that fits is not broken into lines.
_LINE_LENGTH = 120


def text(value, indent=''):
  """Returns a value in JSON, a record a line.

  Args:
    value: what JSON can hold; the keys of a dict keep their order.
    indent: str, what each line but the first begins with.
  """
  line = json.dumps(value)
  items = value.values() if isinstance(value, dict) else value
  if (
      len(indent + line) <= _LINE_LENGTH
      or not isinstance(value, (dict, list))
      or not any(isinstance(item, (dict, list)) for item in items)
      or _is_series(value)
  ):
    return line
  inner = indent + ' '
  if isinstance(value, dict):
    first, last = '{}'
    parts = [f'{json.dumps(k)}: {text(v, inner)}' for k, v in value.items()]
  else:
    first, last = '[]'
    parts = [text(item, inner) for item in value]
  separator = ',\n' + inner
  return f'{first}\n{inner}{separator.join(parts)}\n{indent}{last}'


def _is_series(value):
  """Whether this is a list of lists of numbers, such as the points of a curve."""
  return isinstance(value, list) and all(
      isinstance(point, list)
      and all(isinstance(number, (int, float)) for number in point)
      for point in value
  )


def read(
    path: str, flag: str = '--json', remedy: str = 'name another file'
) -> Any:
  """Returns the content of a file in JSON.

  Args:
    path: of the file.
    flag: what named it.
    remedy: what to do if it cannot be read.

  Raises:
    UsageError: it cannot be read.
  """
  try:
    return json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
  except (OSError, ValueError) as e:
    raise errors.UsageError(
        f'{flag}={path} cannot be read ({e}): {remedy}'
    ) from e


def read_if_there(path: str, default: Any, flag: str = '--json') -> Any:
  """Returns what read() does, or a default where there is no such file."""
  return read(path, flag) if os.path.exists(path) else default


def write(path: str, content: object, flag: str = '--json') -> None:
  """Writes a file in JSON, a record a line, whole or not at all.

  Args:
    path: of the file.
    content: what JSON can hold; the keys of a dict keep their order.
    flag: what named the file or its directory.

  Raises:
    UsageError: it cannot be written.
  """
  with command_line.writing(path, flag):
    files.write(path + '.tmp', [text(content).encode(), b'\n'])
    os.replace(path + '.tmp', path)
