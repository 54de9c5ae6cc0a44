"""Compares ours, on today's TensorFlow, with an edition on one of the time.

The edition's trainer builds its graph in an old interpreter (old/training.py),
and what it computes there comes back in files.
"""

import json
import os
import tempfile
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from ..historical import old_scripts
from ..runtime import calls
from . import checkpoint_exchange
from . import curves
from . import exemptions
from . import mapping
from . import report
from . import rounding
from . import training_graph
from . import value_diff

_SEED = 20160216
FORMATS = ('V1', 'V2')

# What TensorFlow 0.12 keeps beside an average that begins at zero, and what it
# divides it by.
_BIASED, _LOCAL_STEP = '/biased', '/local_step'
_AVERAGE = '/avg'
_AVERAGE_DECAY = 0.9
_UNIT = 2.0**-24

# Why theirs alone has a key.
_CORRECTION = (
    'TensorFlow 0.12 divides the average of a loss by what it lacks for having '
    'begun at zero, and keeps these for it; earlier and later ones do not'
)
_NO_DECAY = 'a weight decay of 0 makes a loss there, which is 0'


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
    elif key.endswith((_BIASED, _LOCAL_STEP)) and base in theirs:
      alone[key] = _CORRECTION
    elif key.endswith('/weight_loss' + _AVERAGE):
      alone[key] = _NO_DECAY
    else:
      unknown.append(key)
  return Keys(
      matched,
      alone,
      tuple(sorted(ours - set(matched.values()))),
      tuple(unknown),
  )


class Answer(NamedTuple):
  """What came back from the old interpreter."""

  directory: str
  keys: list  # of its variables
  losses: list  # of floats, of each step
  drawn: list  # of the batches, (images, labels)

  def arrays(self, name):
    """Returns the content of NAME.npz, a dict."""
    with np.load(os.path.join(self.directory, name + '.npz')) as f:
      return {key: f[key] for key in f.files}

  def checkpoint(self, name):
    return os.path.join(self.directory, name)


def ask(source, environment, edition, data_dir, *, steps, training, scratch):
  """Trains an edition in an old interpreter.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1: how long to train before the second look.
    training: training_graph.Training of ours, which writes the checkpoints that
      are restored there; it loses its values.
    scratch: str, a directory that exists.

  Returns:
    (Answer, dict with the values of the checkpoints).

  Raises:
    UsageError: it failed there; its last line is in the message.
  """
  drawn = list(value_diff.batches(data_dir, steps + 1, seed=_SEED))
  batches = os.path.join(scratch, 'batches.npz')
  np.savez(
      batches,
      images=np.stack([images for images, _ in drawn]),
      labels=np.stack([labels for _, labels in drawn]),
  )
  values = checkpoint_exchange.marked_values(training, _SEED)
  training.load(values)
  paths = {
      form: save(training, form, os.path.join(scratch, 'ours-' + form))
      for form in FORMATS
  }
  prepared = os.path.join(scratch, 'data')
  old_scripts.prepare(data_dir, prepared)
  out = os.path.join(scratch, 'answer')
  os.mkdir(out)
  calls.call(
      environment,
      'training',
      {
          'source': os.path.abspath(source),
          'package': edition.package,
          'data_dir': prepared,
          'out': out,
          'batches': batches,
          'seed': _SEED,
          'restore': {'restored-' + form: path for form, path in paths.items()},
          'step_key': training.step_key,
      },
      scratch=scratch,
      what='--runtime=%s: %s cannot be trained'
      % (environment.runtime.version, edition.name),
  )
  with open(os.path.join(out, 'graph.json'), encoding='utf-8') as f:
    keys = json.load(f)['keys']
  with open(os.path.join(out, 'losses.json'), encoding='utf-8') as f:
    losses = json.load(f)
  return Answer(out, keys, losses, drawn), values


def save(training, form, path):
  """Saves a checkpoint of ours in a format.

  Args:
    training: training_graph.Training.
    form: str, one of FORMATS.
    path: str.

  Returns:
    str, path.
  """
  with training.session.graph.as_default():
    saver = tf.train.Saver(
        training.variables, write_version=getattr(tf.train.SaverDef, form)
    )
  return saver.save(training.session, path, write_meta_graph=False)


def restore(path, training, keys, *, averages=()):
  """Restores a checkpoint of theirs into ours.

  Args:
    path: str.
    training: training_graph.Training; what it has is lost.
    keys: Keys of the checkpoint.
    averages: keys of ours that take what theirs keeps uncorrected.
  """
  reader = tf.train.NewCheckpointReader(path)
  # Nothing from before may pass for restored.
  training.load(
      {
          key: np.full(v.shape.as_list(), 77, v.dtype.base_dtype.as_numpy_dtype)
          for key, v in training.variables.items()
      }
  )
  fitting = {}
  for their_key, key in keys.ours.items():
    variable = training.variables[key]
    if key == training.step_key:
      # It may have another type of integer.
      assign = variable.initializer
      value = reader.get_tensor(their_key)
      training.session.run(assign, {assign.inputs[1]: value})
    else:
      fitting[their_key + _BIASED * (key in averages)] = variable
  with training.session.graph.as_default():
    saver = tf.train.Saver(fitting)
  saver.restore(training.session, path)


