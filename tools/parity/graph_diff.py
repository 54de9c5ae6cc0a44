"""Compares two GraphDefs op by op, by name.

An op has a type, a device, ordered data inputs, unordered control inputs and
attributes; the output shapes count as an attribute.  A difference is
unexplained unless an Exemption lists the op and the attribute.
"""

from typing import NamedTuple

from cifar10_compat.base import errors

# Values of Difference.attribute for properties outside a NodeDef's `attr`.
PRESENCE = 'presence'
TYPE = 'type'
DEVICE = 'device'
INPUTS = 'inputs'
CONTROL_INPUTS = 'control inputs'
SHAPES = 'output shapes'

# Graph.as_graph_def(add_shapes=True) adds this attribute.
_SHAPES = '_output_shapes'
_ABSENT = '(absent)'
_MAX_CHARS = 200


class Difference(NamedTuple):
  """A difference in one property of one op, with both values as text."""

  op: str
  attribute: str  # PRESENCE to SHAPES, or an attribute's name
  original: str
  port: str


class Exemption(NamedTuple):
  """An intended difference."""

  op: str  # the full name; patterns are not supported
  attribute: str
  reason: str
  # Whether the difference changes a number that is computed, drawn or saved.
  # Other differences change only a name, a type, a device or the way in which
  # the same number is computed.
  changes_numbers: bool = False


class Rename(NamedTuple):
  """An op that has different names in the original and in the port.

  The renamed ops are compared like any other pair: further differences need an
    exemption under the op's name in the port's graph.
  """

  original: str  # the full name; patterns are not supported
  port: str
  reason: str


class Comparison(NamedTuple):
  """The comparison of two graphs."""

  original: int  # number of ops
  port: int  # number of ops
  explained: tuple  # of (Difference, reason)
  unexplained: tuple  # of Differences
  stale: tuple  # of Exemptions and Renames that match nothing


def compare(original, port, *, exemptions=(), renames=()):
  """Compares two graphs.

  Args:
    original, port: GraphDef; output shapes, if the graphs contain them, are
      compared too.
    exemptions: sequence of Exemptions.
    renames: sequence of Renames.

  Returns:
    Comparison; its differences are sorted by op.

  Raises:
    UsageError: two exemptions are for the same op and attribute, or two ops
      would have the same name.
  """
  original, stale = _renamed(original, port, renames)
  reasons = {}
  for exemption in exemptions:
    key = exemption[:2]
    errors.UsageError.raise_if(
        key in reasons,
        'two exemptions for op %s, attribute %s: remove one' % key,
    )
    reasons[key] = exemption.reason
  explained, unexplained = [], []
  found = set()
  for difference in differences(original, port):
    key = difference[:2]
    found.add(key)
    if key in reasons:
      explained.append((difference, reasons[key]))
    else:
      unexplained.append(difference)
  stale += [e for e in exemptions if e[:2] not in found]
  return Comparison(
      len(original.node),
      len(port.node),
      tuple(explained),
      tuple(unexplained),
      tuple(stale),
  )


def differences(original, port):
  """Returns the list of Differences between two GraphDefs, sorted by op."""
  a = {node.name: node for node in original.node}
  b = {node.name: node for node in port.node}
  found = []
  for name in sorted(set(a) | set(b)):
    if name not in a or name not in b:
      found.append(
          Difference(
              name,
              PRESENCE,
              *(
                  nodes[name].op if name in nodes else _ABSENT
                  for nodes in (a, b)
              ),
          )
      )
      continue
    left, right = _respects(a[name]), _respects(b[name])
    for attribute in sorted(set(left) | set(right)):
      values = left.get(attribute), right.get(attribute)
      if values[0] != values[1]:
        found.append(Difference(name, attribute, *_texts(*values)))
  return found


def _renamed(original, port, renames):
  """Returns the original's GraphDef with port names, and the stale Renames."""
  old = {node.name for node in original.node}
  new = {node.name for node in port.node}
  stale = [r for r in renames if r.original not in old or r.port not in new]
  names = {r.original: r.port for r in renames if r not in stale}
  renamed = type(original)()
  renamed.CopyFrom(original)
  taken = set()
  for node in renamed.node:
    node.name = names.get(node.name, node.name)
    errors.UsageError.raise_if(
        node.name in taken,
        'two ops of the original would be called %s: add or remove a rename'
        % node.name,
    )
    taken.add(node.name)
    for i, text in enumerate(node.input):
      control = text.startswith('^')
      name, colon, output = text[control:].partition(':')
      node.input[i] = '^' * control + names.get(name, name) + colon + output
    for i, text in enumerate(
        node.attr['_class'].list.s if '_class' in node.attr else ()
    ):
      name = text.decode().partition('@')[2]
      node.attr['_class'].list.s[i] = ('loc:@' + names.get(name, name)).encode()
  return renamed, stale


def _respects(node):
  """Returns a node's properties to compare, a dict from name to value."""
  respects = {
      SHAPES if name == _SHAPES else name: value
      for name, value in node.attr.items()
  }
  respects[TYPE] = node.op
  respects[DEVICE] = node.device
  respects[INPUTS] = [i for i in node.input if not i.startswith('^')]
  respects[CONTROL_INPUTS] = sorted(i for i in node.input if i.startswith('^'))
  return respects


def _texts(*values):
  """Returns two values as text, clipped around their first difference."""
  texts = [
      _ABSENT
      if value is None
      else ' '.join(
          (', '.join(value) if isinstance(value, list) else str(value)).split()
      )
      or '(none)'
      for value in values
  ]
  start = 0
  if max(map(len, texts)) > _MAX_CHARS:
    same = next(
        (i for i, pair in enumerate(zip(*texts)) if pair[0] != pair[1]),
        min(map(len, texts)),
    )
    start = max(0, same - _MAX_CHARS // 4)
  return [
      ('…' if start else '')
      + text[start : start + _MAX_CHARS]
      + ('…' if len(text) > start + _MAX_CHARS else '')
      for text in texts
  ]
