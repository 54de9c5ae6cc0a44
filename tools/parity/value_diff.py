"""Trains two graphs with the same weights on the same batches, bit by bit.

Both run on one thread, so that sums are added up in one order.  What must be
equal in every bit: loss, gradients, weights, averages of the losses and the
step counter.  The averaged weights are checked differently: where a graph leaves
open whether an average sees its variable before or after the update, two
graphs may differ, so each is checked against the formula instead.
"""

from typing import NamedTuple

import numpy as np

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets
from cifar10_compat.data import description

_BITS = {4: np.uint32, 8: np.uint64}


class Mismatch(NamedTuple):
  """Where one value was not the same."""

  step: int  # the first one, from 0
  value: str  # such as "gradient of conv1/weights"
  elements: int  # how many of them differ
  largest: float  # difference


class Result(NamedTuple):
  """What compare() found."""

  steps: int
  compared: int  # values that were compared, over all steps
  mismatches: tuple  # of Mismatches, the first of each value
  off_formula: tuple  # of Mismatches of averaged weights: "theirs: KEY"
  orders: tuple  # for theirs and ours, dict from order, str, to how often
  losses: tuple  # theirs and ours, lists with the loss of each step


def differing(a, b):
  """Returns how many elements of two arrays differ in any bit.

  Args:
    a, b: arrays of one shape and one type of 4 or 8 bytes.  Unlike ==, it tells
      0.0 from -0.0 and takes a NaN for itself.
  """
  a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
  bits = _BITS[a.dtype.itemsize]
  return int(np.count_nonzero(a.view(bits) != b.view(bits)))


def averaged(shadow, value, step):
  """Returns what a moving average becomes, in float32 as TensorFlow does it.

  Args:
    shadow: float32 array, the average so far.
    value: float32 array, the variable.
    step: int, the step counter at that moment.
  """
  one, n = np.float32(1), np.float32(step)
  decay = min(
      np.float32(cifar10.MOVING_AVERAGE_DECAY), (one + n) / (np.float32(10) + n)
  )
  return shadow - (shadow - value) * (one - decay)


def orders(before, after, *, step, after_update):
  """Returns the orders that a graph may average in.

  Args:
    before, after: float32 arrays, a variable around its update.
    step: int, the step counter before the update.
    after_update: bool, whether the graph says so.

  Returns:
    list of (name, value, step), to be tried in turn.
  """
  found = [('weights after the update, counter after it', after, step + 1)]
  if not after_update:
    found += [
        ('weights before the update, counter before it', before, step),
        ('weights after the update, counter before it', after, step),
        ('weights before the update, counter after it', before, step + 1),
    ]
  return found


def batches(data_dir, count, *, seed, size=config_lib.BATCH_SIZE):
  """Draws batches of standardized random crops.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
    count: int, how many.
    seed: int; the same seed draws the same batches.
    size: int, images in a batch.

  Yields:
    (images, labels), float32 and int32 arrays, as distorted_inputs gives them.
  """
  random = np.random.RandomState(seed)
  dataset = datasets.CIFAR10
  files = [
      np.memmap(path, np.uint8, 'r').reshape(-1, dataset.record_bytes)
      for path in dataset.filenames(data_dir, False)
  ]
  crop = cifar10.IMAGE_SIZE
  for _ in range(count):
    images = np.empty((size, crop, crop, description.DEPTH), np.float32)
    labels = np.empty(size, np.int32)
    for i in range(size):
      records = files[random.randint(len(files))]
      record = records[random.randint(len(records))]
      labels[i] = record[0]
      planes = record[dataset.label_bytes :].reshape(
          description.DEPTH, description.HEIGHT, description.WIDTH
      )
      y = random.randint(description.HEIGHT - crop + 1)
      x = random.randint(description.WIDTH - crop + 1)
      image = (
          planes[:, y : y + crop, x : x + crop]
          .transpose(1, 2, 0)
          .astype(np.float32)
      )
      images[i] = (image - image.mean()) / max(
          image.std(), 1 / np.sqrt(np.float32(image.size))
      )
    yield images, labels


