"""Renders the pages from their templates.

Each page extends templates/base.html, which contains the head, style.css and
the blocks `title`, `style` (additional CSS rules) and `main`.
templates/parts.html contains the macros for tables and plots.  A page is a
single file that loads no script, font or image.
"""

import functools
import os
import re
import zlib

# Matches optional text before the root element of an SVG.
_PROLOG = re.compile(r'<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->', re.DOTALL)


@functools.cache
def _environment():
  # jinja2 is optional: only pages need it.
  import jinja2

  directory = os.path.dirname(os.path.abspath(__file__))
  environment = jinja2.Environment(
      loader=jinja2.FileSystemLoader(os.path.join(directory, 'templates')),
      autoescape=True,
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
      keep_trailing_newline=True,
  )
  environment.filters['labelled'] = _labelled
  return environment


def _labelled(svg, label):
  """Returns an SVG as an image with a label for screen readers.

  Args:
    svg: str, a trusted SVG, which is not escaped.
    label: str, the label for screen readers.
  """
  import markupsafe

  # Identical charts would have equal ids.
  svg = re.sub(
      r'(id="|#)(p[0-9a-f]{8})',
      r'\g<1>\g<2>%08x' % zlib.crc32(label.encode()),
      svg,
  )
  root = markupsafe.Markup('<svg role="img" aria-label="%s"') % label
  return markupsafe.Markup(
      _PROLOG.sub('', svg).strip().replace('<svg', str(root), 1)
  )


def render(template, **values):
  """Returns a page as a str.

  Args:
    template: str, the name of a file in templates/.
    **values: the values to show; all values except markup are escaped.

  Raises:
    jinja2.UndefinedError: the template uses a missing value.
  """
  return _environment().get_template(template).render(**values)
