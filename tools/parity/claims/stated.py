"""Numbers that the tutorial states, each with an entry in stated.json.

An entry records where the tutorial states the number and how it is measured
here.  `why_not` explains a different value, and `not_measured` a missing value.
"""

import json
import os
from typing import NamedTuple, Optional

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'stated.json')


class Claim(NamedTuple):
  """A number or group of numbers in the tutorial, and the measured value."""

  what: str  # the claim's name
  where: str  # the place in the tutorial
  said: str  # the stated value
  found: str  # the measured value
  how: str  # the method of measurement
  same: Optional[bool]  # None if not measured
  why: str  # the reason for a different or missing value

  @property
  def unexplained(self):
    return self.same is False and not self.why


def _tuples(value):
  return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _load():
  with open(_FILE, encoding='utf-8') as f:
    return {
        what: {key: _tuples(value) for key, value in entry.items()}
        for what, entry in json.load(f).items()
    }


_STATED = _load()


def names():
  """Returns the names of the claims, a list of str in the order of the file."""
  return list(_STATED)


def said(what):
  """Returns the value that the tutorial states, with tuples for lists."""
  return _STATED[what]['said']


def equal(what, found):
  """Returns a Claim that compares the stated value with the measured one."""
  return judged(what, found, same=said(what) == found)


def judged(what, found, *, same, reason_holds=True):
  """Returns a Claim whose values the caller has compared.

  Args:
    what: str, one of names().
    found: a number, a str, or a tuple of numbers or strs.
    same: bool, whether the stated and the measured value agree.
    reason_holds: bool, whether the listed reason for a different value applies
      here.
  """
  why = '' if same or not reason_holds else _STATED[what].get('why_not', '')
  return _claim(what, found, same, why)


def not_measured(what, found):
  """Returns a Claim that is not measured, with a remark in `found`."""
  return _claim(what, found, None, _STATED[what]['not_measured'])


def _claim(what, found, same, why):
  entry = _STATED[what]
  return Claim(
      what,
      entry['where'],
      text(entry['said']),
      text(found),
      entry['how'],
      same,
      why,
  )


def text(value):
  """Formats a value for a table; floats have 7 digits."""
  if isinstance(value, tuple):
    return ', '.join(map(text, value))
  if isinstance(value, float):
    return '%.7g' % value
  return '{:,}'.format(value) if isinstance(value, int) else str(value)
