"""Holds every number that the tutorial states against what is found here.

  ledger --data_dir=DIR [--our_run=DIR]

Prints what is said, what is found, whether that is the same, and why not.  What
is found is counted in our graph, or comes from a run of 201 steps that the
ledger makes itself; precisions come from the newest checkpoint in DIR of
--our_run, a train_dir.  The exit code is 0 if there is a reason for everything
that is not the same, else 1.
"""

from cifar10_compat import quiet  # pylint: disable=unused-import

import contextlib
import glob
import inspect
import io
import math
import os
import re
import sys
import tempfile
from typing import NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import hooks
from tools import command_line
from tools import compare_report
from tools import processes
from tools import training_graph
from tools import training_log

# Long enough for three summaries.
_STEPS = 201

# What counts as an op of a layer, of all that an image passes through.
_LAYER_OPS = ('Conv2D', 'MatMul', 'BiasAdd', 'Add', 'AddV2', 'Relu', 'MaxPool',
              'LRN')

# cuda-convnet2's layers-cifar10-11pct, which the tutorial's network follows:
# name, positions of the output, length of what is seen at one, output maps.
_CONVNET2 = (
    ('conv1', 24 * 24, 5 * 5 * 3, 64),
    ('conv2', 12 * 12, 5 * 5 * 64, 64),
    ('local3', 6 * 6, 3 * 3 * 64, 64),
    ('local4', 6 * 6, 3 * 3 * 64, 32),
    ('fc10', 1, 6 * 6 * 32, 10),
)


class Claim(NamedTuple):
  """A number, or a few, that the tutorial states."""
  what: str
  where: str  # in the tutorial
  said: str
  found: str
  how: str  # it was found
  same: Optional[bool]  # None: not measured
  why: str  # not the same, or not measured

  @property
  def unexplained(self):
    return self.same is False and not self.why


class Layer(NamedTuple):
  """The ops of one layer, for one image."""
  name: str
  ops: str  # types
  shape: tuple  # of the output
  parameters: int
  multiply_adds: int


def layers(output):
  """Counts what lies above a tensor, by the first part of the ops' names.

  Args:
    output: tensor of shape [1, ...]; every shape above it must be known.

  Returns:
    list of Layers.  A bias counts as parameters, and not as a multiply-add.
  """
  above = training_graph.ancestors(output.op) | {output.op}
  found = {}
  for op in output.graph.get_operations():
    if op in above and op.type in _LAYER_OPS:
      found.setdefault(op.name.partition('/')[0], []).append(op)
  return [Layer(name, ' '.join(op.type for op in ops),
                tuple(ops[-1].outputs[0].shape.as_list()[1:]),
                sum(_parameters(op) for op in ops),
                sum(_multiply_adds(op) for op in ops))
          for name, ops in found.items()]


def _parameters(op):
  """Returns the number of elements of the variables that an op reads."""
  return sum(t.shape.num_elements() for t in op.inputs
             if t.op.type == 'Identity'
             and t.op.inputs[0].op.type == 'VariableV2')


def _multiply_adds(op):
  """Returns those of a product: its outputs times what each is summed over."""
  if op.type not in ('Conv2D', 'MatMul'):
    return 0
  summed = op.inputs[1].shape[:-1].num_elements()
  return op.outputs[0].shape.num_elements() * summed


def convnet2_multiply_adds():
  """Returns those of cuda-convnet2's network, whose top is not shared."""
  return sum(positions * seen * maps for _, positions, seen, maps in _CONVNET2)


def first_loss(weights, stddev, decay, classes=cifar10.NUM_CLASSES):
  """Returns the loss to be expected from a network that knows nothing.

  Args:
    weights: int, how many decay.
    stddev: float, of their initial values before truncation at twice that.
    decay: float, the weight of half their squares.
    classes: int.
  """
  # A normal distribution cut off at two deviations has this variance.
  density = math.exp(-2) / math.sqrt(2 * math.pi)
  variance = 1 - 4 * density / math.erf(math.sqrt(2))
  return math.log(classes) + decay / 2 * stddev ** 2 * variance * weights


class Run(NamedTuple):
  """What a run of our trainer left."""
  output: str  # what it printed
  log: list  # of training_log.Lines
  summaries: tuple  # steps


