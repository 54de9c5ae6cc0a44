"""Goldens of the original runtime: results of one step on an old TensorFlow.

The edition took one step from given values on a given batch.  For each
resulting value, a golden records the minimum and maximum, all elements or a
sample of two hundred, and the sums of fifty parts, which reveal a single wrong
element.  The given values are uniform random numbers, which for equal seeds are
bit-identical on every machine.  With the chosen seed, no rounding error can
make a rectifier or maximum take the other branch: see clear().
"""

import os
import tempfile

import numpy as np

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib

from ..base import event_files
from ..base import json_files
from ..editions import scripts
from . import curves
from . import golden_files
from . import golden_values
from . import keys as keys_lib
from . import old_side
from . import rounding
from . import today_side
from . import value_diff

# From a TensorFlow version to the edition, and to the name of the golden file.
EDITIONS = {
    '0.12.1': 'tensorflow 0.12.1',
    '1.15.5': 'tensorflow/models v1.12.0 and v1.13.0',
}
FILES = {version: 'runtime-%s.json' % version for version in EDITIONS}

# A small batch, so that hardly any input of a ReLU is near 0.
BATCH_SIZE = 2
# Arrays of up to _WHOLE elements are recorded in full; of larger arrays,
# _ELEMENTS elements and the sums of _PARTS parts are recorded.
_WHOLE, _ELEMENTS, _PARTS = 1024, 200, 50
# At this step, an average moves by a twelfth towards its variable.
_STEP = 100
# Contrast of the images, high enough for the norm layers to have an effect.
_CONTRAST = 10.0
# Scale of the last layer's weights: it yields logits of about 1.
_LAST = ('softmax_linear/weights', 0.02)
_SEEDS = 1000
# The recorded values of a step: all except the given values.
_KEPT = ('activation: ', 'loss: ', 'gradient: ', 'after: ', 'rate')


def given(training, seed):
  """Draws the initial values and the batch of the step.

  Args:
    training: today_side.Today of port().
    seed: int, seed of the batch; the weights are the same for every seed.

  Returns:
    (dict from the port's key to array, (images, labels)).
  """
  random = np.random.RandomState(0)
  values = {}
  for key in sorted(training.variables):
    variable = training.variables[key]
    shape = variable.shape.as_list()
    rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 0
    # This scale makes the outputs of each layer about as large as its inputs.
    size = np.sqrt(6.0 / rows) if rows else 0.1
    if key.startswith(_LAST[0]):
      size = _LAST[1]
    # Uniform numbers, because other distributions depend on the platform's math
    # library.
    drawn = size * (2 * random.random_sample(shape) - 1)
    values[key] = np.asarray(drawn, variable.dtype.base_dtype.as_numpy_dtype)
  step = values[training.step_key]
  values[training.step_key] = np.asarray(_STEP, step.dtype)
  random = np.random.RandomState(seed)
  shape = training.images.shape.as_list()
  images = _CONTRAST * (2 * random.random_sample(shape) - 1)
  labels = random.randint(0, cifar10.NUM_CLASSES, shape[0])
  return values, (images.astype(np.float32), labels.astype(np.int32))


def clear(training, seed):
  """Checks that no rounding error can change the branch of a ReLU or maximum.

  Args:
    training: today_side.Today of port(), whose variables are overwritten.
    seed: int, see given().

  Returns:
    bool: whether the input of every rectifier differs from 0, and the two
      largest inputs of every maximum differ from each other, by more than the
      rounding errors of two computations.
  """
  values, batch = given(training, seed)
  training.load(values)
  graph = training.session.graph
  bounds = rounding.activations()
  rectifiers = ['%s/%s' % (n, n) for n in rounding.RECTIFIED]
  wanted = {name: graph.get_tensor_by_name(name + ':0') for name in bounds}
  for name in rectifiers:
    wanted['into ' + name] = graph.get_operation_by_name(name).inputs[0]
  found = training.session.run(
      wanted, {training.images: batch[0], training.labels: batch[1]}
  )
  for name in rectifiers:
    nearest = np.abs(found['into ' + name]).min()
    if nearest <= bounds[name] * found[name].max():
      return False
  for name in rounding.POOLED:
    places = np.sort(rounding.windows(found[name]), -1)
    apart, largest = places[..., -1] - places[..., -2], places[..., -1]
    # If all inputs of a maximum are 0, the rectifiers before it propagate no
    # gradient.
    near = apart <= 2 * bounds[name] * found[name].max()
    if np.any(near & (largest > 0)):
      return False
  return True


