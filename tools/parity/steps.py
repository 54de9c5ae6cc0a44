"""Makes the port repeat the original's steps, and compares each step."""

import collections
from collections.abc import Iterator
import dataclasses

from . import keys as keys_lib
from . import report
from . import rounding
from . import sides
from . import today_side
from . import value_diff


@dataclasses.dataclass
class Result:
  """The comparison of both sides' steps.

  Attributes:
    steps: (step, number of skipped batches, Differences) of each compared step;
      the number is None if the sides took different branches on every batch.
    losses: for the original and the port, the loss of each compared step.
  """

  steps: list[tuple[int, int | None, list[value_diff.Difference]]] = (
      dataclasses.field(default_factory=list)
  )
  losses: tuple[list[float], list[float]] = dataclasses.field(
      default_factory=lambda: ([], [])
  )

  @property
  def compared(self) -> int:
    """The number of compared values, without those checked by a formula."""
    return sum(
        not d.value.startswith('average of ')
        for _, _, found in self.steps
        for d in found
    )

  @property
  def above(self) -> dict[str, tuple[int, value_diff.Difference]]:
    """Dict from each value above its bound to the first such step."""
    first: dict[str, tuple[int, value_diff.Difference]] = {}
    for step, _, found in self.steps:
      for d in found:
        if d.above:
          first.setdefault(d.value, (step, d))
    return first

  @property
  def orders(self) -> dict[str, list[int]]:
    """Dict from an order's name to the number of its averages on each side."""
    counts = collections.Counter(
        (d.order, d.value.rpartition(', ')[2])
        for _, _, found in self.steps
        for d in found
        if d.order
    )
    return {
        order: [counts[order, side] for side in ('original', 'port')]
        for order in sorted({order for order, _ in counts})
    }

  @property
  def unexplained(self) -> int:
    """The number of values above bounds, plus steps without a valid batch."""
    return len(self.above) + sum(passed is None for _, passed, _ in self.steps)


def compare(
    original: sides.Side, port: today_side.Today, keys: keys_lib.Keys
) -> Result:
  """Makes the port repeat the original's steps, and compares the results.

  Compares the first batch on which both sides take the same branches of all
  rectifiers and maxima; if the branches differ on every batch, compares the
  first batch.

  Args:
    original, port: the sides, whose variables are overwritten.
    keys: the mapping between the keys of the two sides.
  """
  result = Result()
  rounded = original.runtime is not None
  after_update = (
      (False, False)
      if rounded
      else (
          original.averaged_after_update,
          port.averaged_after_update,
      )
  )
  for look in original.looks():
    passed, pair = _first_alike(look, port, keys, rounded)
    for losses, noted in zip(result.losses, pair):
      losses.append(float(noted['loss: total_loss']))
    found = value_diff.differences(
        pair, port, keys, rounded=rounded, after_update=after_update
    )
    result.steps.append((look.step, passed, found))
  return result


def _first_alike(look, port, keys, rounded):
  """Returns the number of skipped batches, and the compared batch's values."""
  first = None
  for passed, (batch, noted) in enumerate(look.tries):
    if look.start:
      port.restore(look.start, keys.names())
    pair = keys.translate(noted), port.observe(*batch, noted)
    if not rounded or not rounding.decisions(*pair):
      return passed, pair
    first = first or pair
  return None, first


def section(
    original: sides.Side, port: today_side.Today, result: Result
) -> dict:
  """Returns a section of the report.

  Args:
    original, port: the sides.
    result: Result of compare().
  """
  columns = ('value', 'elements', 'largest difference', 'relative to largest')
  columns += ('bound', 'at step')
  tables = [
      report.table(
          'Values above their bound, with the first step at which this occurs',
          columns,
          [(*_row(d), step) for step, d in result.above.values()],
      )
  ]
  if original.runtime:
    text = [
        'The port restored a checkpoint of the original, and both took one '
        'step on the same batch, on one thread. Activations, losses, '
        'gradients and updated variables were compared. Sums of n terms in '
        'float32 may differ by 4 u sqrt(n), u = 2^-24; the bounds of '
        'successive layers add up (rounding.py). Each moving average is '
        'compared with its formula, because the graphs leave the order of '
        'updates open.',
        *_looks_text(result),
    ]
    tables += [
        report.table('All, at step %d' % step, columns[:-1], map(_row, found))
        for step, _, found in result.steps
    ]
  else:
    text = _bits_text(original, port, result)
    tables.append(
        report.table(
            'Orders of averaging weights',
            ('order', 'original', 'port'),
            [(order, *counts) for order, counts in result.orders.items()],
        )
    )
  return report.section(
      'Values' + original.where, result.unexplained, text=text, tables=tables
  )


def _row(d):
  numbers = ('%.2g' % v for v in (d.absolute, d.relative, d.bound))
  return (d.value, d.elements, *numbers)


def _bits_text(original, port, result):
  """Returns the text of a section about a bit-by-bit comparison."""
  return [
      '%d steps from the same weights on the same batches of standardized '
      'random crops, on one thread; the loss went from %.4f to %.4f.'
      % (len(result.steps), result.losses[0][0], result.losses[0][-1]),
      '%d values (loss, gradients, weights, averages of the losses and step '
      'counter of each step) were compared bit by bit; %d of them differ.'
      % (
          result.compared,
          sum(not value.startswith('average of ') for value in result.above),
      ),
      'Each averaged weight was compared with its formula, bit by bit. '
      'Original: %s. Port: %s.'
      % tuple(
          'the graph averages after the update'
          if side.averaged_after_update
          else 'the graph leaves the order open'
          for side in (original, port)
      ),
  ]


def _looks_text(result: Result) -> Iterator[str]:
  """Yields the text about each step compared within rounding bounds."""
  for (step, passed, found), loss in zip(result.steps, result.losses[0]):
    closest = max(found, key=lambda d: d.relative / (d.bound or 1))
    yield (
        'At step %d, loss %.4f: %d values, %d of them above their bound. '
        '"%s" comes closest: it differs by %.2g of its largest element, with '
        'a bound of %.2g. %s'
        % (
            step,
            loss,
            len(found),
            sum(d.above for d in found),
            closest.value,
            closest.relative,
            closest.bound,
            'On every batch, a rectifier or maximum took the other branch, '
            'which is unexplained; the values are from the first batch.'
            if passed is None
            else 'Batches skipped because a rectifier or a maximum took the other '
            'branch: %d.' % passed,
        )
    )