def _same_bits(a, b):
  """Whether two arrays are the same; integers of another size may be."""
  if a.dtype.kind == 'i' or b.dtype.kind == 'i':
    return np.array_equal(a, b)
  return (
      a.shape == b.shape
      and a.dtype == b.dtype
      and not value_diff.differing(a, b)
  )


def checkpoints_section(version, answer, values, training, keys):
  """Compares what arrived of checkpoints, in both formats, both ways.

  Args:
    version: str, of the TensorFlow of the time.
    answer: Answer.
    values: dict, what the checkpoints of ours hold.
    training: training_graph.Training of ours; it loses its values.
    keys: Keys.

  Returns:
    A section of the report.
  """
  text, rows, unexplained = [], [], 0
  marked = answer.arrays('marked')
  for form in FORMATS:
    restore(answer.checkpoint('marked-' + form), training, keys)
    ours = training.read()
    theirs = answer.arrays('restored-' + form)
    arrived = {
        'theirs, restored by ours': {
            key: _same_bits(marked[key], ours[keys.ours[key]])
            for key in keys.ours
        },
        'ours, restored by theirs': {
            key: _same_bits(values[keys.ours[key]], theirs[key])
            for key in keys.ours
        },
    }
    for title, equal in arrived.items():
      unexplained += list(equal.values()).count(False)
      text.append(
          'Format %s, %s: %d of %d keys arrive in every bit.'
          % (form, title, sum(equal.values()), len(equal))
      )
      rows += [
          (form, title, key, keys.ours[key], 'yes' if equal[key] else 'no')
          for key in sorted(equal)
      ]
  unexplained += len(keys.lacking) + len(keys.unknown)
  return report.section(
      'Checkpoints of TensorFlow %s' % version,
      unexplained,
      text=[
          'Each side saved values that tell every element from others, and the '
          'other restored them.'
      ]
      + text,
      tables=[
          report.table(
              'Keys', ('format', '', 'their key', 'our key', 'equal'), rows
          ),
          report.table(
              'Keys that one side alone has, without a reason',
              ('key',),
              [(key,) for key in keys.lacking + keys.unknown],
          ),
          report.table(
              'Keys that theirs alone has',
              ('key', 'reason'),
              keys.alone.items(),
          ),
      ],
  )


def observe(training, theirs, images, labels):
  """Does a step of ours, and notes what their step noted.

  Args:
    training: training_graph.Training of ours, which has its values.
    theirs: iterable of str, names as those of step-0.npz.
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
    theirs, ours: dicts of activations, as in step-0.npz.

  Returns:
    dict from 'conv1', 'conv2', 'local3', 'local4' to a count.
  """
  found = {}
  for layer, pooled in (
      ('conv1', 'conv1/conv1'),
      ('conv2', 'norm2'),
      ('local3', None),
      ('local4', None),
  ):
    name = 'activation: %s/%s' % (layer, layer)
    found[layer] = int(np.count_nonzero((theirs[name] > 0) != (ours[name] > 0)))
    if pooled:
      a, b = (_chosen(side['activation: ' + pooled]) for side in (theirs, ours))
      found[layer] += int(np.count_nonzero(a != b))
  return found


def _chosen(x):
  """Returns which of its nine places each maximum of 3 x 3, stride 2, takes."""
  # Padded as SAME does it for an even size: at the end alone.
  x = np.pad(
      x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.float32('inf')
  )
  windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
  windows = windows[:, ::2, ::2]
  return windows.reshape(windows.shape[:-2] + (9,)).argmax(-1)


