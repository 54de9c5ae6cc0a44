"""Reads the files in mappings/, which list intended graph differences.

Each file lists renamed ops, renamed tags of event files, and intended
differences.  Names of ops and attributes are literal: there are no patterns.
"""

import json
import os
from typing import NamedTuple

from . import graph_diff

_DIRECTORY = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), 'mappings'
)


# The mapping for each edition's training graph, by edition name in
# scripts.EDITIONS.
EDITIONS = {
    'tensorflow v0.7.0 and v0.7.1': 'v0.7.0',
    'tensorflow/models v1.12.0 and v1.13.0': 'v1.13.0',
}
# The mapping for the ops that the port's session adds.
SESSION = 'monitored_session'


class Mapping(NamedTuple):
  """Intended differences between two graphs."""

  devices: dict = (
      {}
  )  # from devices of the port's graph to devices of the original's graph
  renames: tuple = ()  # of graph_diff.Renames
  exemptions: tuple = ()  # of graph_diff.Exemptions
  tags: tuple = ()  # of graph_diff.Renames; '' if a side lacks the tag

  def compare(self, original, port):
    """Compares two GraphDefs like graph_diff.compare(), with this mapping."""
    translated = type(port)()
    translated.CopyFrom(port)
    for node in translated.node:
      node.device = self.devices.get(node.device, node.device)
    return graph_diff.compare(
        original, translated, exemptions=self.exemptions, renames=self.renames
    )


def of_edition(name):
  """Returns the Mapping from an edition's training graph to the port's.

  Args:
    name: str, the name of an edition in scripts.EDITIONS.  For editions that
      are not compared op by op, the Mapping lists only the session's ops.
  """
  own = load(EDITIONS[name]) if name in EDITIONS else Mapping()
  return own._replace(exemptions=own.exemptions + load(SESSION).exemptions)


def load(name):
  """Reads a mapping.

  A line of a mapping file lists several ops.  A group of renames contains
  either pairs (two names in one string, or a list of two), or ops and the
  prefixes on each side.  A group of exemptions that change a number has the key
  "changes_numbers".

  Args:
    name: str, a file in mappings/ without its extension.

  Returns:
    Mapping.
  """
  with open(os.path.join(_DIRECTORY, name + '.json'), encoding='utf-8') as f:
    content = json.load(f)
  return Mapping(
      content.get('devices', {}),
      _renames(content['renames']),
      tuple(
          graph_diff.Exemption(
              op,
              attribute,
              group['reason'],
              group.get('changes_numbers', False),
          )
          for group in content['exemptions']
          for attribute, lines in group['ops'].items()
          for op in _words(lines)
      ),
      _renames(content.get('tags', ())),
  )


def _renames(groups):
  """Returns the Renames that a file's groups list."""
  renames = []
  for group in groups:
    pairs = [
        pair.split() if isinstance(pair, str) else pair
        for pair in group.get('pairs', ())
    ]
    pairs += [
        (group['theirs'] + op, group['ours'] + op)
        for op in _words(group.get('ops', ()))
    ]
    renames += [
        graph_diff.Rename(original, port, group['reason'])
        for original, port in pairs
    ]
  return tuple(renames)


def _words(lines):
  return ' '.join(lines).split()
