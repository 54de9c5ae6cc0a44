"""Matches the variables of an original with those of the port."""

from collections.abc import Iterable
import dataclasses

import numpy as np

# What TensorFlow 0.12 keeps beside an average that begins at zero, and what it
# divides it by.
BIASED, LOCAL_STEP = '/biased', '/local_step'
# What the average of a loss is called.
AVERAGE = '/avg'

# What editions call their step counters.
_STEPS = ('Variable', 'global_step')
# Why the original alone has a key.
_CORRECTION = (
    'TensorFlow 0.12 divides the average of a loss by what it lacks for having '
    'begun at zero, and keeps these for it; earlier and later ones do not'
)
_NO_DECAY = 'a weight decay of 0 makes a loss there, which is 0'


@dataclasses.dataclass(frozen=True)
class Keys:
  """Which variable of the original is which of the port.

  Attributes:
    port: from the original's key to the port's.
    alone: from a key that the original alone has to the reason.
    lacking: keys of the port that the original lacks, without a reason.
    unknown: keys of the original without a reason.
  """

  port: dict[str, str]
  alone: dict[str, str]
  lacking: tuple[str, ...]
  unknown: tuple[str, ...]

  def names(self) -> dict[str, str]:
    """Returns the name of each variable of the port in the original's checkpoint.

    An average that the original keeps uncorrected too is taken as that.
    """
    return {
        port: original + BIASED * (port + BIASED in self.alone)
        for original, port in self.port.items()
    }

  def translate(self, noted: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns what a step of the original noted, under the port's keys.

    Args:
      noted: from "before: KEY", "after: KEY" and other names to arrays.
    """
    found = {}
    for name, value in noted.items():
      kind, colon, key = name.partition(': ')
      if kind in ('before', 'after'):
        key = self.port.get(key, key)
      found[kind + colon + key] = value
    return found


def match(
    original: Iterable[str], port: Iterable[str], *, step_key: str
) -> Keys:
  """Matches the keys of variables.

  Args:
    original, port: the keys of each.
    step_key: of the port's step counter; the original's may have another name.
  """
  originals, ports = set(original), set(port)
  matched, alone, unknown = {}, {}, []
  for key in sorted(originals):
    base = key.rpartition('/')[0]
    if key in ports:
      matched[key] = key
    elif key in _STEPS and step_key not in originals:
      matched[key] = step_key
    elif key.endswith((BIASED, LOCAL_STEP)) and base in originals:
      alone[key] = _CORRECTION
    elif key.endswith('/weight_loss' + AVERAGE):
      alone[key] = _NO_DECAY
    else:
      unknown.append(key)
  return Keys(
      matched,
      alone,
      tuple(sorted(ports - set(matched.values()))),
      tuple(unknown),
  )
