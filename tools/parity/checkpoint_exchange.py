"""Makes each side restore the other side's checkpoint, in both formats.

Both sides must have the same keys, except keys with a listed reason.  Only the
step counters may differ in name and integer type; this module maps one counter
to the other, and the report describes the mapping.
"""

from typing import NamedTuple

from . import keys as keys_lib
from . import report
from . import sides
from . import today_side
from . import value_diff


class Arrival(NamedTuple):
  """The result of restoring one key of the other side's checkpoint.

  Attributes:
    form: the format of the checkpoint.
    saved_by: 'original' or 'port', the side that saved the checkpoint.
    key: the original's key.
    equal: whether the restored value is bit-identical.
  """

  form: str
  saved_by: str
  key: str
  equal: bool


def exchange(
    original: sides.Side, port: today_side.Today, keys: keys_lib.Keys
) -> list[Arrival]:
  """Makes each side restore the other side's checkpoint in each format.

  Args:
    original, port: the sides, whose variables are overwritten.
    keys: the mapping between the keys of the two sides.
  """
  backwards = {mine: key for key, mine in keys.port.items()}
  found = []
  for form in sides.FORMATS:
    forth = port.restored(form, original.saved(form), backwards)
    back = original.restored(form, port.saved(form), keys.port)
    for key, mine in keys.port.items():
      for saved_by, saved, arrived in (
          ('original', original.marked[key], forth[mine]),
          ('port', port.marked[mine], back[key]),
      ):
        equal = not value_diff.differing(saved, arrived)
        found.append(Arrival(form, saved_by, key, equal))
  return found


def _step_mapped(original, port, keys):
  """Returns a sentence that describes the mapping of the step counter."""
  (key,) = [k for k, mine in keys.port.items() if mine == port.step_key]
  counters = [
      (key, original.marked[key].dtype.name),
      (port.step_key, port.marked[port.step_key].dtype.name),
  ]
  if counters[0] == counters[1]:
    return 'The step counter needs no mapping.'
  return 'The step counter is mapped from %s (%s) to %s (%s), and back.' % (
      *counters[0],
      *counters[1],
  )


def section(
    original: sides.Side, port: today_side.Today, keys: keys_lib.Keys
) -> dict:
  """Returns a section of the report; overwrites the variables of both sides.

  Args:
    original, port: the sides.
    keys: the mapping between the keys of the two sides.
  """
  found = exchange(original, port, keys)
  odd = keys.lacking + keys.unknown
  text = [
      'Each side restored a checkpoint of the other side, in which every '
      'element is distinct. ' + _step_mapped(original, port, keys)
  ]
  for form in sides.FORMATS:
    for saved_by, restored_by in (('original', 'port'), ('port', 'original')):
      equal = [a.equal for a in found if a[:2] == (form, saved_by)]
      text.append(
          'Format %s, saved by the %s and restored by the %s: %d of %d keys '
          'are bit-identical.'
          % (form, saved_by, restored_by, sum(equal), len(equal))
      )
  return report.section(
      'Checkpoints' + original.where,
      len(odd) + sum(not a.equal for a in found),
      text=text,
      tables=[
          report.table(
              'Keys',
              ('format', 'saved by', 'original key', 'port key', 'equal'),
              [
                  (*a[:3], keys.port[a.key], 'yes' if a.equal else 'no')
                  for a in found
              ],
          ),
          report.table(
              'Keys on one side only, without a reason',
              ('key',),
              [(key,) for key in odd],
          ),
          report.table(
              'Keys only in the original',
              ('key', 'reason'),
              keys.alone.items(),
          ),
      ],
  )
