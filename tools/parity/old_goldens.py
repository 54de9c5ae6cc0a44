"""Goldens of the original runtime: what a TensorFlow of the time computed.

An edition took one step there from given values on a given batch, and a golden
holds of each value that came out its least and largest element, all elements or
two hundred of them, and sums of fifty parts, in which one element that is off
shows.  Given are uniform numbers, which a seed makes the same in every bit on any
machine.  The seed is one of which rounding cannot let any rectifier or maximum
decide otherwise: see clear().
"""

import json
import os
import tempfile

import numpy as np

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors

from ..base import event_files
from ..base import training_graph
from ..editions import calls
from ..editions import old_scripts
from ..editions import scripts
from . import curves
from . import golden_values
from . import goldens
from . import old_keys
from . import old_step
from . import old_tags
from . import rounding

# From the version of TensorFlow to its edition and its file.
EDITIONS = {
    '0.12.1': 'tensorflow 0.12.1',
    '1.15.5': 'tensorflow/models v1.12.0 and v1.13.0',
}
FILES = {version: 'runtime-%s.json' % version for version in EDITIONS}

# So few that hardly any rectifier is near 0.
BATCH_SIZE = 2
# An array of up to so many elements is kept whole; of a larger one, so many, and
# sums of so many parts.
_WHOLE, _ELEMENTS, _PARTS = 1024, 200, 50
# At this step an average takes in a twelfth of its weight.
_STEP = 100
# Of such contrast that the norm layers have an effect.
_CONTRAST = 10.0
# Logits of about 1.
_LAST = ('softmax_linear/weights', 0.02)
_SEEDS = 1000
# What of a step is kept: all but what is given.
_KEPT = ('activation: ', 'loss: ', 'gradient: ', 'after: ', 'rate')


def given(training, seed):
  """Draws what the step begins with.

  Args:
    training: training_graph.Training of ours.
    seed: int, of the batch; the weights are the same for all.

  Returns:
    (dict from our key to array, (images, labels)).
  """
  random = np.random.RandomState(0)
  values = {}
  for key in sorted(training.variables):
    variable = training.variables[key]
    shape = variable.shape.as_list()
    rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 0
    # Each layer's outputs are about as large as its inputs.
    size = np.sqrt(6.0 / rows) if rows else 0.1
    if key.startswith(_LAST[0]):
      size = _LAST[1]
    # Not from a distribution that a library of mathematics computes.
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
  """Whether rounding leaves all rectifiers and maxima as they are.

  Args:
    training: training_graph.Training of ours; it loses its values.
    seed: int, see given().

  Returns:
    bool: whether no input of a rectifier is as near to 0, and no two largest of
    a maximum's are as near to each other, as two computations may lie apart.
  """
  values, batch = given(training, seed)
  training.load(values)
  graph = training.session.graph
  bounds = rounding.activations()
  rectifiers = ['%s/%s' % (n, n) for n in old_step.RECTIFIED]
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
  for name in old_step.POOLED:
    places = np.sort(old_step.windows(found[name]), -1)
    apart, largest = places[..., -1] - places[..., -2], places[..., -1]
    # Where all are 0, nothing passes through their rectifiers either.
    near = apart <= 2 * bounds[name] * found[name].max()
    if np.any(near & (largest > 0)):
      return False
  return True


def find_seed(training):
  """Returns the first seed that is clear().

  Args:
    training: training_graph.Training of ours; it loses its values.
  """
  return next(seed for seed in range(_SEEDS) if clear(training, seed))


def ours(data_dir):
  """Returns the MetaGraphDef of ours that goldens are compared with.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
  """
  return training_graph.ours(data_dir, batch_size=BATCH_SIZE)


def _chosen(size):
  """Returns the indices of the elements that are kept."""
  if size <= _WHOLE:
    return np.arange(size)
  return np.sort(np.random.RandomState(size).permutation(size)[:_ELEMENTS])


