"""The report of //tools:compare, as JSON and as one page of HTML.

A report is a dict of plain values, the content of report.json:

  edition, the name of the source files in scripts.EDITIONS
  tensorflow, the version that ran both sides
  unexplained, the sum of the sections'
  sections, a list of section()s

report.html shows the same, and plots of it.  It loads nothing: no script, no
font, no image.
"""

import html
import json
import os

# Longer tables are folded until one asks for them.
_FOLDED_ROWS = 20

_STYLE = """
:root { color-scheme: light dark; --text: #1d2329; --dim: #5b6570;
  --page: #f5f6f8; --card: #fff; --line: #dde1e6; --good: #1a7f4b;
  --bad: #c0312b; --theirs: #e8912d; --ours: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --dim: #9aa5b1;
  --page: #14181c; --card: #1d2329; --line: #343c45; --good: #4cc38a;
  --bad: #ff7b72; --theirs: #b86a12; --ours: #8ab4ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; display: flex; flex-wrap: wrap;
  gap: .25rem .75rem; align-items: baseline; }
.dim { color: var(--dim); margin: 0; }
.verdict { border-left: .5rem solid; padding: .75rem 1rem; margin: 1.5rem 0;
  background: var(--card); font-size: 1.25rem; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); }
h2 .good, h2 .bad { font-size: .9rem; font-weight: 600; }
section { background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; padding: 1.25rem; margin: 1rem 0; }
section p { margin: .25rem 0; max-width: 50rem; }
h3, summary { font-size: 1rem; font-weight: 600; margin: 1rem 0 .5rem; }
summary { cursor: pointer; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-top: 1px solid var(--line); }
th { color: var(--dim); font-weight: 600; border-top: 0; }
td { min-width: 6rem;
  font-variant-numeric: tabular-nums; }
.plots { display: grid; gap: 1.25rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
figure { margin: 0; }
figcaption { font-size: .875rem; }
svg { display: block; width: 100%; height: auto; max-width: 30rem; }
.theirs, .ours { display: inline-block; width: 1.5rem; height: .5rem;
  margin: 0 .4rem 0 0; background: var(--theirs); }
.ours { background: var(--ours); height: .2rem; margin-left: 1.25rem;
  vertical-align: middle; }
"""


def section(title, unexplained, *, text, tables=(), plots=()):
  """Returns one comparison's part of the report.

  Args:
    title: str.
    unexplained: int, how many of its differences nothing explains.
    text: sequence of sentences that say what was compared and what came out.
    tables: sequence of table()s; those without rows are left out.
    plots: sequence of (caption, SVG of compare_plots.py), of values that the
      text and the tables have as well: report.json gets no plots.
  """
  return {
      'title': title,
      'unexplained': unexplained,
      'text': list(text),
      'tables': [t for t in tables if t['rows']],
      'plots': [list(plot) for plot in plots],
  }


def table(caption, columns, rows):
  """Returns a table: a caption, names of columns, rows of as many values."""
  return {
      'caption': caption,
      'columns': list(columns),
      'rows': [list(row) for row in rows],
  }


def report(edition, tensorflow, sections):
  """Puts sections together.

  Args:
    edition: str, what the unmodified files are.
    tensorflow: str, a version.
    sections: sequence of section()s.

  Returns:
    dict, the report.
  """
  return {
      'edition': edition,
      'tensorflow': tensorflow,
      'unexplained': sum(s['unexplained'] for s in sections),
      'sections': list(sections),
  }


def write(content, directory):
  """Writes report.json and report.html.

  Args:
    content: dict, from report().
    directory: str, must exist.

  Raises:
    OSError: a file cannot be written.
  """
  with open(os.path.join(directory, 'report.json'), 'w', encoding='utf-8') as f:
    json.dump(without_plots(content), f, indent=1)
    f.write('\n')
  with open(os.path.join(directory, 'report.html'), 'w', encoding='utf-8') as f:
    f.write(to_html(content))


def without_plots(content):
  """Returns the content of report.json for a report."""
  return dict(
      content,
      sections=[
          {key: value for key, value in s.items() if key != 'plots'}
          for s in content['sections']
      ],
  )


def count(number, noun):
  """Returns "no difference", "1 difference", "2 differences"."""
  return '%s %s%s' % (number or 'no', noun, '' if number < 2 else 's')


def verdict(content):
  """Returns the report's result as one sentence."""
  return '%s: %s' % (
      content['edition'],
      count(content['unexplained'], 'unexplained difference'),
  )


def to_html(content):
  """Returns the page for a report, a str.

  Args:
    content: dict, from report().
  """
  title = 'cifar10_compat and %s' % content['edition']
  return '\n'.join(
      [
          '<!DOCTYPE html>',
          '<html lang="en">',
          '<head>',
          '<meta charset="utf-8">',
          '<meta name="viewport" content="width=device-width, initial-scale=1">',
          '<title>%s</title>' % html.escape(title),
          '<style>%s</style>' % _STYLE,
          '</head>',
          '<body>',
          '<main>',
          '<h1>%s</h1>' % html.escape(title),
          '<p class="dim">Both sides on TensorFlow %s. “Theirs” is the unmodified '
          'historical tutorial, “ours” is cifar10_compat.</p>'
          % html.escape(content['tensorflow']),
          '<p class="verdict %s">%s</p>'
          % (
              _color(content),
              html.escape(
                  _capital(
                      count(content['unexplained'], 'unexplained difference')
                  )
              ),
          ),
      ]
      + [_section(s) for s in content['sections']]
      + ['</main>', '</body>', '</html>', '']
  )


def _color(content):
  return 'bad' if content['unexplained'] else 'good'


def _capital(text):
  return text[0].upper() + text[1:]


def _section(content):
  lines = [
      '<section>',
      '<h2>%s <span class="%s">%s</span></h2>'
      % (
          html.escape(content['title']),
          _color(content),
          html.escape('%d unexplained' % content['unexplained']),
      ),
  ]
  lines += ['<p>%s</p>' % html.escape(text) for text in content['text']]
  if content['plots']:
    lines += [
        '<p class="dim"><span class="theirs"></span>theirs '
        '<span class="ours"></span>ours</p>',
        '<div class="plots">',
    ]
    lines += [_plot(*plot) for plot in content['plots']]
    lines += ['</div>']
  lines += [_table(t) for t in content['tables']]
  return '\n'.join(lines + ['</section>'])


def _plot(caption, svg):
  caption = html.escape(caption)
  return '<figure>%s<figcaption>%s</figcaption></figure>' % (
      svg.replace('<svg', '<svg role="img" aria-label="%s"' % caption, 1),
      caption,
  )


def _table(content):
  caption = html.escape(content['caption'])
  head = _row('th', content['columns'])
  rows = [_row('td', row) for row in content['rows']]
  lines = (
      [
          '<div class="scroll">',
          '<table>',
          '<thead>',
          head,
          '</thead>',
          '<tbody>',
      ]
      + rows
      + ['</tbody>', '</table>', '</div>']
  )
  if len(rows) > _FOLDED_ROWS:
    lines = (
        ['<details>', '<summary>%s (%d)</summary>' % (caption, len(rows))]
        + lines
        + ['</details>']
    )
  else:
    lines = ['<h3>%s</h3>' % caption] + lines
  return '\n'.join(lines)


def _row(tag, values):
  return '<tr>%s</tr>' % ''.join(
      '<%s>%s</%s>' % (tag, html.escape(str(value)), tag) for value in values
  )
