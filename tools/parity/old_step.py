"""Holds one step of ours against one of theirs on a TensorFlow of the time."""

from typing import NamedTuple

import numpy as np

from . import old_checkpoints
from . import old_keys
from . import report
from . import rounding
from . import value_diff

# The layers that end in a rectifier, and the activations that are pooled.
RECTIFIED = ('conv1', 'conv2', 'local3', 'local4')
POOLED = ('conv1/conv1', 'norm2')

_AVERAGE_DECAY = 0.9
_UNIT = 2.0**-24


class Difference(NamedTuple):
  """How far two arrays lie apart."""

  value: str
  absolute: float  # the largest difference; inf where one is missing
  relative: float  # the same, of the largest element
  bound: float  # of the largest element

  @property
  def above(self):
    # A NaN is above every bound.
    return not self.relative <= self.bound


def difference(name, theirs, ours, bound):
  """Compares two arrays.

  Args:
    name: str, for the report.
    theirs, ours: arrays, or None where one side lacks it.
    bound: float, the largest difference that may be, of theirs' largest element.

  Returns:
    Difference.
  """
  if theirs is None or ours is None or np.shape(theirs) != np.shape(ours):
    return Difference(name, float('inf'), float('inf'), bound)
  a, b = np.asarray(theirs, np.float64), np.asarray(ours, np.float64)
  absolute = float(np.abs(a - b).max(initial=0))
  size = float(np.abs(a).max(initial=0))
  relative = absolute / size if size else (float('inf') if absolute else 0.0)
  return Difference(name, absolute, relative, bound)


def observe(training, theirs, images, labels):
  """Does a step of ours, and notes what their step noted.

  Args:
    training: training_graph.Training of ours, which has its values.
    theirs: iterable of str, names as those of step-0-0.npz.
    images, labels: arrays, the batch.

  Returns:
    dict from such a name to an array; those that ours lacks are left out.
  """
  graph = training.session.graph
  tensors = {}
  for name in theirs:
    kind, _, key = name.partition(': ')
    try:
      if kind in ('activation', 'loss'):
        tensors[name] = graph.get_tensor_by_name(key + ':0')
      elif kind == 'gradient':
        tensors[name] = training.gradients[key]
    except KeyError:
      pass
  before = training.read()
  # See value_diff: addends that are fetched are needed to the end.
  found, _, _ = training.session.run(
      [tensors, training.train_op, list(training.loss.op.inputs)],
      {training.images: images, training.labels: labels},
  )
  for when, values in (('before', before), ('after', training.read())):
    for key, value in values.items():
      found['%s: %s' % (when, key)] = value
  return found


def decisions(theirs, ours):
  """Counts where rectifiers and maxima decided otherwise on the two sides.

  Args:
    theirs, ours: dicts of activations, as in step-0-0.npz.

  Returns:
    int.
  """
  found = 0
  for layer in RECTIFIED:
    name = 'activation: %s/%s' % (layer, layer)
    found += np.count_nonzero((theirs[name] > 0) != (ours[name] > 0))
  for pooled in POOLED:
    name = 'activation: ' + pooled
    a, b = (windows(side[name]).argmax(-1) for side in (theirs, ours))
    found += np.count_nonzero(a != b)
  return int(found)


def windows(x):
  """Returns the nine places of each maximum of 3 x 3, stride 2.

  Args:
    x: float array of shape [batch, height, width, channels], of even sizes.

  Returns:
    Array of shape [batch, height / 2, width / 2, channels, 9].
  """
  # Padded as SAME does it for an even size: at the end alone.
  x = np.pad(
      x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.float32('inf')
  )
  places = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
  places = places[:, ::2, ::2]
  return places.reshape(places.shape[:-2] + (9,))


def differences(theirs, ours, training, keys):
  """Compares what one step computed on both sides, which decided alike.

  Args:
    theirs: dict, as of step-0-0.npz.
    ours: dict, from observe().
    training: training_graph.Training of ours.
    keys: old_keys.Keys.

  Returns:
    list of Differences.
  """
  logits = theirs['activation: softmax_linear/softmax_linear']
  largest = float(np.abs(logits).max())
  batch = training.images.shape.as_list()[0]
  bounds = {
      'activation': rounding.activations(),
      'loss': rounding.losses(largest, batch),
      'gradient': rounding.gradients(largest, batch),
  }
  found = []
  for name in sorted(theirs):
    kind, _, key = name.partition(': ')
    if kind not in bounds:
      continue
    mine = ours.get(name)
    if mine is None and key.endswith('/weight_loss'):
      mine = np.float32(0)  # A decay of 0.
    found.append(difference(name, theirs[name], mine, bounds[kind].get(key, 0)))
  rate = float(theirs['rate'])
  for key, bound in bounds['gradient'].items():
    found.append(_updated(key, theirs, ours, rate, bound))
  for key in training.shadows:
    for side, values, step_key in (
        ('theirs', theirs, _their_step(keys, training)),
        ('ours', ours, training.step_key),
    ):
      found.append(_averaged(side, key, values, step_key))
  for key in sorted(keys.ours):
    if key.endswith(old_keys.AVERAGE):
      loss = key[: -len(old_keys.AVERAGE)]
      found += _loss_average(key, theirs, ours, bounds['loss'][loss])
  return found


