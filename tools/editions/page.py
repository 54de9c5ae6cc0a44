"""Creates time_machine.html: the tables of table.py, in the report's style."""

from ..base import rendering
from . import table


def page(content):
  """Returns the page, a str of HTML that loads no other files.

  Args:
    content: dict, the content of a file of time_machine.Run, with at least one
      cell.

  Raises:
    jinja2.UndefinedError: the template uses a missing value.
  """
  found, known = table.by_key(content), table.pythons(content)
  columns = [
      {
          'version': version,
          'python': '.'.join(known.get(version, '?').split('.')[:2]),
      }
      for version in table.versions(content)
  ]
  rows = [
      {
          'edition': table.short(edition),
          'cells': [
              _cell(found.get((edition, column['version'])))
              for column in columns
          ],
      }
      for edition in table.editions(content)
  ]
  return rendering.render(
      'time_machine.html',
      limits=content['limits'],
      dates=_dates(content),
      verdict=_verdict(content),
      columns=columns,
      rows=rows,
      broken=_plain('Old names and idioms', *table.broken(content)),
      first=_plain(
          'Versions on which each edition runs unmodified',
          *table.limits(content),
      ),
  )


def _cell(cell):
  kind = table.kind(cell)
  details = []
  if kind == table.UNTRIED:
    details = [cell['missing']] if cell else []
  elif kind != table.RUNS:
    details = [table.first_error(cell)]
    details += ['%s → %s' % (old, new) for old, new in table.bridges(cell)]
  return {
      'kind': kind,
      'text': table.text(cell).replace('`', ''),
      'details': [line.replace('`', '') for line in details],
  }


def _plain(caption, columns, rows):
  """Returns the table macro's argument, without Markdown backticks."""
  return {
      'caption': caption,
      'columns': columns,
      'rows': [[value.replace('`', '') for value in row] for row in rows],
  }


def _dates(content):
  dates = sorted(c['date'] for c in content['cells'] if 'date' in c)
  if not dates:
    return 'No runs'
  if dates[0] == dates[-1]:
    return 'Run on ' + dates[0]
  return 'Run from %s to %s' % (dates[0], dates[-1])


def _verdict(content):
  """Returns a sentence with the number of cells of each kind."""
  kinds = [table.kind(cell) for cell in content['cells']]
  parts = [
      '%d run unmodified' % kinds.count(table.RUNS),
      '%d run with bridges' % kinds.count(table.BRIDGES),
      '%d do not run' % kinds.count(table.FAILS),
  ]
  untried = kinds.count(table.UNTRIED)
  if untried:
    parts.append('%d could not be run' % untried)
  return 'Of %d pairs, %s and %s.' % (
      len(kinds),
      ', '.join(parts[:-1]),
      parts[-1],
  )
