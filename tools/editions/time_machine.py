r"""Runs each edition of the tutorial on each TensorFlow; shows what broke when.

  time_machine --sources=DIR --data_dir=DIR [--json=FILE] [--only=EDITION,...]
      [--runtimes=VERSION,...] [--again] [--seconds=N] [--page=FILE]
  time_machine --page=FILE [--json=FILE]

--sources contains checkouts of tensorflow (0.5.0 to v0.9.0) and of
tensorflow/models (v1.4.0 to v1.13.0), each in a separate directory; the edition
of 0.12.1 is bundled in that version's wheel.  Each cell runs cifar10_train for
20 steps with the unmodified files, first without bridges and, if that fails,
with the required bridges.  Without --again, cells in --json are not rerun.
Each result is written to --json at once, so an interrupted run can be resumed.
--page writes a page of all cells; without --sources, the program runs no cells.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import json
import os
import pathlib
import sys
import tempfile

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets

from ..base import command_line
from ..base import json_files
from ..base import manifest
from . import cells
from . import old_scripts
from . import page
from . import runtimes
from . import scripts
from . import table

_DEFAULT_JSON = os.path.join('docs', 'data', 'time_machine.json')
_STEPS = 20
_BATCH_SIZE = 8
_SECONDS = 180


def read(path):
  """Returns the content of a file of cells; {} if the file is missing.

  Args:
    path: str.

  Raises:
    UsageError: the file contains no cells.
  """
  if not os.path.exists(path):
    return {}
  try:
    content = json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
    # All other functions need these keys.
    for cell in content['cells']:
      cell['edition'], cell['tensorflow']
  except (OSError, ValueError, KeyError, TypeError) as e:
    raise errors.UsageError(
        '--json=%s contains no cells of time_machine (%s): choose another file'
        % (path, e)
    ) from e
  return content


def in_order(found):
  """Returns cells sorted by edition and TensorFlow, oldest first."""
  names = [edition.name for edition in scripts.EDITIONS]

  def key(cell):
    name = cell['edition']
    return (
        names.index(name) if name in names else len(names),
        name,
        table.version_key(cell['tensorflow']),
    )

  return sorted(found, key=key)


def choose(names, wanted, flag):
  """Returns the names that a flag selects.

  Args:
    names: list of str.
    wanted: str, comma-separated parts of names, or None for all names.
    flag: str, the flag's name, for the error message.

  Raises:
    UsageError: a part matches no name.
  """
  if wanted is None:
    return list(names)
  chosen = set()
  for part in wanted.split(','):
    # 'v1.1' does not select v1.10.0; 'v1.10' does.
    found = [
        name
        for name in names
        if any(
            word == part or word.startswith(part + '.') for word in name.split()
        )
    ]
    if not found:
      raise errors.UsageError(
          '--%s=%s: there is no %r; choose from %s'
          % (flag, wanted, part, ', '.join(names))
      )
    chosen.update(found)
  return [name for name in names if name in chosen]


def tell(line):
  """Prints progress on stderr."""
  print('time_machine: ' + line, file=sys.stderr, flush=True)


def summary(cell):
  """Returns a cell's result in a few words."""
  if 'missing' in cell:
    return 'not run: ' + cell['missing']
  if table.kind(cell) == table.RUNS:
    return table.text(cell)
  return '%s; unmodified: %s' % (table.text(cell), table.first_error(cell))


