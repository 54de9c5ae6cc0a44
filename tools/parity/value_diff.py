"""Compares the results of a step on both sides, from the same initial values.

Both sides run on one thread, so that sums have a fixed order.  On the same
TensorFlow, the loss, gradients, weights, averages of the losses and the step
counter must be bit-identical.  A different TensorFlow version adds up in a
different order: activations are then compared too, and all values must be
within the bounds of rounding.py.

A graph may leave open whether the average of a weight reads the variable before
or after the update, so the averages of two graphs may differ.  The average of a
weight is therefore compared with its formula instead.
"""

import dataclasses

import numpy as np

from cifar10_compat import cifar10

from . import keys as keys_lib
from . import rounding
from . import sides
from . import today_side

Notes = dict[str, np.ndarray]

_AVERAGE_DECAY = 0.9  # The decay of the loss averages.
# Bound for formulas: each side rounds a product and a difference.
_FORMULA_BOUND = 4 * rounding.UNIT


@dataclasses.dataclass(frozen=True)
class Difference:
  """The difference of two arrays.

  Attributes:
    value: the name of the value.
    elements: number of elements that are not bit-identical; -1 if the value is
      missing on a side, or the shapes or types differ.
    absolute: the largest difference; inf if a value is missing.
    relative: `absolute` divided by the original's largest element.
    bound: the maximum of `relative`; 0 if the arrays must be bit-identical.
    order: the name of the averaging order that reproduces a weight's average
      bit for bit; '' for other values, or if there is no such order.
  """

  value: str
  elements: int
  absolute: float
  relative: float
  bound: float
  order: str = ''

  @property
  def above(self) -> bool:
    # A NaN exceeds every bound.
    return not self.relative <= self.bound if self.bound else self.elements != 0


def differing(a: np.ndarray | None, b: np.ndarray | None) -> int:
  """Counts the elements of two arrays that are not bit-identical.

  Unlike ==, the function distinguishes 0.0 from -0.0, and treats a NaN as equal
  to itself.

  Args:
    a, b: arrays with 4 or 8 bytes per element, or None.

  Returns:
    The count, or -1 if an array is missing, or shapes or types differ.
    Integers can have different sizes.
  """
  if a is None or b is None:
    return -1
  a, b = np.asarray(a), np.asarray(b)
  integers = a.dtype.kind == b.dtype.kind == 'i'
  if a.shape != b.shape or not (integers or a.dtype == b.dtype):
    return -1
  # Different float32 values convert to different float64 values.
  a, b = (np.asarray(x, np.float64).view(np.uint64) for x in (a, b))
  return int(np.count_nonzero(a != b))


def difference(
    name: str,
    original: np.ndarray | None,
    port: np.ndarray | None,
    bound: float,
) -> Difference:
  """Compares two arrays.

  Args:
    name: the name of the value.
    original, port: the arrays, or None if a side lacks the value.
    bound: the maximum difference, relative to the original's largest element; 0
      if the arrays must be bit-identical.
  """
  elements = differing(original, port)
  if elements == 0 and not bound:
    return Difference(name, 0, 0.0, 0.0, bound)
  if original is None or port is None or np.shape(original) != np.shape(port):
    return Difference(name, -1, float('inf'), float('inf'), bound)
  a, b = np.asarray(original, np.float64), np.asarray(port, np.float64)
  absolute = float(np.abs(a - b).max(initial=0))
  size = float(np.abs(a).max(initial=0))
  relative = absolute / size if size else (float('inf') if absolute else 0.0)
  return Difference(name, elements, absolute, relative, bound)


def averaged(shadow: np.ndarray, value: np.ndarray, step: int) -> np.ndarray:
  """Returns an updated moving average, computed in float32 as in TensorFlow.

  Args:
    shadow: float32 array, the average so far.
    value: float32 array, the variable.
    step: the step counter at the update.
  """
  one, n = np.float32(1), np.float32(step)
  decay = min(
      np.float32(cifar10.MOVING_AVERAGE_DECAY), (one + n) / (np.float32(10) + n)
  )
  return shadow - (shadow - value) * (one - decay)


def orders(before, after, *, step, after_update):
  """Returns the orders in which a graph may update a weight and its average.

  Args:
    before, after: float32 arrays, a variable before and after its update.
    step: int, the step counter before the update.
    after_update: bool, whether the graph fixes the average after the update.

  Returns:
    list of (name, value, step), the alternatives in the order to try.
  """
  found = [('weights after the update, counter after it', after, step + 1)]
  if not after_update:
    found += [
        ('weights before the update, counter before it', before, step),
        ('weights after the update, counter before it', after, step),
        ('weights before the update, counter after it', before, step + 1),
    ]
  return found


