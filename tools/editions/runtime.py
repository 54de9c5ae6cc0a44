r"""Creates the environments in which old TensorFlow versions run.

  runtime [--python=FILE] VERSION [VERSION ...]
  runtime --list

Each VERSION is a TensorFlow version that has a lock file in
tools/editions/locks.  The program creates an environment for each version once,
in the cache directory, with a matching interpreter and with packages whose
SHA-256 is in the lock file.  The program prints the path of each environment's
interpreter.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

from cifar10_compat.base import errors

from ..base import command_line
from ..base import text_tables
from . import environments
from . import runtimes


def listing(root):
  """Returns the table of environments that --list prints.

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
      heads=('TENSORFLOW', 'PYTHON', 'BUNDLES THE TUTORIAL', 'ENVIRONMENT'),
  )


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
      help='the interpreter to use (default: the first working one on PATH or in '
      'pyenv, such as python2.7 for 0.12.1)',
  )
  parser.add_argument(
      '--list',
      action='store_true',
      help='list the environments without creating any',
  )
  args = parser.parse_args(argv)
  if args.list:
    print(listing(environments.cache_root()))
    return 0
  if not args.versions:
    raise errors.UsageError(
        'specify a TensorFlow version: %s (see --help)'
        % ', '.join(r.version for r in runtimes.RUNTIMES)
    )
  wanted = [runtimes.find(version) for version in args.versions]
  if args.python and len(wanted) > 1:
    raise errors.UsageError(
        '--python=%s needs exactly one version, not %s'
        % (args.python, ' and '.join(args.versions))
    )
  for runtime in wanted:
    environment = environments.make(
        runtime,
        python=command_line.path(args.python),
        tell=lambda line: print('runtime: ' + line, file=sys.stderr),
    )
    print(environment.python)
  return 0


if __name__ == '__main__':
  sys.exit(main())