def short_run(data_dir):
  """Trains for 201 steps.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.

  Returns:
    Run.

  Raises:
    UsageError: the trainer failed.
  """
  with tempfile.TemporaryDirectory() as train_dir:
    output = processes.run(
        'cifar10_compat.cifar10_train',
        ['--data_dir=' + data_dir, '--train_dir=' + train_dir,
         '--max_steps=%d' % _STEPS], 'our trainer failed')
    steps = {event.step
             for path in glob.glob(os.path.join(train_dir, 'events.*'))
             for event in tf.train.summary_iterator(path)
             if event.summary.value}
  return Run(output, training_log.parse(output), tuple(sorted(steps)))


def saved_steps(max_steps=2001):
  """Returns the steps that our hook saves in a run of a graph without weights.

  Args:
    max_steps: int, the length of the run.
  """
  class Saver(object):
    steps = []

    def save(self, unused_session, unused_path, global_step):
      self.steps.append(global_step)

  with tf.Graph().as_default(), tempfile.TemporaryDirectory() as train_dir:
    update = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    saver, steps = Saver(), hooks.StepHook()
    with tf.train.MonitoredSession(
        hooks=[steps, hooks.CheckpointHook(saver, train_dir, steps)]) as sess:
      for _ in range(max_steps):
        sess.run(update)
  return tuple(saver.steps)


def precisions(data_dir, run):
  """Evaluates a run's newest checkpoint, each image once.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
    run: str, a train_dir.

  Returns:
    (int, float, float): step, and precision with averaged and with raw weights.

  Raises:
    CheckpointError: there is none, or it does not fit.
  """
  found = []
  with tempfile.TemporaryDirectory() as scratch:
    for averaged in (True, False):
      with contextlib.redirect_stdout(io.StringIO()):
        found.append(cifar10_eval.evaluate(data_dir, scratch, run,
                                           run_once=True, averaged=averaged))
  return (checkpoints.step_of(checkpoints.latest(run)), *found)


def claims(training, run, saved, evaluated=None):
  """Makes the ledger.

  Args:
    training: training_graph.Training of our graph; it loses its values.
    run: Run, from short_run().
    saved: tuple of ints, from saved_steps().
    evaluated: what precisions() returned, if there is a longer run.

  Returns:
    (list of Claims, list of Layers).
  """
  with tf.Graph().as_default():
    size = cifar10.IMAGE_SIZE
    counted = layers(cifar10.inference(tf.zeros([1, size, size, 3])))
  graph = _Graph(training)
  return (_input(graph) + _network(graph, counted) + _training(graph) +
          _log(graph, run, saved) + _precision(evaluated) + _speed(run),
          counted)


def section(found, counted):
  """Returns the ledger as a section of compare.py's report.

  Args:
    found, counted: what claims() returned.
  """
  unexplained = [claim for claim in found if claim.unexplained]
  kinds = [claim.same for claim in found]
  return compare_report.section(
      'Ledger of claims', len(unexplained),
      ['%d numbers, or groups of them, that the tutorial states: %d are the '
       'same here, %d are not, and %d were not measured in this run.' %
       (len(found), kinds.count(True), kinds.count(False), kinds.count(None)),
       '%d of those that are not the same have no reason listed.' %
       len(unexplained)],
      [compare_report.table('What is said and what is found', COLUMNS,
                            rows(found)),
       compare_report.table('Parameters and multiply-adds of one image',
                            LAYER_COLUMNS, layer_rows(counted))])


COLUMNS = ('claim', 'said', 'found', 'same', 'why not', 'found how',
           'said where')
LAYER_COLUMNS = ('layer', 'ops', 'output', 'parameters', 'multiply-adds')


def rows(found):
  """Returns the rows of a table of Claims."""
  same = {True: 'yes', False: 'no', None: 'not measured'}
  return [(c.what, c.said, c.found, same[c.same],
           c.why or ('UNEXPLAINED' if c.unexplained else ''), c.how, c.where)
          for c in found]


def layer_rows(counted):
  """Returns the rows of a table of Layers, with their sum."""
  return [(l.name, l.ops, ' x '.join(map(str, l.shape)),
           '{:,}'.format(l.parameters), '{:,}'.format(l.multiply_adds))
          for l in counted] + [
              ('all', '', '', '{:,}'.format(sum(l.parameters for l in counted)),
               '{:,}'.format(sum(l.multiply_adds for l in counted)))]