def average(
    name: str,
    notes: Notes,
    key: str,
    shadow: str,
    *,
    step_key: str,
    after_update: bool,
    rounded: bool,
) -> Difference:
  """Compares a weight's average with its formula, in the best-fitting order.

  Args:
    name: the name of the value, for the report.
    notes: recorded values of a step, by the port's keys.
    key, shadow: the keys of the weight and of the average.
    step_key: the key of the step counter.
    after_update: whether the graph fixes the average after the update.
    rounded: whether another TensorFlow computed the values.
  """
  before, after = notes['before: ' + shadow], notes['after: ' + shadow]
  expected = [
      (order, averaged(before, value, counter))
      for order, value, counter in orders(
          notes['before: ' + key],
          notes['after: ' + key],
          step=int(notes['before: ' + step_key]),
          after_update=after_update,
      )
  ]
  if rounded:
    # Some weights may be read before the update, and others after it.
    values = [value for _, value in expected]
    expected = [
        ('', np.where(np.abs(a - after) < np.abs(b - after), a, b))
        for a, b in ((values[3], values[0]), (values[1], values[2]))
    ]
  bound = _FORMULA_BOUND * rounded
  found = [
      dataclasses.replace(difference(name, value, after, bound), order=order)
      for order, value in expected
  ]
  best = min(found, key=lambda d: (d.above, d.relative))
  return dataclasses.replace(best, order='') if best.above else best


def _of_bits(original, port, shadows):
  """Compares the values that must be bit-identical."""
  found = []
  for name in sorted(set(original) | set(port)):
    kind, _, key = name.partition(': ')
    if kind in ('loss', 'gradient', 'after') and key not in shadows:
      found.append(difference(name, original.get(name), port.get(name), 0))
  return found


def _of_rounding(original, port, keys, *, batch, trainable):
  """Compares the values that may be rounded differently."""
  largest = float(np.abs(original[sides.LOGITS]).max())
  bounds = {
      'activation': rounding.activations(),
      'loss': rounding.losses(largest, batch),
      'gradient': rounding.gradients(largest, batch),
  }
  found = []
  for name in sorted(original):
    kind, _, key = name.partition(': ')
    if kind in bounds:
      mine = port.get(name)
      if mine is None and key.endswith('/weight_loss'):
        mine = np.float32(0)  # The weight decay is 0.
      bound = bounds[kind].get(key, 0)
      found.append(difference(name, original[name], mine, bound))
  for key in trainable:
    name = 'after: ' + key
    # Both sides round the product and the difference, and the gradients may
    # differ.
    size = float(np.abs(original[name]).max())
    gradient = float(np.abs(original['gradient: ' + key]).max())
    moved = float(original['rate']) * gradient / size
    bound = _FORMULA_BOUND + bounds['gradient'][key] * moved
    found.append(difference(name, original[name], port.get(name), bound))
  for key in sorted(keys.port):
    if key.endswith(keys_lib.AVERAGE):
      loss = key[: -len(keys_lib.AVERAGE)]
      found += _loss_average(key, original, port, bounds['loss'][loss])
  return found


def _loss_average(key, original, port, bound):
  """Returns the Differences of a loss average and of its correction."""
  after = 'after: ' + key
  plain = original.get(after + keys_lib.BIASED, original[after])
  bound += _FORMULA_BOUND
  found = [difference('average: ' + key, plain, port.get(after), bound)]
  if after + keys_lib.BIASED in original:
    lack = 1 - _AVERAGE_DECAY ** float(original[after + keys_lib.LOCAL_STEP])
    # Subtracting from 1 magnifies the rounding error of the power.
    bound = _FORMULA_BOUND / lack
    name = 'correction: ' + key
    found.append(difference(name, original[after], plain / lack, bound))
  return found


def differences(
    notes: tuple[Notes, Notes],
    port: today_side.Today,
    keys: keys_lib.Keys,
    *,
    rounded: bool,
    after_update: tuple[bool, bool] = (False, False),
) -> list[Difference]:
  """Compares one step of both sides that took the same branches.

  Args:
    notes: the recorded values of the original and the port, by the port's keys.
    port: the port, for keys and batch size.
    keys: the mapping between the keys of the two sides.
    rounded: whether another TensorFlow computed the original's values.
    after_update: whether each graph fixes its averages after the update.
  """
  if rounded:
    batch = port.images.shape.as_list()[0]
    found = _of_rounding(*notes, keys, batch=batch, trainable=port.gradients)
  else:
    found = _of_bits(*notes, set(port.shadows.values()))
  return found + [
      average(
          'average of %s, %s' % (key, side),
          noted,
          key,
          shadow,
          step_key=port.step_key,
          after_update=says,
          rounded=rounded,
      )
      for key, shadow in port.shadows.items()
      for side, noted, says in zip(('original', 'port'), notes, after_update)
  ]
