"""The files of the goldens, and what the programs that make them share."""

from collections.abc import Callable
import json
import os

from cifar10_compat.base import errors

from ..base import command_line
from ..base import manifest
from ..editions import scripts

DIRECTORY = os.path.join(manifest.ROOT, 'tests', 'golden')

_COMPACT = (',', ':')


def path(of: str, files: dict[str, str], directory: str = DIRECTORY) -> str:
  """Returns the path of a golden.

  Args:
    of: what it is of, an edition or a TensorFlow.
    files: from what there is a golden of to its file.
    directory: of the goldens.

  Raises:
    UsageError: there is none of it.
  """
  errors.UsageError.raise_if(
      of not in files,
      'there is no golden for %s, only for %s' % (of, ', '.join(sorted(files))),
  )
  return os.path.join(directory, files[of])


def read(
    name: str,
    edition: str,
    remedy: str,
    wrong: Callable[[dict], str] = lambda golden: '',
) -> dict:
  """Reads a golden.

  Args:
    name: of the file.
    edition: the name in scripts.EDITIONS that it must be of.
    remedy: how it is made.
    wrong: says what else is wrong with a golden; '' for nothing.

  Raises:
    UsageError: it is missing, was made from other files than the edition's, or
      something else is wrong.
  """
  errors.UsageError.raise_if(
      not os.path.exists(name), '%s is missing: %s' % (name, remedy)
  )
  with open(name, encoding='utf-8') as f:
    golden = json.load(f)
  sha256 = {e.name: e.sha256 for e in scripts.EDITIONS}[edition]
  said = wrong(golden)
  if (golden['edition'], golden['sha256']) != (edition, sha256):
    said = 'was made from %s (SHA-256 %s)' % (
        golden['edition'],
        golden['sha256'],
    )
  errors.UsageError.raise_if(said, '%s %s: %s' % (name, said, remedy))
  return golden


def write(golden: dict, name: str) -> str:
  """Writes a golden, one op, function, variable, list of tags or values a line.

  Args:
    golden: of plain values.
    name: of the file.

  Returns:
    name.

  Raises:
    UsageError: it cannot be written.
  """
  try:
    with open(name, 'w', encoding='utf-8') as f:
      f.write(_lines(golden) + '\n')
  except OSError as e:
    raise errors.UsageError(
        '%s cannot be written (%s)' % (name, e.strerror)
    ) from e
  return name


def _lines(value):
  """Returns a value as JSON; what is in a dict or in a list of lists has a line.

  A dict that ends in numbers, such as a digest, has none.
  """
  if isinstance(value, dict):
    if any(isinstance(v, float) for v in value.values()):
      return json.dumps(value, separators=_COMPACT)
    brackets = '{}'
    entries = ['%s: %s' % (json.dumps(k), _lines(v)) for k, v in value.items()]
  elif isinstance(value, list) and value and isinstance(value[0], list):
    brackets = '[]'
    entries = [json.dumps(v, separators=_COMPACT) for v in value]
  else:
    return json.dumps(value)
  return '%s\n%s\n%s' % (brackets[0], ',\n'.join(entries), brackets[1])


def parser(
    prog: str,
    description: str,
    *,
    source: str = 'the unmodified historical files',
    required: bool = True,
    directory: str = DIRECTORY,
) -> command_line.Parser:
  """Returns the Parser of a program that makes and checks goldens.

  Args:
    prog: its name.
    description: what it does.
    source: help of --source.
    required: whether --source is.
    directory: of the goldens.
  """
  found = command_line.Parser(prog=prog, description=description)
  add = found.add_argument
  add('--source', required=required, metavar='DIR', help=source)
  add(
      '--regenerate',
      action='store_true',
      help='write the golden instead of checking it',
  )
  add(
      '--out',
      metavar='DIR',
      default=directory,
      help='directory of the goldens (default %s)'
      % os.path.relpath(directory, manifest.ROOT),
  )
  return found


def add_data_dir(to: command_line.Parser) -> None:
  """Adds --data_dir."""
  to.add_argument(
      '--data_dir',
      required=True,
      metavar='DIR',
      help='the directory above cifar-10-batches-bin',
  )


def finish(name: str, before: dict | None, made: dict, different) -> int:
  """Writes a golden that was made, or compares it with the one before.

  Args:
    name: of the file.
    before: the golden that is to be checked, or None to write another.
    made: the golden that was made now.
    different: function of two goldens that returns what differs, a list of str.

  Returns:
    The exit code: 1 where something differs.

  Raises:
    UsageError: it cannot be written.
  """
  if before is None:
    print('wrote %s' % write(made, name))
    return 0
  found = different(before, made)
  for text in found:
    print(text)
  print('%s: %d differences' % (name, len(found)))
  return 1 if found else 0
