"""Matches the variables of an original with the port's variables."""

from collections.abc import Iterable
import dataclasses

import numpy as np

# Variables that TensorFlow 0.12 uses to correct an average that starts at zero:
# the uncorrected average, and the number of updates.
BIASED, LOCAL_STEP = '/biased', '/local_step'
# The suffix of a loss average's key.
AVERAGE = '/avg'

# Names of step counters in the editions.
_STEPS = ('Variable', 'global_step')
# Reasons for keys that the port lacks.
_CORRECTION = (
    'TensorFlow 0.12 uses these variables to correct the average of a loss, '
    'which starts at zero; earlier and later versions do not'
)
_NO_DECAY = 'in that edition, a weight decay of 0 adds a loss, which is 0'


@dataclasses.dataclass(frozen=True)
class Keys:
  """The mapping between the variables of the original and of the port.

  Attributes:
    port: dict from the original's key to the port's key.
    alone: dict from each key that the port lacks to the reason.
    lacking: keys that the original lacks, without a reason.
    unknown: keys that the port lacks, without a reason.
  """

  port: dict[str, str]
  alone: dict[str, str]
  lacking: tuple[str, ...]
  unknown: tuple[str, ...]

  def names(self) -> dict[str, str]:
    """Returns a dict from port keys to names in the original's checkpoint.

    If the original also saves the uncorrected value of an average, the dict
    contains the name of the uncorrected value.
    """
    return {
        port: original + BIASED * (port + BIASED in self.alone)
        for original, port in self.port.items()
    }

  def translate(self, noted: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the recorded values of an original's step, under the port's keys.

    Args:
      noted: dict from "before: KEY", "after: KEY" and other names to arrays.
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
    original, port: the keys of the variables of each side.
    step_key: the key of the port's step counter; the original's key can differ.
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
