"""Writes the report of //tools:compare, as JSON and as an HTML page.

A report is a dict of plain values, the content of report.json:

  edition: the name of the source files in scripts.EDITIONS
  tensorflow: the version that ran both sides
  unexplained: the sum over the sections
  sections: a list of section()s

report.html shows the same content, with plots, and loads no script, font or
image.
"""

import json
import os

from ..base import rendering


def section(title, unexplained, *, text, tables=(), plots=()):
  """Returns one comparison's part of the report.

  Args:
    title: str.
    unexplained: int, the number of unexplained differences.
    text: sequence of str: paragraphs that describe the comparison and the
      result.
    tables: sequence of table()s; empty tables are omitted.
    plots: sequence of (caption, SVG of plots.py).  Plots show values from the
      text and the tables; report.json omits the plots.
  """
  return {
      'title': title,
      'unexplained': unexplained,
      'text': list(text),
      'tables': [t for t in tables if t['rows']],
      'plots': [list(plot) for plot in plots],
  }


def table(caption, columns, rows):
  """Returns a table: a caption, column names, and rows of values."""
  return {
      'caption': caption,
      'columns': list(columns),
      'rows': [list(row) for row in rows],
  }


def report(edition, tensorflow, sections):
  """Assembles a report.

  Args:
    edition: str, the name of the edition.
    tensorflow: str, the version of TensorFlow.
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
    directory: str, an existing directory.

  Raises:
    OSError: a file cannot be written.
  """
  with open(os.path.join(directory, 'report.json'), 'w', encoding='utf-8') as f:
    json.dump(without_plots(content), f, indent=1)
    f.write('\n')
  with open(os.path.join(directory, 'report.html'), 'w', encoding='utf-8') as f:
    f.write(to_html(content))


def without_plots(content):
  """Returns a report without plots: the content of report.json."""
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
  """Returns the HTML page of a report as a str.

  Args:
    content: dict, from report().
  """
  words = count(content['unexplained'], 'unexplained difference')
  return rendering.render(
      'report.html',
      title='cifar10_compat and %s' % content['edition'],
      report=content,
      verdict=words[0].upper() + words[1:],
  )