def start(training, weights):
  """Loads initial values: averages are the weights, all else is zero.

  Args:
    training: training_graph.Training.
    weights: dict from key to array.
  """
  values = {
      key: np.zeros(v.shape.as_list(), v.dtype.base_dtype.as_numpy_dtype)
      for key, v in training.variables.items()
  }
  values.update(weights)
  for key, shadow in training.shadows.items():
    values[shadow] = weights[key]
  training.load(values)


def _run(side, images, labels):
  """Runs one step of a training_graph.Training; returns what it fetched."""
  # AddN adds into an addend that nobody else still needs, and begins with it,
  # so that the last bit of a sum of three would depend on what has run before
  # it.  Addends that are fetched are needed to the end.
  return side.session.run(
      {
          'loss': side.loss,
          'gradients': dict(side.gradients),
          'train': side.train_op,
          'addends': list(side.loss.op.inputs),
      },
      {side.images: images, side.labels: labels},
  )


def compare(theirs, ours, *, weights, drawn):
  """Runs both graphs over the same batches.

  Args:
    theirs, ours: training_graph.Training.
    weights: dict from key to array, all trainable variables.
    drawn: iterable of (images, labels).

  Returns:
    Result.
  """
  sides = (theirs, ours)
  for side in sides:
    start(side, weights)
  before = [side.read() for side in sides]
  mismatches, off_formula = {}, {}
  seen = ({}, {})
  losses = ([], [])
  compared = 0
  for step, (images, labels) in enumerate(drawn):
    values, after = [], []
    for n, side in enumerate(sides):
      fetched = _run(side, images, labels)
      after.append(side.read())
      values.append(_by_name(side, fetched, after[n]))
      _check_averages(
          side,
          step,
          before=before[n],
          after=after[n],
          seen=seen[n],
          off_formula=off_formula,
          label=('theirs', 'ours')[n],
      )
      losses[n].append(float(fetched['loss']))
    if not np.isfinite(losses[0][-1]):
      # What follows is the same on both sides, and means nothing.
      mismatches.setdefault(
          'finite', Mismatch(step, 'loss (not finite)', 1, float('inf'))
      )
    for name in sorted(set(values[0]) | set(values[1])):
      compared += 1
      mismatch = _mismatch(
          step, name, a=values[0].get(name), b=values[1].get(name)
      )
      if mismatch:
        mismatches.setdefault(name, mismatch)
    before = after
  return Result(
      len(losses[0]),
      compared,
      tuple(mismatches.values()),
      tuple(off_formula.values()),
      seen,
      losses,
  )


def unexplained(result):
  """Returns how many values of a Result were not as they must be."""
  return len(result.mismatches) + len(result.off_formula)


def _by_name(side, fetched, variables):
  """Returns a dict of all values of a step that both graphs must agree on."""
  values = {'loss': fetched['loss']}
  for key, gradient in fetched['gradients'].items():
    values['gradient of ' + key] = gradient
  for key, value in variables.items():
    if key == side.step_key:
      values['step counter'] = np.int64(value)
    elif key not in side.shadows.values():
      values[key] = value
  return values


def _mismatch(step, name, *, a, b):
  """Returns a Mismatch of two arrays, None where they are the same."""
  if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
    return Mismatch(
        step, name + ' (missing or of another type)', -1, float('inf')
    )
  count = differing(a, b)
  if not count:
    return None
  largest = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max()
  return Mismatch(step, name, count, float(largest))


def _check_averages(side, step, *, before, after, seen, off_formula, label):
  """Holds each averaged weight of a step against the formula."""
  for key, shadow in side.shadows.items():
    closest = None
    for order, value, counter in orders(
        before[key],
        after[key],
        step=step,
        after_update=side.averaged_after_update,
    ):
      expected = averaged(before[shadow], value, counter)
      mismatch = _mismatch(
          step, '%s: %s' % (label, shadow), a=expected, b=after[shadow]
      )
      if mismatch is None:
        seen[order] = seen.get(order, 0) + 1
        break
      if closest is None or mismatch.largest < closest.largest:
        closest = mismatch
    else:
      off_formula.setdefault(closest.value, closest)