def _their_step(keys, training):
  (key,) = [k for k, ours in keys.ours.items() if ours == training.step_key]
  return key


def _updated(key, theirs, ours, rate, bound):
  """Returns the Difference of a variable after its update."""
  name = 'after: ' + key
  size = float(np.abs(theirs[name]).max())
  step = rate * float(np.abs(theirs['gradient: ' + key]).max())
  # Both round the product and the difference; the gradients differ.
  return difference(
      name, theirs[name], ours.get(name), 4 * _UNIT + bound * step / size
  )


def _averaged(side, key, values, step_key):
  """Holds a weight's average against its formula, in the order that fits best."""
  shadow = key + '/ExponentialMovingAverage'
  step = int(values['before: ' + step_key])
  after = values['after: ' + shadow]
  weights = [values['%s: %s' % (when, key)] for when in ('before', 'after')]
  found = []
  for counter in (step, step + 1):
    expected = [
        value_diff.averaged(values['before: ' + shadow], w, counter)
        for w in weights
    ]
    # Even a part of the weights may be read before the update, and another after.
    closer = np.where(
        np.abs(expected[0] - after) < np.abs(expected[1] - after), *expected
    )
    found.append(
        difference('average of %s, %s' % (key, side), closer, after, 4 * _UNIT)
    )
  return min(found, key=lambda d: d.relative)


def _loss_average(key, theirs, ours, bound):
  """Returns the Differences of a loss's average, and of its correction."""
  after = 'after: ' + key
  plain = theirs.get(after + old_keys.BIASED, theirs[after])
  found = [
      difference('average: ' + key, plain, ours.get(after), bound + 4 * _UNIT)
  ]
  if after + old_keys.BIASED in theirs:
    lack = 1 - _AVERAGE_DECAY ** float(theirs[after + old_keys.LOCAL_STEP])
    # The difference from 1 magnifies the rounding of the power.
    found.append(
        difference(
            'correction: ' + key, theirs[after], plain / lack, 4 * _UNIT / lack
        )
    )
  return found


def first_alike(answer, moment, training, keys):
  """Takes steps of ours from where theirs were taken, until both decide alike.

  Args:
    answer: old_answers.Answer.
    moment: int, 0 or 1: the initial values, or those after the training.
    training: training_graph.Training of ours; it loses its values.
    keys: old_keys.Keys.

  Returns:
    (theirs, ours, int): what the first batch gave on which no rectifier and no
    maximum decided otherwise, and how many batches came before it.  Where there
    is no such batch, the first, and how many there are.
  """
  old_checkpoints.restore(
      answer.checkpoint('start-%d' % moment),
      training,
      keys,
      averages=old_keys.uncorrected(keys),
  )
  start = training.read()
  first = None
  batches = answer.looked_at(moment)
  for n, batch in enumerate(batches):
    theirs = answer.arrays('step-%d-%d' % (moment, n))
    training.load(start)
    ours = observe(training, theirs, *batch)
    if not decisions(theirs, ours):
      return theirs, ours, n
    first = first or (theirs, ours)
  return (*first, len(batches))


def section(version, answer, training, keys):
  """Compares one step from the same checkpoint, at the start and later.

  Args:
    version: str, of the TensorFlow of the time.
    answer: old_answers.Answer.
    training: training_graph.Training of ours; it loses its values.
    keys: old_keys.Keys.

  Returns:
    A section of the report.
  """
  text, tables, unexplained = [], [], 0
  for moment, step in enumerate((0, answer.steps)):
    theirs, ours, passed_over = first_alike(answer, moment, training, keys)
    found = differences(theirs, ours, training, keys)
    above = [d for d in found if d.above]
    alike = passed_over < len(answer.looked_at(moment))
    unexplained += len(above) + (not alike)
    closest = max(found, key=lambda d: d.relative / (d.bound or 1))
    text.append(
        'At step %d, loss %.4f: %d values, %d of them above their bound. '
        'Closest to it comes "%s", %.2g of its largest element where %.2g may '
        'be. %s'
        % (
            step,
            float(theirs['loss: total_loss']),
            len(found),
            len(above),
            closest.value,
            closest.relative,
            closest.bound,
            'Batches passed over because a rectifier or a maximum decided '
            'otherwise: %d.' % passed_over
            if alike
            else 'On none of %d batches did all rectifiers and maxima decide '
            'alike, which is unexplained; this is the first of them.'
            % passed_over,
        )
    )
    columns = ('value', 'largest difference', 'of the largest', 'bound')
    for title, rows in (('Above the bound', above), ('All', found)):
      tables.append(
          report.table(
              '%s, at step %d' % (title, step),
              columns,
              [(d.value, *('%.2g' % v for v in d[1:])) for d in rows],
          )
      )
  return report.section(
      'One step on TensorFlow %s' % version,
      unexplained,
      text=[
          'Both sides restored the same checkpoint, which theirs wrote, and took '
          'one step on the same batch, on one thread: activations, losses, '
          'gradients, variables after the update. Sums of n terms in float32 '
          'may differ by 4 u sqrt(n), u = 2^-24, on the way to a value added '
          'up (rounding.py). Each moving average is held against its formula, '
          'since the graphs leave the order open.'
      ]
      + text,
      tables=tables,
  )