class _Graph(object):
  """Looks things up in our training graph."""

  def __init__(self, training):
    self.training = training
    self.graph = training.session.graph
    self.queue, = self.ops('RandomShuffleQueueV2')

  def ops(self, kind):
    return [op for op in self.graph.get_operations() if op.type == kind]

  def attribute(self, op, name):
    return _plain(self.graph.get_operation_by_name(op).get_attr(name))

  def constant(self, op):
    return _plain(tf.get_static_value(
        self.graph.get_tensor_by_name(op + ':0')))

  def at_step(self, tensor, step):
    variable = self.training.variables[self.training.step_key]
    assign = variable.initializer
    self.training.session.run(assign, {assign.inputs[1]: step})
    return _plain(self.training.session.run(tensor))


def _plain(value):
  """Returns a number or numbers as Python's, float32 with its 7 digits."""
  value = np.asarray(value)
  if value.ndim:
    return tuple(_plain(v) for v in value)
  return float('%.7g' % value) if value.dtype.kind == 'f' else int(value)


def _text(value):
  if isinstance(value, tuple):
    return ', '.join(map(_text, value))
  if isinstance(value, float):
    return '%.7g' % value
  return '{:,}'.format(value) if isinstance(value, int) else str(value)


def _equal(what, where, said, found, how, why=''):
  """Returns the Claim that two values are one; why, if they are not."""
  same = said == found
  return Claim(what, where, _text(said), _text(found), how, same,
               '' if same else why)


_COUNTED = 'counted in our graph'
_READ = 'read in our graph'
_RUN = 'a run of %d steps' % _STEPS


def _input(graph):
  """Returns the Claims about images and queues."""
  data = datasets.CIFAR10
  queue, runners = graph.queue, graph.graph.get_collection(
      tf.GraphKeys.QUEUE_RUNNERS)
  threads = sum(len(r.enqueue_ops) for r in runners if r.name == queue.name)
  evaluate = inspect.signature(cifar10_eval.evaluate).parameters
  return [
      _equal('images for training', 'cifar10_input.py', 50000,
             cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN, 'cifar10.py'),
      _equal('images for evaluation', 'Evaluating a Model', 10000,
             cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_EVAL, 'cifar10.py'),
      _equal('images that an evaluation scores', 'Evaluating a Model', 10000,
             evaluate['num_examples'].default or
             data.num_examples_per_epoch_for_eval, 'default of evaluate()'),
      _equal('classes', 'Overview', 10,
             graph.graph.get_tensor_by_name(
                 'softmax_linear/softmax_linear:0').shape.as_list()[-1], _READ),
      _equal('image: height, width, channels', 'Overview', (32, 32, 3),
             tuple(graph.graph.get_tensor_by_name(
                 'transpose:0').shape.as_list()), _READ),
      _equal('bytes of a record', 'Model Inputs', 1 + 32 * 32 * 3,
             graph.attribute('FixedLengthRecordReaderV2', 'record_bytes'),
             _READ),
      _equal('MB to download', 'Launching and Training', 160,
             round(data.sources[0].size / 2 ** 20, -1),
             'size of the archive, rounded to 10 MiB'),
      _equal('random crop', 'Model Inputs', (24, 24, 3),
             graph.constant('random_crop/size'), _READ),
      _equal('brightness, at most', 'Model Inputs', (-63.0, 63.0),
             (graph.constant('random_uniform/min'),
              graph.constant('random_uniform/max')), _READ),
      _equal('contrast, factor', 'Model Inputs', (0.2, 1.8),
             (graph.constant('random_uniform_1/min'),
              graph.constant('random_uniform_1/max')), _READ),
      _equal('images that stay in the queue', 'Model Inputs', 20000,
             queue.get_attr('min_after_dequeue'), _READ),
      _equal('capacity of the queue', 'Model Inputs', 20000 + 3 * 128,
             queue.get_attr('capacity'), _READ),
      _equal('threads that fill it', 'Model Inputs', 16, threads,
             'counted among the queue runners of our graph'),
      _equal('batch size', 'Training a Model Using Multiple GPU Cards', 128,
             graph.training.images.shape.as_list()[0], _READ),
  ]