def digest(array):
  """Returns what a golden holds of an array, a dict of plain values."""
  flat = np.ravel(np.asarray(array, np.float64))

  def plain(values):
    # 9 digits tell any two float32 apart.
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
    step: dict, as of step.npz.
  """
  return {
      name: digest(step[name])
      for name in sorted(step)
      if name.startswith(_KEPT)
  }


def make(source, environment, edition, data_dir, *, training, seed):
  """Makes a golden.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin, whose images are not
      read.
    training: training_graph.Training of ours(), for keys and shapes alone.
    seed: int, see given().

  Returns:
    dict of plain values:
      tensorflow, python, numpy: versions, of what computed it.
      edition, sha256: of scripts.EDITIONS.
      seed: int.
      keys: of their variables.
      tags: of an event file of theirs.
      values: dict from a name, such as "gradient: KEY", to its digest().

  Raises:
    UsageError: the edition cannot be run there.
  """
  values, (images, labels) = given(training, seed)
  with tempfile.TemporaryDirectory() as scratch:
    path = os.path.join(scratch, 'given.npz')
    np.savez(path, images=images, labels=labels, **values)
    prepared = os.path.join(scratch, 'data')
    old_scripts.prepare(data_dir, prepared)
    out = os.path.join(scratch, 'answer')
    os.mkdir(out)
    calls.call(
        environment,
        'one_step',
        {
            'source': os.path.abspath(source),
            'package': edition.package,
            'data_dir': prepared,
            'out': out,
            'flags': ['--batch_size=%d' % BATCH_SIZE],
            'given': path,
            'step_key': training.step_key,
        },
        scratch=scratch,
        what='--runtime=%s: %s cannot take a step'
        % (environment.runtime.version, edition.name),
    )
    with open(os.path.join(out, 'graph.json'), encoding='utf-8') as f:
      graph = json.load(f)
    with np.load(os.path.join(out, 'step.npz')) as f:
      step = {name: f[name] for name in f.files}
    return {
        'tensorflow': graph['tensorflow'],
        'python': graph['python'],
        'numpy': graph['numpy'],
        'edition': edition.name,
        'sha256': edition.sha256,
        'seed': seed,
        'keys': graph['keys'],
        'tags': sorted(event_files.read(out).tags),
        'values': digests(step),
    }


def path(version, directory=goldens.DIRECTORY):
  """Returns the path of a TensorFlow's golden.

  Raises:
    UsageError: there is none for it.
  """
  if version not in FILES:
    raise errors.UsageError(
        'there is no golden of TensorFlow %s, only of %s'
        % (version, ', '.join(sorted(FILES)))
    )
  return os.path.join(directory, FILES[version])


def read(version, directory=goldens.DIRECTORY):
  """Reads a golden.

  Args:
    version: str, of the TensorFlow that made it.
    directory: str, of the goldens.

  Returns:
    dict, see make().

  Raises:
    UsageError: it is missing, or was made from other files than the edition's.
  """
  name = path(version, directory)
  remedy = (
      'make it with //tools:runtime_goldens -- --runtime=%s --data_dir=DIR --regenerate'
      % version
  )
  if not os.path.exists(name):
    raise errors.UsageError('%s is missing: %s' % (name, remedy))
  with open(name, encoding='utf-8') as f:
    golden = json.load(f)
  edition = EDITIONS[version]
  sha256 = {e.name: e.sha256 for e in scripts.EDITIONS}[edition]
  made = (golden['tensorflow'], golden['edition'], golden['sha256'])
  if made != (version, edition, sha256):
    raise errors.UsageError(
        '%s was made by TensorFlow %s from %s (SHA-256 %s): %s'
        % (name, *made, remedy)
    )
  return golden


def write(golden, directory=goldens.DIRECTORY):
  """Writes a golden, one value a line; returns the path.

  Raises:
    OSError: it cannot be written.
  """
  name = path(golden['tensorflow'], directory)
  lines = [
      '%s: %s' % (json.dumps(key), json.dumps(value))
      for key, value in golden.items()
      if key != 'values'
  ]
  values = [
      '%s: %s' % (json.dumps(key), json.dumps(value, separators=(',', ':')))
      for key, value in golden['values'].items()
  ]
  lines.append('"values": {\n%s\n}' % ',\n'.join(values))
  with open(name, 'w', encoding='utf-8') as f:
    f.write('{\n%s\n}\n' % ',\n'.join(lines))
  return name


def observe(training, golden):
  """Takes the step of a golden with ours.

  Args:
    training: training_graph.Training of ours(); it loses its values.
    golden: dict, from read().

  Returns:
    (dict, frozenset): the digests of ours, and its tags.
  """
  values, batch = given(training, golden['seed'])
  training.load(values)
  tags = old_tags.ours(training, *batch).tags
  training.load(values)
  step = old_step.observe(training, golden['values'], *batch)
  return digests(step), tags


def differences(golden, values, tags, training):
  """Compares a golden with what ours computed.

  Args:
    golden: dict, from read().
    values: dict of digests, from observe().
    tags: iterable of str.
    training: training_graph.Training of ours().

  Returns:
    (list of old_step.Differences, list of str): of each value, and what is wrong
    with keys and tags, for people.
  """
  matched = old_keys.match(
      golden['keys'], training.variables, step_key=training.step_key
  )
  wrong = ['key: ' + key for key in matched.lacking + matched.unknown]
  found = curves.compare(
      *(event_files.Run({}, {}, frozenset(t)) for t in (golden['tags'], tags)),
      _listed(golden),
  )
  wrong += ['tag: %s, of %s alone' % unmatched for unmatched in found.unmatched]
  wrong += ['listed tag that does not apply: %s' % (r,) for r in found.stale]
  start, _ = given(training, golden['seed'])
  compared = old_step.differences(
      _vectors(golden['values'], start, matched),
      _vectors(values, start, matched),
      training,
      matched,
  )
  bounds = {d.value: d.bound for d in compared}
  for name, bound in bounds.items():
    if name in golden['values'] and name in values:
      compared += _sums(name, golden['values'][name], values[name], bound)
  return compared, wrong


def changed(golden, made):
  """Compares a golden with one that was made anew.

  Args:
    golden, made: dicts, see make().

  Returns:
    list of str, what differs by more than two computers do.
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
  """Returns the Renames of the tags, of which one says how much a queue holds."""
  full = '_of_%d_full'
  usual, here = (
      full % (3 * size) for size in (config_lib.BATCH_SIZE, BATCH_SIZE)
  )
  return [
      rename._replace(
          theirs=rename.theirs.replace(usual, here),
          ours=rename.ours.replace(usual, here),
      )
      for rename in old_tags.listed(golden['edition'], golden['tensorflow'])
  ]


