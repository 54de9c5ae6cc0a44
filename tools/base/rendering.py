"""Fills the templates of the pages.

Each page extends templates/base.html, which has the head, the look of style.css and
the blocks `title`, `style` (more of it) and `main`.  templates/parts.html has the
macros for tables and plots.  A page is one file that loads nothing: no script, no
font, no image.
"""

import functools
import os
import re
import zlib

# What may come before the root element of an SVG.
_PROLOG = re.compile(r'<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->', re.DOTALL)


@functools.cache
def _environment():
  # Only who writes a page needs it.
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
  """Returns an SVG as an image with a text for those who do not see it.

  Args:
    svg: str, an SVG of our own making: nothing of it is escaped.
    label: str.
  """
  import markupsafe

  # Two charts that are drawn alike have the same ids.
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
  """Returns a page, a str.

  Args:
    template: str, the name of a file in templates/.
    **values: what it shows; what is no markup is escaped.

  Raises:
    jinja2.UndefinedError: the template shows a value that is not given.
  """
  return _environment().get_template(template).render(**values)
