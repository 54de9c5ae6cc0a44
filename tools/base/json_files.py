"""Reads and writes JSON files of results."""

import json
import os
import pathlib
from typing import Any

from cifar10_compat.base import errors
from cifar10_compat.base import files

from . import command_line

# Maximum length of a line; a list or dict that fits stays on one line.
_LINE_LENGTH = 120


def text(value, indent=''):
  """Returns a value as JSON, with one record per line.

  Args:
    value: a JSON value; the keys of a dict keep their order.
    indent: str, the indentation of each line except the first.
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
  """Returns whether a value is a list of lists of numbers, such as a curve."""
  return isinstance(value, list) and all(
      isinstance(point, list)
      and all(isinstance(number, (int, float)) for number in point)
      for point in value
  )


def read(
    path: str, flag: str = '--json', remedy: str = 'choose another file'
) -> Any:
  """Returns the content of a JSON file.

  Args:
    path: the path of the file.
    flag: the flag that specifies the file, for the error message.
    remedy: the remedy in the error message if the file cannot be read.

  Raises:
    UsageError: the file cannot be read.
  """
  try:
    return json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
  except (OSError, ValueError) as e:
    raise errors.UsageError(
        f'{flag}={path} cannot be read ({e}): {remedy}'
    ) from e


def read_if_there(path: str, default: Any, flag: str = '--json') -> Any:
  """Returns the result of read(), or a default if the file is missing."""
  return read(path, flag) if os.path.exists(path) else default


def write(path: str, content: object, flag: str = '--json') -> None:
  """Writes a JSON file atomically, with one record per line.

  Args:
    path: the path of the file.
    content: a JSON value; the keys of a dict keep their order.
    flag: the flag that specifies the file or its directory, for the error
      message.

  Raises:
    UsageError: the file cannot be written.
  """
  with command_line.writing(path, flag):
    files.replace(path, text(content).encode() + b'\n')