def _network(graph, counted):
  """Returns the Claims about the layers."""
  parameters = sum(l.parameters for l in counted)
  products = sum(l.multiply_adds for l in counted)
  by_name = {l.name: l.multiply_adds for l in counted}
  other = convnet2_multiply_adds()
  convolutions = {name: p * s * m for name, p, s, m in _CONVNET2[:2]}
  # The reason holds for as long as that is what the two networks share.
  why = ''
  if convolutions == {name: by_name.get(name) for name in convolutions}:
    why = ("cuda-convnet2's network, with two locally connected layers at its "
           'top, has {:,}: computed from its description; the tutorial\'s own '
           'has fully connected ones'.format(other))
  weights = [name for name in graph.training.gradients
             if name.endswith('/weights')]
  biases = [name for name in graph.training.gradients
            if name.endswith('/biases')]
  decaying = tuple(sorted(op.name.partition('/')[0]
                          for op in graph.ops('L2Loss')))
  names = ('conv1', 'pool1', 'norm1', 'conv2', 'norm2', 'pool2', 'local3',
           'local4', 'softmax_linear')
  return [
      _equal('layers', 'Model Prediction', names,
             tuple(l.name for l in counted), _COUNTED),
      _equal('parameters', 'Model Architecture', 1068298, parameters,
             _COUNTED + ', layer by layer'),
      Claim('multiply-adds of one image', 'Model Architecture', '19.5M',
            '{:,}'.format(products), _COUNTED + ', layer by layer',
            '%.1f' % (products / 1e6) == '19.5',
            '' if '%.1f' % (products / 1e6) == '19.5' else why),
      _equal('ops of the training graph, about', 'CIFAR-10 Model', 765,
             len(graph.graph.get_operations()), _COUNTED,
             'counted in 2015, on the ops that TensorFlow made then; the same '
             'calls make more of them today'),
      _equal('size of kernels, and maps', 'Model Prediction',
             ((5, 5, 3, 64), (5, 5, 64, 64)),
             tuple(tuple(graph.training.variables[name].shape.as_list())
                   for name in weights[:2]), _READ),
      _equal('units of local3 and local4', 'Model Prediction', (384, 192),
             tuple(graph.training.variables[name].shape.as_list()[1]
                   for name in weights[2:4]), _READ),
      _equal('pooling: size and stride', 'Model Prediction',
             (1, 3, 3, 1, 1, 2, 2, 1) * 2,
             sum((graph.attribute(op, 'ksize') + graph.attribute(op, 'strides')
                  for op in ('pool1', 'pool2')), ()), _READ),
      _equal('normalization: radius, bias, alpha, beta', 'Model Prediction',
             (4, 1.0, _plain(0.001 / 9), 0.75) * 2,
             tuple(graph.attribute(op, name) for op in ('norm1', 'norm2')
                   for name in ('depth_radius', 'bias', 'alpha', 'beta')),
             _READ),
      _equal('deviation of the initial weights', 'Model Prediction',
             (1e-4, 1e-4, 0.04, 0.04, _plain(1 / 192)),
             tuple(graph.constant(
                 name + '/Initializer/truncated_normal/stddev')
                   for name in weights), _READ),
      _equal('initial biases', 'Model Prediction', (0.0, 0.1, 0.1, 0.1, 0.0),
             tuple(graph.constant(name + '/Initializer/Const')[0]
                   for name in biases), _READ),
      _equal('layers whose weights decay', 'Model Prediction',
             ('local3', 'local4'), decaying, _READ),
      _equal('weight decay', 'Model Prediction', (0.004, 0.004),
             tuple(graph.constant(name + '/weight_loss/y')
                   for name in decaying), _READ),
  ]


def _training(graph):
  """Returns the Claims about rates and averages."""
  rate, = {op.inputs[1] for op in graph.ops('ApplyGradientDescent')}
  drop = int(50000 / 128 * 350)
  return [
      _equal('learning rate at the start', 'cifar10.py', 0.1,
             graph.at_step(rate, 0), 'evaluated in our graph'),
      _equal('its factor after 350 epochs (at steps {:,} and {:,})'.format(
          drop - 1, drop), 'cifar10.py', (1.0, 0.1),
             tuple(_plain(np.float64(graph.at_step(rate, step)) /
                          graph.at_step(rate, 0)) for step in (drop - 1, drop)),
             'evaluated in our graph'),
      _equal('decay of the averaged weights', 'cifar10.py', 0.9999,
             graph.at_step(graph.graph.get_tensor_by_name(
                 'ExponentialMovingAverage/Minimum:0'), 10 ** 6),
             'evaluated in our graph, at step 1,000,000'),
      _equal('decay of the averaged losses', 'Model Training', 0.9,
             graph.constant('avg/decay'), _READ),
      _equal('epochs in 100K steps', 'cifar10_multi_gpu_train.py', 256,
             _plain(100000 * graph.training.images.shape.as_list()[0] //
                    cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN),
             'computed from batch size and images'),
  ]


