"""Reads, writes and checks golden files, for the programs that create them."""

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
  """Returns the path of a subject's golden.

  Args:
    of: the golden's subject: an edition or a TensorFlow version.
    files: dict from each subject to a file name.
    directory: the directory of the goldens.

  Raises:
    UsageError: there is no golden for this subject.
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
    name: the path of the file.
    edition: the edition that the golden must record, a name in
      scripts.EDITIONS.
    remedy: how to create the golden.
    wrong: function that returns another problem of a golden, or ''.

  Raises:
    UsageError: the golden is missing, was made from other source files, or has
      another problem.
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
  """Writes a golden, with one op, function, variable or list per line.

  Args:
    golden: a dict of plain values.
    name: the path of the file.

  Returns:
    name.

  Raises:
    UsageError: the file cannot be written.
  """
  try:
    with open(name, 'w', encoding='utf-8') as f:
      f.write(_lines(golden) + '\n')
  except OSError as e:
    raise errors.UsageError(
        '%s cannot be written (%s): choose another directory with --out'
        % (name, e.strerror)
    ) from e
  return name


def _lines(value):
  """Returns a value as JSON, one line per entry of a dict or list of lists.

  A dict of numbers, such as a digest, stays on one line.
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
    source: str = 'directory of the unmodified historical files',
    required: bool = True,
    directory: str = DIRECTORY,
) -> command_line.Parser:
  """Returns the Parser of a program that creates and checks goldens.

  Args:
    prog: the program's name.
    description: the program's description.
    source: the help text of --source.
    required: whether --source is required.
    directory: the default of --out.
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


def finish(name: str, before: dict | None, made: dict, different) -> int:
  """Writes a new golden, or compares it with the existing one.

  Args:
    name: the path of the file.
    before: the existing golden to check, or None to write a new file.
    made: the new golden.
    different: function that returns the differences of two goldens, a list of
      str.

  Returns:
    The exit code: 1 if the two goldens differ, else 0.

  Raises:
    UsageError: the file cannot be written.
  """
  if before is None:
    print('wrote %s' % write(made, name))
    return 0
  found = different(before, made)
  for text in found:
    print(text)
  print('%s: %d differences' % (name, len(found)))
  return 1 if found else 0