def find_seed(training):
  """Returns the first seed for which clear() returns True.

  Args:
    training: today_side.Today of port(), whose variables are overwritten.
  """
  return next(seed for seed in range(_SEEDS) if clear(training, seed))


def port(data_dir):
  """Returns the port for comparison with goldens, a today_side.Today.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
  """
  return today_side.Today.port(data_dir, directory='', batch_size=BATCH_SIZE)


def _chosen(size):
  """Returns the indices of the elements to record."""
  if size <= _WHOLE:
    return np.arange(size)
  return np.sort(np.random.RandomState(size).permutation(size)[:_ELEMENTS])


def digest(array):
  """Returns the record of an array in a golden, a dict of plain values."""
  flat = np.ravel(np.asarray(array, np.float64))

  def plain(values):
    # 9 digits distinguish any two float32.
    return [float('%.9g' % v) for v in values]

  parts = np.array_split(flat, 1 if flat.size <= _WHOLE else _PARTS)
  return {
      'shape': list(np.shape(array)),
      'sums': plain([part.sum() for part in parts]),
      'absolute sums': plain([np.abs(part).sum() for part in parts]),
      'least': plain([flat.min(initial=np.inf)])[0],
      'largest': plain([flat.max(initial=-np.inf)])[0],
      'elements': plain(flat[_chosen(flat.size)]),
  }


def digests(step):
  """Returns the digests of a step.

  Args:
    step: dict, the content of step.npz.
  """
  return {
      name: digest(step[name])
      for name in sorted(step)
      if name.startswith(_KEPT)
  }


def make(old, training, *, seed):
  """Creates a golden.

  Args:
    old: old_side.Old, whose images are not read.
    training: today_side.Today of port(), for keys and shapes only.
    seed: int, see given().

  Returns:
    dict of plain values:
      tensorflow, python, numpy: versions that computed the golden.
      edition, sha256: from scripts.EDITIONS.
      seed: int.
      keys: keys of the original's variables.
      tags: tags in an event file of the original.
      values: dict from a name, such as "gradient: KEY", to its digest().

  Raises:
    UsageError: the edition cannot run on this TensorFlow.
  """
  values, (images, labels) = given(training, seed)
  with tempfile.TemporaryDirectory() as scratch:
    path_given = os.path.join(scratch, 'given.npz')
    np.savez(path_given, images=images, labels=labels, **values)
    out = old.call(
        'one_step',
        '%s cannot take a step',
        scratch=scratch,
        flags=['--batch_size=%d' % BATCH_SIZE],
        given=path_given,
        step_key=training.step_key,
    )
    graph = json_files.read(os.path.join(out, 'graph.json'))
    return {
        **{key: graph[key] for key in ('tensorflow', 'python', 'numpy')},
        'edition': old.edition.name,
        'sha256': old.edition.sha256,
        'seed': seed,
        'keys': graph['keys'],
        'tags': sorted(event_files.read(out).tags),
        'values': digests(old_side.arrays(out, 'step')),
    }


def path(version, directory=golden_files.DIRECTORY):
  """Returns the path of a version's golden; raises UsageError if missing."""
  return golden_files.path(version, FILES, directory)


def read(version, directory=golden_files.DIRECTORY):
  """Reads a golden.

  Args:
    version: str, the TensorFlow version that computed the golden.
    directory: str, the directory of the goldens.

  Returns:
    dict, see make().

  Raises:
    UsageError: the golden is missing, or was made from other source files or by
      another TensorFlow version.
  """

  def wrong(golden):
    made = golden['tensorflow']
    return '' if made == version else 'was made by TensorFlow ' + made

  return golden_files.read(
      path(version, directory),
      EDITIONS[version],
      'create it with //tools:runtime_goldens -- --runtime=%s --data_dir=DIR '
      '--regenerate' % version,
      wrong,
  )


def observe(training, golden):
  """Makes the port take a golden's step.

  Args:
    training: today_side.Today of port(), whose variables are overwritten.
    golden: dict, from read().

  Returns:
    dict, the port's digests.
  """
  values, batch = given(training, golden['seed'])
  training.load(values)
  return digests(training.observe(*batch, golden['values']))


