"""Records the outlines of the original for the tests.

  outline_goldens --source=DIR [--regenerate]

--source accepts the same directories as //tools:historical.  --regenerate
writes tools/parity/outlines/EDITION.json, which contains an outline
(outline.py) for each function of the five files, one per line.  Without
--regenerate, the program compares the existing file with the source.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import sys

from ..base import command_line
from ..base import manifest
from ..editions import scripts
from . import golden_files
from . import goldens
from . import outline

# A path in the checkout even under `bazel run`, so that --regenerate writes
# there.
DIRECTORY = os.path.join(
    os.environ.get('BUILD_WORKSPACE_DIRECTORY', manifest.ROOT),
    'tools',
    'parity',
    'outlines',
)

_Files = dict[str, outline.Outlines]


def read(edition: str, directory: str = DIRECTORY) -> _Files:
  """Reads the recorded outlines of an edition.

  Args:
    edition: a name in scripts.EDITIONS.
    directory: the directory of the recorded outlines.

  Returns:
    The result of outline.read() for a directory of that edition.

  Raises:
    UsageError: the file is missing, or was made from other source files.
  """
  return golden_files.read(
      goldens.path(edition, directory),
      edition,
      'create it with //tools:outline_goldens --source=DIR --regenerate, where '
      'DIR contains %s' % edition,
  )['outlines']


def golden(edition: scripts.Edition, outlines: _Files) -> dict:
  """Returns the content of an edition's file of outlines."""
  return {
      'edition': edition.name,
      'sha256': edition.sha256,
      'outlines': outlines,
  }


def differences(recorded: _Files, made: _Files) -> list[str]:
  """Returns 'FILE: FUNCTION' for each function with different outlines."""
  return [
      '%s: %s' % (name, function)
      for name in outline.FILES
      for function in dict.fromkeys([*recorded[name], *made[name]])
      if recorded[name].get(function) != made[name].get(function)
  ]


@command_line.program('outline_goldens')
def main(argv):
  args = golden_files.parser(
      'outline_goldens', __doc__.partition('\n')[0], directory=DIRECTORY
  ).parse_args(argv)
  source, out = command_line.path(args.source), command_line.path(args.out)
  edition = scripts.find_edition(source)
  name = goldens.path(edition.name, out)
  made = golden(edition, outline.read(source))
  return golden_files.finish(
      name,
      None if args.regenerate else {'outlines': read(edition.name, out)},
      made,
      lambda before, now: differences(before['outlines'], now['outlines']),
  )


if __name__ == '__main__':
  sys.exit(main())
