"""The outlines of the original, recorded for the tests.

  outline_goldens --source=DIR [--regenerate]

DIR of --source is a directory that //tools:historical accepts.  --regenerate
writes tools/parity/outlines/EDITION.json, which holds an outline (outline.py)
for each function of the five files, one a line.  Without it, the program
compares the existing file with the source.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import json
import os
import sys

from cifar10_compat.base import errors

from ..base import command_line
from ..editions import scripts
from . import goldens
from . import outline

# Under `bazel run` the checkout, so that --regenerate writes there.
_WORKSPACE = os.environ.get('BUILD_WORKSPACE_DIRECTORY')
DIRECTORY = (
    os.path.join(_WORKSPACE, 'tools', 'compare', 'outlines')
    if _WORKSPACE
    else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'outlines')
)

_Files = dict[str, outline.Outlines]


def read(edition: str, directory: str = DIRECTORY) -> _Files:
  """Reads the recorded outlines of an edition.

  Args:
    edition: a name in scripts.EDITIONS.
    directory: of the recorded outlines.

  Returns:
    What outline.read() returns for a directory of that edition.

  Raises:
    UsageError: the file is missing, or was made from other files than those of
      the edition.
  """
  name = goldens.path(edition, directory)
  remedy = (
      'make it with //tools:outline_goldens --source=DIR --regenerate, where '
      'DIR holds %s' % edition
  )
  if not os.path.exists(name):
    raise errors.UsageError('%s is missing: %s' % (name, remedy))
  with open(name, encoding='utf-8') as f:
    recorded = json.load(f)
  sha256 = {e.name: e.sha256 for e in scripts.EDITIONS}[edition]
  if (recorded['edition'], recorded['sha256']) != (edition, sha256):
    raise errors.UsageError(
        '%s was made from %s (SHA-256 %s): %s'
        % (name, recorded['edition'], recorded['sha256'], remedy)
    )
  return recorded['outlines']


def write(
    edition: scripts.Edition, outlines: _Files, directory: str = DIRECTORY
) -> str:
  """Writes the outlines of an edition, one function a line.

  Args:
    edition: of the files.
    outlines: from outline.read().
    directory: of the recorded outlines; it must exist.

  Returns:
    The path of the file.

  Raises:
    OSError: the file cannot be written.
  """
  files = [
      '%s: {\n%s\n}'
      % (
          json.dumps(name),
          ',\n'.join(
              '%s: %s' % (json.dumps(function), json.dumps(calls))
              for function, calls in functions.items()
          ),
      )
      for name, functions in outlines.items()
  ]
  name = goldens.path(edition.name, directory)
  with open(name, 'w', encoding='utf-8') as f:
    f.write(
        '{\n"edition": %s,\n"sha256": %s,\n"outlines": {\n%s\n}\n}\n'
        % (
            json.dumps(edition.name),
            json.dumps(edition.sha256),
            ',\n'.join(files),
        )
    )
  return name


def differences(recorded: _Files, made: _Files) -> list[str]:
  """Returns 'FILE: FUNCTION' for each function whose outlines differ."""
  return [
      '%s: %s' % (name, function)
      for name in outline.FILES
      for function in dict.fromkeys([*recorded[name], *made[name]])
      if recorded[name].get(function) != made[name].get(function)
  ]


def _parser():
  parser = command_line.Parser(
      prog='outline_goldens',
      description=__doc__.partition('\n')[0],
  )
  parser.add_argument(
      '--source',
      required=True,
      metavar='DIR',
      help='the unmodified historical files',
  )
  parser.add_argument(
      '--regenerate',
      action='store_true',
      help='write the outlines instead of checking them',
  )
  parser.add_argument(
      '--out',
      metavar='DIR',
      default=DIRECTORY,
      help='directory of the outlines (default tools/parity/outlines)',
  )
  return parser


@command_line.program('outline_goldens')
def main(argv):
  args = _parser().parse_args(argv)
  source, out = command_line.path(args.source), command_line.path(args.out)
  edition = scripts.find_edition(source)
  name = goldens.path(edition.name, out)
  made = outline.read(source)
  if args.regenerate:
    try:
      write(edition, made, out)
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be written (%s)' % (name, e.strerror)
      ) from e
    print('wrote %s' % name)
    return 0
  different = differences(read(edition.name, out), made)
  for text in different:
    print(text)
  print('%s: %d differences' % (name, len(different)))
  return 1 if different else 0


if __name__ == '__main__':
  sys.exit(main())