def differences(golden, values, training):
  """Compares a golden with the port's results.

  Args:
    golden: dict, from read().
    values: dict of digests, from observe().
    training: today_side.Today of port().

  Returns:
    (list of value_diff.Differences, list of str): one Difference per value, and
    descriptions of wrong keys and tags.
  """
  matched = keys_lib.match(
      golden['keys'], training.keys, step_key=training.step_key
  )
  wrong = ['key: ' + key for key in matched.lacking + matched.unknown]
  tags = (
      event_files.Run({}, {}, frozenset(t))
      for t in (golden['tags'], training.tags)
  )
  found = curves.compare(*tags, _listed(golden))
  wrong += ['tag: %s, in the %s only' % tag for tag in found.unmatched]
  wrong += ['listed rename that does not occur: %s' % (r,) for r in found.stale]
  start, _ = given(training, golden['seed'])
  compared = value_diff.differences(
      (
          matched.translate(_vectors(golden['values'], start, matched)),
          _vectors(values, start, matched),
      ),
      training,
      matched,
      rounded=True,
  )
  for name, bound in {d.value: d.bound for d in compared}.items():
    if name in golden['values'] and name in values:
      compared += _sums(name, golden['values'][name], values[name], bound)
  return compared, wrong


def changed(golden, made):
  """Compares a golden with a new golden.

  Args:
    golden, made: dicts, see make().

  Returns:
    list of str, the differences above the tolerance between machines.
  """
  found = [
      '%s: %s, not %s' % (name, made[name], golden[name])
      for name in ('tensorflow', 'edition', 'sha256', 'seed', 'keys', 'tags')
      if made[name] != golden[name]
  ]
  sides = golden['values'], made['values']
  for name in sorted(set(sides[0]) | set(sides[1])):
    a, b = (side.get(name, digest([])) for side in sides)
    largest = max(abs(a['least']), abs(a['largest']))
    for part in a:
      x, y = np.array(a[part]), np.array(b[part])
      size = np.array(a['absolute sums']) if 'sums' in part else largest
      if x.shape != y.shape or np.any(
          np.abs(x - y) > golden_values.TOLERANCE * size
      ):
        found.append('%s of %s: %s, not %s' % (part, name, b[part], a[part]))
  return found


def _listed(golden):
  """Returns the Renames of the tags, for the queue's capacity in the golden."""
  (edition,) = [e for e in scripts.EDITIONS if e.name == golden['edition']]
  full = '_of_%d_full'
  usual, here = (
      full % (3 * size) for size in (config_lib.BATCH_SIZE, BATCH_SIZE)
  )
  return [
      rename._replace(
          original=rename.original.replace(usual, here),
          port=rename.port.replace(usual, here),
      )
      for rename in curves.listed(edition, golden['tensorflow'], run=False)
  ]


def _vectors(values, start, keys):
  """Returns digests as arrays for value_diff."""
  found = {}
  for name, value in values.items():
    elements = value['elements']
    # Bounds are relative to the largest element, so the array includes the
    # extremes.  Formulas need matching elements, so the values after the step
    # omit the extremes.
    if not name.startswith('after: '):
      elements = elements + [value['least'], value['largest']]
    found[name] = np.array(elements)
    if not value['shape']:
      found[name] = np.array(value['elements'][0])
  for key in keys.port.values():
    flat = np.ravel(start[key])
    before = flat[_chosen(flat.size)] if np.shape(start[key]) else flat[0]
    found['before: ' + key] = before
  return found


def _sums(name, original, port_digest, bound):
  """Compares the sums of a value's elements."""
  # The errors of a sum can have the same sign, such as errors of a common
  # factor, or random signs.
  largest = max(abs(original['least']), abs(original['largest']))
  parts = len(original['sums'])
  size = np.array(original['absolute sums'])
  size += largest * np.sqrt(np.prod(original['shape']) / parts)
  found = []
  for what in ('sums', 'absolute sums'):
    absolute = np.abs(np.subtract(original[what], port_digest[what]))
    # If all elements of a part are 0, the sums must be equal.
    relative = np.divide(
        absolute, size, out=np.where(absolute > 0, np.inf, 0), where=size > 0
    )
    found.append(
        value_diff.Difference(
            '%s of %s' % (what, name),
            int(np.count_nonzero(absolute)),
            float(absolute.max()),
            float(relative.max()),
            bound,
        )
    )
  return found