class Run:
  """Runs the cells of one file, one after the other."""

  def __init__(self, path, *, data_dir, limits, sources):
    """Reads the existing cells.

    Args:
      path: str, the file.
      data_dir: str, the parent directory of cifar-10-batches-bin.
      limits: see cells.attempt().
      sources: dict from an Edition's name to its directory.

    Raises:
      UsageError: the file contains no cells, or cells with other limits.
    """
    self._path = path
    self._data_dir = data_dir
    self._limits = limits
    self._sources = sources
    content = read(path)
    if content.get('limits', limits) != limits:
      raise errors.UsageError(
          '--json=%s was measured with %s, not with %s: choose another file'
          % (path, content['limits'], limits)
      )
    self._cells = {
        (cell['edition'], cell['tensorflow']): cell
        for cell in content.get('cells', [])
    }

  def missing(self, editions, versions, *, again):
    """Returns the list of (edition, version) pairs that still have to be run.

    The list includes pairs that previously could not be run.
    """
    return [
        (edition, version)
        for version in versions
        for edition in editions
        if again
        or 'missing'
        in self._cells.get((edition, version), {'missing': 'not yet'})
    ]

  def add(self, cell):
    """Adds a cell and writes the file."""
    self._cells[cell['edition'], cell['tensorflow']] = cell
    content = {
        'manifest': manifest.manifest(
            dataset=datasets.CIFAR10,
            data_dir=self._data_dir,
            flags={},
        ),
        'limits': self._limits,
        'cells': in_order(self._cells.values()),
    }
    json_files.write(self._path, content)

  def try_all(self, editions, versions, *, again=False):
    """Runs the missing cells, and prints each result.

    Args:
      editions, versions: lists of str, names of Editions and versions.
      again: bool, whether to rerun the cells that the file contains.
    """
    known = {edition.name: edition for edition in scripts.EDITIONS}
    with tempfile.TemporaryDirectory() as scratch:
      data_dir = os.path.join(scratch, 'data')
      old_scripts.prepare(self._data_dir, data_dir)
      for name, version in self.missing(editions, versions, again=again):
        cell = self._try(known[name], version, data_dir, scratch)
        self.add(cell)
        print('%s on %s: %s' % (name, version, summary(cell)), flush=True)

  def _try(self, edition, version, data_dir, scratch):
    try:
      source = self._source(edition)
      environment = cells.environment(version, tell)
    except errors.UsageError as e:
      return {
          'edition': edition.name,
          'tensorflow': version,
          'missing': str(e),
      }
    return cells.try_cell(
        source,
        edition,
        environment,
        data_dir=data_dir,
        scratch=scratch,
        limits=self._limits,
    )

  def _source(self, edition):
    if edition.name in self._sources:
      return self._sources[edition.name]
    for runtime in runtimes.RUNTIMES:
      if runtime.bundled and edition.name == 'tensorflow ' + runtime.version:
        return old_scripts.bundled(cells.environment(runtime.version))
    raise errors.UsageError(
        '--sources does not contain the files of %s: run `git clone --depth 1 '
        '--branch TAG https://github.com/%s` there'
        % (
            edition.name,
            'tensorflow/tensorflow' if edition.package else 'tensorflow/models',
        )
    )


def _parser():
  parser = command_line.Parser(
      prog='time_machine',
      usage='time_machine --sources=DIR --data_dir=DIR [--json=FILE] '
      '[--only=EDITION,...] [--runtimes=VERSION,...] [--again] [--seconds=N] '
      '[--page=FILE]\n       time_machine --page=FILE [--json=FILE]',
      description='\n'.join(__doc__.splitlines()[6:]).strip(),
  )
  parser.add_argument(
      '--sources',
      metavar='DIR',
      help='directory that contains the checkouts of the editions',
  )
  parser.add_argument(
      '--data_dir', metavar='DIR', help='directory of the images'
  )
  parser.add_argument(
      '--json',
      metavar='FILE',
      default=_DEFAULT_JSON,
      help='file for the cells (default: %(default)s)',
  )
  parser.add_argument(
      '--only',
      metavar='EDITION,...',
      help='the editions to run, such as v0.7.0,0.12.1 (default: all)',
  )
  parser.add_argument(
      '--runtimes',
      metavar='VERSION,...',
      help='the TensorFlow versions to run on, such as 0.12.1,2.4: %s (default: all)'
      % ', '.join(cells.versions()),
  )
  parser.add_argument(
      '--again', action='store_true', help='rerun the cells in --json'
  )
  parser.add_argument(
      '--page',
      metavar='FILE',
      help='write a page of all cells in --json to FILE',
  )
  parser.add_argument(
      '--seconds',
      type=int,
      default=_SECONDS,
      help='time limit of an attempt (default: %(default)s)',
  )
  return parser


def _write_page(path, content):
  if not content.get('cells'):
    raise errors.UsageError(
        '--page=%s: there are no cells yet; use --sources to run cells' % path
    )
  with command_line.writing(path, '--page'):
    files.replace(path, page.page(content).encode())


@command_line.program('time_machine')
def main(argv):
  args = _parser().parse_args(argv)
  path, page_path = map(command_line.path, (args.json, args.page))
  if args.sources is None and page_path:
    _write_page(page_path, read(path))
    return 0
  for name in ('sources', 'data_dir'):
    if getattr(args, name) is None:
      raise errors.UsageError('specify a directory with --%s=DIR' % name)
  if args.seconds < 1:
    raise errors.UsageError('--seconds=%d must be at least 1' % args.seconds)
  editions = choose([e.name for e in scripts.EDITIONS], args.only, 'only')
  versions = choose(cells.versions(), args.runtimes, 'runtimes')
  limits = {
      'steps': _STEPS,
      'batch_size': _BATCH_SIZE,
      'seconds': args.seconds,
  }
  run = Run(
      path,
      data_dir=command_line.path(args.data_dir),
      limits=limits,
      sources=cells.find_sources(command_line.path(args.sources)),
  )
  run.try_all(editions, versions, again=args.again)
  if page_path:
    _write_page(page_path, read(path))
  return 0


if __name__ == '__main__':
  sys.exit(main())