def _vectors(values, start, keys):
  """Returns digests as arrays, as old_step compares them."""
  found = {}
  for name, value in values.items():
    elements = value['elements']
    # Bounds are of the largest element, except where a formula is looked at,
    # which holds for those that belong together.
    if not name.startswith('after: '):
      elements = elements + [value['least'], value['largest']]
    found[name] = np.array(elements)
    if not value['shape']:
      found[name] = np.array(value['elements'][0])
  for theirs, ours_key in keys.ours.items():
    flat = np.ravel(start[ours_key])
    before = flat[_chosen(flat.size)] if np.shape(start[ours_key]) else flat[0]
    for key in (theirs, ours_key):
      found['before: ' + key] = before
  return found


def _sums(name, theirs, ours_digest, bound):
  """Compares sums of a value's elements."""
  # The errors may have a sign in common, as those of what all elements are
  # multiplied by, or none.
  largest = max(abs(theirs['least']), abs(theirs['largest']))
  parts = len(theirs['sums'])
  size = np.array(theirs['absolute sums'])
  size += largest * np.sqrt(np.prod(theirs['shape']) / parts)
  found = []
  for what in ('sums', 'absolute sums'):
    absolute = np.abs(np.subtract(theirs[what], ours_digest[what]))
    # A part of zeros is one of zeros.
    relative = np.divide(
        absolute, size, out=np.where(absolute > 0, np.inf, 0), where=size > 0
    )
    found.append(
        old_step.Difference(
            '%s of %s' % (what, name),
            float(absolute.max()),
            float(relative.max()),
            bound,
        )
    )
  return found
