"""The files of the goldens, and what the programs that make them have in common."""

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
    said = 'was made by TensorFlow %s from %s (SHA-256 %s)' % tuple(
        golden[key] for key in ('tensorflow', 'edition', 'sha256')
    )
  errors.UsageError.raise_if(said, '%s %s: %s' % (name, said, remedy))
  return golden


def write(golden: dict, name: str) -> str:
  """Writes a golden, one op, variable, list of tags or of values a line.

  Args:
    golden: of plain values.
    name: of the file.

  Returns:
    name.

  Raises:
    OSError: it cannot be written.
  """

  def lines(value):
    if isinstance(value, dict):
      brackets, entries = '{}', [
          '%s: %s'
          % (
              json.dumps(key),
              json.dumps(
                  v, separators=_COMPACT if isinstance(v, dict) else None
              ),
          )
          for key, v in value.items()
      ]
    elif isinstance(value, list) and value and isinstance(value[0], list):
      brackets, entries = '[]', [
          json.dumps(v, separators=_COMPACT) for v in value
      ]
    else:
      return json.dumps(value)
    return '%s\n%s\n%s' % (brackets[0], ',\n'.join(entries), brackets[1])

  text = ',\n'.join(
      '%s: %s' % (json.dumps(key), lines(value))
      for key, value in golden.items()
  )
  with open(name, 'w', encoding='utf-8') as f:
    f.write('{\n%s\n}\n' % text)
  return name


def parser(
    prog: str, description: str, *, source: str, required: bool
) -> command_line.Parser:
  """Returns the Parser of a program that makes and checks goldens.

  Args:
    prog: its name.
    description: what it does.
    source: help of --source.
    required: whether --source is.
  """
  found = command_line.Parser(prog=prog, description=description)
  add = found.add_argument
  add('--source', required=required, metavar='DIR', help=source)
  add(
      '--data_dir',
      required=True,
      metavar='DIR',
      help='the directory above cifar-10-batches-bin',
  )
  add(
      '--regenerate',
      action='store_true',
      help='write the golden instead of checking it',
  )
  add(
      '--out',
      metavar='DIR',
      default=DIRECTORY,
      help='directory of the goldens (default tests/golden)',
  )
  return found


def finish(
    name: str,
    before: dict | None,
    made: dict,
    differences: Callable[[dict, dict], list[str]],
) -> int:
  """Writes a golden that was made, or compares it with the one before.

  Args:
    name: of the file.
    before: the golden that is to be checked, or None to write another.
    made: the golden that was made now.
    differences: says what differs between two goldens.

  Returns:
    The exit code: 1 where something differs.

  Raises:
    UsageError: it cannot be written.
  """
  if before is None:
    try:
      print('wrote %s' % write(made, name))
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be written (%s)' % (name, e.strerror)
      ) from e
    return 0
  different = differences(before, made)
  for text in different:
    print(text)
  print('%s: %d differences' % (name, len(different)))
  return 1 if different else 0
