r"""Makes the environments in which TensorFlows of the time run.

  runtime [--python=FILE] VERSION [VERSION ...]
  runtime --list

Each VERSION is a TensorFlow that has a lock here.  Its environment is made once,
in the cache directory, of packages whose SHA-256 the lock has, with the
interpreter that it needs.  What it prints at the end is the interpreter of the
environment.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

from cifar10_compat.base import errors

from ..base import command_line
from ..base import text_tables
from . import environments
from . import runtimes


def listing(root):
  """Returns the table of what --list prints.

  Args:
    root: str, the directory of the environments.
  """
  rows = []
  for runtime in runtimes.RUNTIMES:
    found = environments.made(runtime, root)
    rows.append(
        (
            runtime.version,
            runtime.python,
            'yes' if runtime.bundled else 'no',
            found.directory if found else 'not made',
        )
    )
  return text_tables.text(
      rows,
      heads=('TENSORFLOW', 'PYTHON', 'BRINGS THE TUTORIAL', 'ENVIRONMENT'),
  )


def tell(line):
  """Prints what is going to take long, on stderr."""
  print('runtime: ' + line, file=sys.stderr, flush=True)


@command_line.program('runtime')
def main(argv):
  parser = command_line.Parser(
      prog='runtime',
      usage='runtime [--python=FILE] VERSION [VERSION ...]\n'
      '       runtime --list',
      description='\n'.join(__doc__.splitlines()[5:]).strip(),
  )
  parser.add_argument(
      'versions',
      metavar='VERSION',
      nargs='*',
      help=', '.join(r.version for r in runtimes.RUNTIMES),
  )
  parser.add_argument(
      '--python',
      metavar='FILE',
      help='the interpreter to make it with (default: the first that runs, '
      'python2.7 for 0.12.1 and so on, on PATH or in pyenv)',
  )
  parser.add_argument(
      '--list', action='store_true', help='print what there is, make nothing'
  )
  args = parser.parse_args(argv)
  if args.list:
    print(listing(environments.cache_root()))
    return 0
  if not args.versions:
    raise errors.UsageError(
        'name a version of TensorFlow: %s (--help explains)'
        % ', '.join(r.version for r in runtimes.RUNTIMES)
    )
  wanted = [runtimes.find(version) for version in args.versions]
  if args.python and len(wanted) > 1:
    raise errors.UsageError(
        '--python=%s is for one version, not for %s'
        % (args.python, ' and '.join(args.versions))
    )
  for runtime in wanted:
    environment = environments.make(
        runtime, python=command_line.path(args.python), tell=tell
    )
    print(environment.python)
  return 0


if __name__ == '__main__':
  sys.exit(main())
