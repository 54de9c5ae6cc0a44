"""Matches the variables of an edition on a TensorFlow of the time with ours."""

from typing import NamedTuple

# What TensorFlow 0.12 keeps beside an average that begins at zero, and what it
# divides it by.
BIASED, LOCAL_STEP = '/biased', '/local_step'
# What the average of a loss is called.
AVERAGE = '/avg'

# Why theirs alone has a key.
_CORRECTION = (
    'TensorFlow 0.12 divides the average of a loss by what it lacks for having '
    'begun at zero, and keeps these for it; earlier and later ones do not'
)
_NO_DECAY = 'a weight decay of 0 makes a loss there, which is 0'


class Keys(NamedTuple):
  """Which of their variables is which of ours."""

  ours: dict  # from their key to ours
  alone: dict  # from a key that they alone have to the reason
  lacking: tuple  # keys of ours that they lack, without a reason
  unknown: tuple  # keys of theirs without a reason


def match(theirs, ours, *, step_key):
  """Matches the keys of variables.

  Args:
    theirs, ours: iterables of str.
    step_key: str, the key of our step counter; theirs may be called Variable.

  Returns:
    Keys.
  """
  theirs, ours = set(theirs), set(ours)
  matched, alone, unknown = {}, {}, []
  for key in sorted(theirs):
    base = key.rpartition('/')[0]
    if key in ours:
      matched[key] = key
    elif key == 'Variable':
      matched[key] = step_key
    elif key.endswith((BIASED, LOCAL_STEP)) and base in theirs:
      alone[key] = _CORRECTION
    elif key.endswith('/weight_loss' + AVERAGE):
      alone[key] = _NO_DECAY
    else:
      unknown.append(key)
  return Keys(
      matched,
      alone,
      tuple(sorted(ours - set(matched.values()))),
      tuple(unknown),
  )


def uncorrected(keys):
  """Returns the keys of ours whose average theirs keeps uncorrected too.

  Args:
    keys: Keys.
  """
  return {key for key in keys.ours.values() if key + BIASED in keys.alone}