def _log(graph, run, saved):
  """Returns the Claims about what a run prints and writes."""
  said = (4.68, 4.66, 4.64, 4.62, 4.61, 4.59)
  steps = tuple(line.step for line in run.log)
  losses = tuple(line.loss for line in run.log if line.step <= 50)
  filling = re.search(r'queue with (\d+) ', run.output)
  decay = [op.inputs[0] for op in graph.ops('L2Loss')]
  expected = first_loss(
      sum(t.shape.num_elements() for t in decay),
      graph.constant('local3/weights/Initializer/truncated_normal/stddev'),
      graph.constant('local3/weight_loss/y'))
  interval = inspect.signature(
      cifar10_eval.evaluate).parameters['eval_interval_secs'].default
  where = 'Launching and Training the Model'
  return [
      _equal('"Filling queue with ... images"', where, 20000,
             int(filling.group(1)) if filling else 0, _RUN),
      Claim('losses of steps 0 to 50', where, _text(said), _text(losses), _RUN,
            len(losses) == len(said) and
            max(abs(a - b) for a, b in zip(said, losses)) <= 0.03 + 1e-9,
            ''),
      Claim('loss of step 0, to be expected', where, '4.68', '%.3f' % expected,
            'ln(classes) and the decay of truncated normal weights',
            abs(expected - said[0]) <= 0.01, ''),
      _equal('steps between two lines of the log', where,
             tuple(range(0, _STEPS, 10)), steps, _RUN)._replace(
                 said='10', found=_text(_between(steps))),
      _equal('steps between two summaries', where,
             tuple(range(0, _STEPS, 100)), run.summaries, _RUN)._replace(
                 said='100', found=_text(_between(run.summaries))),
      _equal('steps between two checkpoints, and a last one', where,
             (0, 1000, 2000, 2001), saved,
             'our hook, 2,001 steps of a graph without weights')._replace(
                 said='1,000', found='at ' + _text(saved)),
      _equal('seconds between two evaluations', 'cifar10_eval.py', 5 * 60,
             interval, 'default of evaluate()'),
  ]


def _between(steps):
  """Returns the distances that occur between numbers, in ascending order."""
  return tuple(sorted({b - a for a, b in zip(steps, steps[1:])}))


_LONGER = ('needs a run of that length: cifar10_train, then ledger '
           '--our_run=TRAIN_DIR')


def _precision(evaluated):
  """Returns the Claims about what training leads to."""
  how = 'the newest checkpoint of --our_run, each test image once'
  found = '(no run given)'
  if evaluated:
    step, averaged, raw = evaluated
    found = '%.4f at step %s' % (averaged, _text(step))
  result = []
  for what, where, said, least in (
      ('precision after 60K steps', 'cifar10_multi_gpu_train.py', 0.86, 60000),
      ('precision after 100K steps', 'cifar10_multi_gpu_train.py', 0.86,
       100000),
      ('"precision @ 1" that eval prints', 'Evaluating a Model', 0.860, 60000)):
    if not evaluated or step < least:
      result.append(Claim(what, where, '%.2f' % said, found, how, None,
                          _LONGER))
      continue
    same = abs(averaged - said) <= 0.01
    result.append(Claim(
        what, where, '%.2f' % said, found, how, same,
        '' if same or averaged < 0.8 else
        'a figure for the official pixels: images that were encoded anew are '
        'told apart less well'))
  if not evaluated:
    gain = Claim('gain of averaged weights, about', 'Evaluating a Model', '3%',
                 found, how, None, _LONGER)
  else:
    points = 100 * (averaged - raw)
    same = 2 <= points <= 4
    gain = Claim('gain of averaged weights, about', 'Evaluating a Model', '3%',
                 '%.1f%% at step %s' % (points, _text(step)), how, same,
                 '' if same or points < 0 else
                 'the precision of the raw weights, one step\'s, goes up and '
                 'down from checkpoint to checkpoint')
  return result + [gain]


