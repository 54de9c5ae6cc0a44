"""Computes the tables of //tools:time_machine.

The parameter `content` of each function is the content of a file written by
time_machine.Run.
"""

from . import cells

# Kinds of cells in matrix().
RUNS = 'runs'
BRIDGES = 'bridges'
FAILS = 'fails'
UNTRIED = 'untried'

_NOTHING = '–'


def version_key(version):
  """Returns the sort key of a version such as '1.15.5'."""
  return [int(part) if part.isdigit() else 0 for part in version.split('.')]


def versions(content):
  """Returns the TensorFlow versions, oldest first."""
  return sorted({c['tensorflow'] for c in content['cells']}, key=version_key)


def editions(content):
  """Returns the names of the editions, in the file's order."""
  return list(dict.fromkeys(c['edition'] for c in content['cells']))


def pythons(content):
  """Returns a dict from each TensorFlow version to its Python version."""
  return {
      c['tensorflow']: c['python'] for c in content['cells'] if 'python' in c
  }


def by_key(content):
  """Returns a dict from (edition, TensorFlow version) to the cell."""
  return {(c['edition'], c['tensorflow']): c for c in content['cells']}


def short(edition):
  """Returns an edition's name without the repository."""
  return edition.partition(' ')[2]


def span(content, names):
  """Returns the names of editions, with consecutive editions as ranges.

  Args:
    content: dict.
    names: collection of edition names.

  Returns:
    str, for example '0.5.0 to v0.7.1, v1.4.0'.
  """
  runs = []
  for n, edition in enumerate(editions(content)):
    if edition in names:
      if not runs or runs[-1][-1][0] != n - 1:
        runs.append([])
      runs[-1].append((n, short(edition)))
  return ', '.join(_from_to(*run[0][1:], *run[-1][1:]) for run in runs)


def _from_to(first, last):
  # At the start of a range, 'v0.7.0 and v0.7.1' is shown as v0.7.0; at the end,
  # as v0.7.1.
  if first == last:
    return first
  return '%s to %s' % (first.split()[0], last.split()[-1])


def kind(cell):
  """Returns RUNS, BRIDGES, FAILS or UNTRIED.

  Args:
    cell: dict from cells.try_cell(), or None.
  """
  if cell is None or 'missing' in cell:
    return UNTRIED
  if cell['unmodified']['outcome'] == cells.RAN:
    return RUNS
  return BRIDGES if _with_bridges(cell)['outcome'] == cells.RAN else FAILS


def bridges(cell):
  """Returns a cell's bridges as [old, new] pairs, including the package."""
  return _with_bridges(cell)['bridges']


def text(cell):
  """Returns a cell's result in a few words."""
  found = kind(cell)
  if found == UNTRIED:
    return 'not run'
  if found == RUNS:
    return 'runs'
  if found == BRIDGES:
    count = len(bridges(cell))
    return '%d bridge%s' % (count, '' if count == 1 else 's')
  last = _with_bridges(cell)
  name = (last['error'] or {}).get('name')
  told = _what(last, message=False)
  return '%s: `%s`' % (told, name) if name else told


def _with_bridges(cell):
  return cell['bridged'] or cell['placed'] or cell['unmodified']


def _what(result, message=True):
  """Returns a failed attempt's outcome in one line."""
  error = result['error']
  if error:
    if not message:
      return error['type']
    return '%s: %s' % (error['type'], error['message'])
  if result['outcome'] == cells.LIMIT:
    return 'killed after %d s' % result['seconds']
  if result['code'] < 0:
    return 'signal %d' % -result['code']
  return 'exit code %d' % result['code']


def first_error(cell):
  """Returns the first errors of the unmodified files in one line.

  If the files import from the missing package tensorflow.models, that import is
  the first error; the second error occurs after the files are placed there.
  """
  found = _described(cell['unmodified'])
  if cell['placed'] and cell['placed']['outcome'] != cells.RAN:
    found += '; once placed there: ' + _described(cell['placed'])
  return found


def _described(result):
  """Returns an attempt's error with the symbol's name."""
  told = _what(result)
  name = (result['error'] or {}).get('name')
  if name and name not in told:
    told += ' (`%s`)' % name
  return told


def matrix(content):
  """Returns the columns and rows of the table of editions and versions.

  Returns:
    (list of str, list of lists of str).
  """
  found, known = by_key(content), pythons(content)
  columns = ['edition']
  for version in versions(content):
    python = '.'.join(known.get(version, '').split('.')[:2])
    columns.append('%s (Python %s)' % (version, python or '?'))
  rows = [
      [short(edition)]
      + [text(found.get((edition, version))) for version in versions(content)]
      for edition in editions(content)
  ]
  return columns, rows


def limits(content):
  """Returns the columns and rows of the table of versions per edition.

  Returns:
    (list of str, list of lists of str): the editions, the TensorFlow versions
    on which each edition runs unmodified, and the first errors on the versions
    just before and just after.
  """
  found = by_key(content)
  groups = {}
  for edition in editions(content):
    tried = [
        (version, found[edition, version])
        for version in versions(content)
        if kind(found.get((edition, version))) != UNTRIED
    ]
    runs = [n for n, (_, cell) in enumerate(tried) if kind(cell) == RUNS]
    before = tried[: runs[0]] if runs else []
    after = tried[runs[-1] + 1 :] if runs else tried
    row = (
        ', '.join(tried[n][0] for n in runs) or 'none',
        _error_on(before[-1:]),
        _error_on(after[:1]),
    )
    groups.setdefault(row, []).append(edition)
  rows = [[span(content, names), *row] for row, names in groups.items()]
  columns = [
      'edition',
      'runs unmodified on',
      'error on the version before',
      'error on the version after',
  ]
  return columns, rows


def _error_on(pairs):
  for version, cell in pairs:
    return '%s: %s' % (version, first_error(cell))
  return _NOTHING


def broken(content):
  """Returns the columns and rows of the table of breaking changes.

  Returns:
    (list of str, list of lists of str): each bridge, the first TensorFlow
    version that needed it, and the editions that need it.
  """
  needed = {}
  for cell in content['cells']:
    if kind(cell) != UNTRIED:
      for old, new in bridges(cell):
        needed.setdefault((old, new), []).append(cell)
  rows = []
  for (old, new), users in needed.items():
    numbers = sorted({c['tensorflow'] for c in users}, key=version_key)
    names = {c['edition'] for c in users}
    rows.append(
        (
            version_key(numbers[0]),
            [
                numbers[0],
                '`%s`' % old,
                '`%s`' % new if ' same ' not in new else new,
                span(content, names),
            ],
        )
    )
  rows.sort(key=lambda row: row[0])
  columns = ['first needed on', 'old', 'today', 'editions that need it']
  return columns, [row for _, row in rows]