def differences(theirs, ours, training, keys):
  """Compares what one step computed on both sides.

  Args:
    theirs: dict, of step-0.npz or step-1.npz.
    ours: dict, from observe().
    training: training_graph.Training of ours.
    keys: Keys.

  Returns:
    list of Differences.
  """
  logits = theirs['activation: softmax_linear/softmax_linear']
  largest = float(np.abs(logits).max())
  decided = decisions(theirs, ours)
  bounds = {
      'activation': rounding.activations(),
      'loss': rounding.losses(largest),
      'gradient': rounding.gradients(largest, decided),
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
    if key.endswith(_AVERAGE):
      loss = key[: -len(_AVERAGE)]
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
  plain = theirs.get(after + _BIASED, theirs[after])
  found = [
      difference('average: ' + key, plain, ours.get(after), bound + 4 * _UNIT)
  ]
  if after + _BIASED in theirs:
    lack = 1 - _AVERAGE_DECAY ** float(theirs[after + _LOCAL_STEP])
    # The difference from 1 magnifies the rounding of the power.
    found.append(
        difference(
            'correction: ' + key, theirs[after], plain / lack, 4 * _UNIT / lack
        )
    )
  return found


def values_section(version, answer, training, keys):
  """Compares one step from the same checkpoint, at the start and later.

  Args:
    version: str, of the TensorFlow of the time.
    answer: Answer.
    training: training_graph.Training of ours; it loses its values.
    keys: Keys.

  Returns:
    A section of the report.
  """
  text, tables, unexplained = [], [], 0
  averages = {key for key in keys.ours.values() if key + _BIASED in keys.alone}
  for n, batch in ((0, answer.drawn[0]), (1, answer.drawn[-1])):
    restore(
        answer.checkpoint('start-%d' % n), training, keys, averages=averages
    )
    theirs = answer.arrays('step-%d' % n)
    ours = observe(training, theirs, *batch)
    found = differences(theirs, ours, training, keys)
    above = [d for d in found if d.above]
    unexplained += len(above)
    step = n * (len(answer.drawn) - 1)
    closest = max(found, key=lambda d: d.relative / (d.bound or 1))
    text.append(
        'At step %d, loss %.4f: %d values, %d of them above their bound; %d '
        'rectifiers or maxima decided otherwise. '
        'Closest to it comes "%s", %.2g of its largest element where %.2g may '
        'be.'
        % (
            step,
            float(theirs['loss: total_loss']),
            len(found),
            len(above),
            sum(decisions(theirs, ours).values()),
            closest.value,
            closest.relative,
            closest.bound,
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


def tags_section(version, answer, training, tags):
  """Compares the tags of an event file of theirs with those of our summaries.

  Args:
    version: str, of the TensorFlow of the time.
    answer: Answer.
    training: training_graph.Training of ours, which has its values.
    tags: sequence of graph_diff.Renames; '' where one side has no such tag.

  Returns:
    A section of the report.
  """
  theirs = curves.read(answer.directory)
  graph = training.session.graph
  (merged,) = [op for op in graph.get_operations() if op.type == 'MergeSummary']
  images, labels = answer.drawn[-1]
  summary = tf.Summary.FromString(
      training.session.run(
          merged.outputs[0],
          {training.images: images, training.labels: labels},
      )
  )
  ours = curves.Run({}, {}, frozenset(v.tag for v in summary.value))
  found = curves.compare(theirs, ours, tags)
  return report.section(
      'Tags of TensorFlow %s' % version,
      len(found.unmatched) + len(found.stale),
      text=[
          'An event file that theirs wrote has %d tags, and our summaries have '
          '%d. %d are listed because they have another name or one side alone '
          'has them; %d have no reason, and %d listed ones do not apply.'
          % (
              len(theirs.tags),
              len(ours.tags),
              len(found.renamed),
              len(found.unmatched),
              len(found.stale),
          )
      ],
      tables=[
          report.table(
              'Tags that nothing explains', ('tag', 'in'), found.unmatched
          ),
          report.table(
              'Listed tags that do not apply',
              ('theirs', 'ours', 'reason'),
              found.stale,
          ),
          report.table(
              'Tags under another name',
              ('theirs', 'ours', 'reason'),
              [
                  (r.theirs or '(none)', r.ours or '(none)', r.reason)
                  for r in found.renamed
              ],
          ),
      ],
  )


def listed_tags(edition, version):
  """Returns the Renames of an edition's tags on a TensorFlow of the time.

  Args:
    edition: str, the name of a scripts.Edition.
    version: str.
  """
  if version == '0.12.1':
    found = mapping.load('on_0.12.1').tags
    return found + (
        mapping.load('0.12.1').tags if edition == 'tensorflow 0.12.1' else ()
    )
  # What its session counts, theirs alone, is no summary of the graph.
  return tuple(
      rename
      for rename in exemptions.TAGS.get(edition, ())
      if rename.theirs != 'global_step/sec'
  )


def make_sections(
    source, environment, edition, data_dir, *, steps, our_meta_graph
):
  """Makes the sections on one TensorFlow of the time.

  TensorFlow 2's behavior must be off.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1: how long to train before the second look.
    our_meta_graph: MetaGraphDef of ours.

  Returns:
    list of sections of the report.

  Raises:
    UsageError: the edition cannot be trained there.
  """
  version = environment.runtime.version
  with (
      tempfile.TemporaryDirectory() as scratch,
      training_graph.Training(our_meta_graph) as training,
  ):
    answer, values = ask(
        source,
        environment,
        edition,
        data_dir,
        steps=steps,
        training=training,
        scratch=scratch,
    )
    keys = match(answer.keys, training.variables, step_key=training.step_key)
    return [
        checkpoints_section(version, answer, values, training, keys),
        values_section(version, answer, training, keys),
        tags_section(
            version, answer, training, listed_tags(edition.name, version)
        ),
    ]