def _speed(run):
  """Returns the Claims about time: none of those GPUs can be had here."""
  seconds = [line.sec_per_batch for line in run.log if line.step]
  found = '%.3f on %s CPUs, no such GPU' % (np.median(seconds) if seconds
                                            else float('nan'), os.cpu_count())
  first = run.log[0].sec_per_batch if run.log else float('nan')
  how = 'median of the log, ' + _RUN
  where = 'cifar10_multi_gpu_train.py'
  said = [('1 Tesla K40c, log of steps 10 to 50', '0.214-0.327',
           'Launching and Training the Model')]
  said += [(gpu, text, where) for gpu, text in (
      ('1 Tesla K20m', '0.35-0.60'), ('1 Tesla K40m', '0.25-0.35'),
      ('2 Tesla K20m', '0.13-0.20'), ('3 Tesla K20m', '0.13-0.18'),
      ('4 Tesla K20m', '~0.10'))]
  result = [Claim('sec/batch, ' + gpu, place, text, found, how, None,
                  'needs that GPU') for gpu, text, place in said]
  # The hours beside them can be held against the table itself.
  for gpu, steps, low, high, hours in (
      ('1 Tesla K20m', 60000, 0.35, 0.60, 5.0),
      ('1 Tesla K40m', 100000, 0.25, 0.35, 4.0),
      ('2 Tesla K20m', 30000, 0.13, 0.20, 2.5)):
    least, most = steps * low / 3600, steps * high / 3600
    same = least <= hours <= most
    result.append(Claim(
        'hours for {:,} steps, {}'.format(steps, gpu), where, _text(hours),
        '%.1f-%.1f' % (least, most), "the same table's steps times seconds",
        same, '' if same else "the table's own columns do not agree"))
  return result + [
      Claim('precision after 30K steps, 2 to 4 Tesla K20m', where, '0.84',
            '(not trained)', 'cifar10_multi_gpu_train', None,
            'needs several GPUs'),
      Claim('sec/batch of step 0', 'Launching and Training the Model',
            '64.221', '%.3f on %s CPUs' % (first, os.cpu_count()), _RUN,
            abs(first - 64.221) < 10,
            'here the queue is filled before step 0, in 2015 within it')]


def make(data_dir, our_run=None, meta_graph=None):
  """Makes the ledger, with all that it needs.

  TensorFlow 2's behavior must be off.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
    our_run: str, the train_dir of a longer run.
    meta_graph: MetaGraphDef, our training graph if that is there already.

  Returns:
    What claims() returns.
  """
  evaluated = precisions(data_dir, our_run) if our_run else None
  with training_graph.Training(
      meta_graph or training_graph.ours(data_dir)) as training:
    return claims(training, short_run(data_dir), saved_steps(), evaluated)


def _parser():
  parser = command_line.Parser(prog='ledger', allow_abbrev=False,
                               description=__doc__.partition('\n')[0])
  parser.add_argument('--data_dir', required=True, metavar='DIR',
                      help='the directory above cifar-10-batches-bin')
  parser.add_argument('--our_run', metavar='DIR',
                      help='train_dir of a longer run, for the precisions')
  return parser


def _table(columns, lines):
  """Returns a table as text."""
  lines = [columns] + list(lines)
  widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
  return '\n'.join('  '.join(
      cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                   for line in lines)


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('ledger', lambda: _main(argv))


def _main(argv):
  args = _parser().parse_args(argv)
  data_dir, our_run = map(command_line.path, (args.data_dir, args.our_run))
  for eval_data in (False, True):
    datasets.check(datasets.CIFAR10, data_dir, eval_data)
  if our_run and not checkpoints.latest(our_run):
    raise errors.UsageError('--our_run=%s has no checkpoint' % our_run)
  tf.disable_v2_behavior()
  found, counted = make(data_dir, our_run)
  content = section(found, counted)
  print('%s\n\n%s\n' % (_table(COLUMNS, rows(found)),
                        _table(LAYER_COLUMNS, layer_rows(counted))))
  print('\n'.join(content['text']))
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
