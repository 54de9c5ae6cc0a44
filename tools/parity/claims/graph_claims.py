"""Claims about the training graph: input, layers, rates and first loss."""

import math

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets

from . import layers
from . import stated


def claims(training, counted):
  """Returns the Claims about a training graph.

  Args:
    training: training_graph.Training of the port's graph, whose variables are
      overwritten.
    counted: list of layers.Layer, the layers of the port's network.
  """
  graph = _Graph(training)
  return (
      _examples(graph)
      + _distortions(graph)
      + _queue(graph)
      + _size(graph, counted)
      + _layers(graph)
      + _weights(graph)
      + _training(graph)
  )


class _Graph(object):
  """Looks up values in the training graph."""

  def __init__(self, training):
    self.training = training
    self.graph = training.session.graph
    (self.queue,) = self.ops('RandomShuffleQueueV2')

  def ops(self, kind):
    return [op for op in self.graph.get_operations() if op.type == kind]

  def tensor(self, op):
    return self.graph.get_tensor_by_name(op + ':0')

  def attribute(self, op, name):
    return _plain(self.graph.get_operation_by_name(op).get_attr(name))

  def constant(self, op):
    return _plain(tf.get_static_value(self.tensor(op)))

  def at_step(self, tensor, step):
    variable = self.training.variables[self.training.step_key]
    assign = variable.initializer
    self.training.session.run(assign, {assign.inputs[1]: step})
    return _plain(self.training.session.run(tensor))

  def trained(self, ending):
    """Returns the names of the trained variables with this suffix, in order."""
    return [
        name for name in self.training.gradients if name.endswith('/' + ending)
    ]

  def shapes(self, names):
    """Returns the shapes of variables as tuples."""
    return [tuple(self.training.variables[n].shape.as_list()) for n in names]


def _plain(value):
  """Converts numbers to Python types; rounds floats to 7 digits."""
  value = np.asarray(value)
  if value.ndim:
    return tuple(_plain(v) for v in value)
  return float('%.7g' % value) if value.dtype.kind == 'f' else int(value)


def _examples(graph):
  """Returns the Claims about images and records."""
  data = datasets.CIFAR10
  evaluate = config_lib.Eval()
  logits = graph.tensor('softmax_linear/softmax_linear')
  return [
      stated.equal(
          'images for training', cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN
      ),
      stated.equal(
          'images for evaluation', cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_EVAL
      ),
      stated.equal(
          'images that an evaluation scores',
          evaluate.num_examples or data.num_examples_per_epoch_for_eval,
      ),
      stated.equal('classes', logits.shape.as_list()[-1]),
      stated.equal(
          'image: height, width, channels',
          tuple(graph.tensor('transpose').shape.as_list()),
      ),
      stated.equal(
          'bytes of a record',
          graph.attribute('FixedLengthRecordReaderV2', 'record_bytes'),
      ),
      stated.equal('MB to download', round(data.sources[0].size / 2**20, -1)),
  ]


def _distortions(graph):
  """Returns the Claims about image distortions."""

  def bounds(op):
    return graph.constant(op + '/min'), graph.constant(op + '/max')

  return [
      stated.equal('random crop', graph.constant('random_crop/size')),
      stated.equal('brightness, at most', bounds('random_uniform')),
      stated.equal('contrast, factor', bounds('random_uniform_1')),
  ]


def _queue(graph):
  """Returns the Claims about the image queue."""
  queue = graph.queue
  runners = graph.graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
  return [
      stated.equal(
          'minimum number of images in the queue',
          queue.get_attr('min_after_dequeue'),
      ),
      stated.equal('capacity of the queue', queue.get_attr('capacity')),
      stated.equal(
          'threads that fill the queue',
          sum(len(r.enqueue_ops) for r in runners if r.name == queue.name),
      ),
      stated.equal('batch size', graph.training.images.shape.as_list()[0]),
  ]


def _size(graph, counted):
  """Returns the Claims about the size of the network and of the graph."""
  by_name = {l.name: l.multiply_adds for l in counted}
  products = sum(by_name.values())
  other = layers.convnet2_multiply_adds()
  return [
      stated.equal('layers', tuple(l.name for l in counted)),
      stated.equal('parameters', sum(l.parameters for l in counted)),
      # The listed reason applies only if both networks have the same first
      # layers.
      stated.judged(
          'multiply-adds of one image',
          products,
          same='%.1fM' % (products / 1e6)
          == stated.said('multiply-adds of one image'),
          reason_holds=all(
              other[name] == by_name.get(name) for name in ('conv1', 'conv2')
          ),
      ),
      stated.equal(
          'ops of the training graph (approximate)',
          len(graph.graph.get_operations()),
      ),
  ]


def _layers(graph):
  """Returns the Claims about the layers' shapes and attributes."""
  shapes = graph.shapes(graph.trained('weights'))
  pools = [
      graph.attribute(op, 'ksize') + graph.attribute(op, 'strides')
      for op in ('pool1', 'pool2')
  ]
  return [
      stated.equal('kernel sizes and maps', tuple(shapes[:2])),
      stated.equal(
          'units of local3 and local4', tuple(shape[1] for shape in shapes[2:4])
      ),
      stated.equal('pooling: size and stride', sum(pools, ())),
      stated.equal(
          'normalization: radius, bias, alpha, beta',
          tuple(
              graph.attribute(op, name)
              for op in ('norm1', 'norm2')
              for name in ('depth_radius', 'bias', 'alpha', 'beta')
          ),
      ),
  ]


def _decaying(graph):
  """Returns the sorted names of the layers with weight decay."""
  return tuple(sorted(op.name.partition('/')[0] for op in graph.ops('L2Loss')))


def _weights(graph):
  """Returns the Claims about initial values and weight decay."""
  return [
      stated.equal(
          'standard deviation of the initial weights',
          tuple(
              graph.constant(name + '/Initializer/truncated_normal/stddev')
              for name in graph.trained('weights')
          ),
      ),
      stated.equal(
          'initial biases',
          tuple(
              graph.constant(name + '/Initializer/Const')[0]
              for name in graph.trained('biases')
          ),
      ),
      stated.equal('layers whose weights decay', _decaying(graph)),
      stated.equal(
          'weight decay',
          tuple(
              graph.constant(name + '/weight_loss/y')
              for name in _decaying(graph)
          ),
      ),
      _first_loss(graph),
  ]


def _first_loss(graph):
  """Returns the Claim about the loss of step 0."""
  what = 'expected loss at step 0'
  decay = [op.inputs[0] for op in graph.ops('L2Loss')]
  expected = first_loss(
      weights=sum(t.shape.num_elements() for t in decay),
      stddev=graph.constant(
          'local3/weights/Initializer/truncated_normal/stddev'
      ),
      decay=graph.constant('local3/weight_loss/y'),
  )
  return stated.judged(
      what,
      '%.3f' % expected,
      same=abs(expected - stated.said(what)) <= 0.01,
  )


def first_loss(*, weights, stddev, decay, classes=cifar10.NUM_CLASSES):
  """Returns the expected loss of an untrained network.

  Args:
    weights: int, the number of weights with weight decay.
    stddev: float, standard deviation of the initial weights, before truncation
      at two standard deviations.
    decay: float, the factor of the L2 loss (half the sum of squared weights).
    classes: int, number of classes.
  """
  # The variance of a normal distribution truncated at two standard deviations.
  density = math.exp(-2) / math.sqrt(2 * math.pi)
  variance = 1 - 4 * density / math.erf(math.sqrt(2))
  return math.log(classes) + decay / 2 * stddev**2 * variance * weights


def _training(graph):
  """Returns the Claims about learning rates and moving averages."""
  (rate,) = {op.inputs[1] for op in graph.ops('ApplyGradientDescent')}
  average = graph.tensor('ExponentialMovingAverage/Minimum')
  drop = int(50000 / 128 * 350)
  start, before, after = (
      np.float64(graph.at_step(rate, step)) for step in (0, drop - 1, drop)
  )
  batch_size = graph.training.images.shape.as_list()[0]
  return [
      stated.equal('initial learning rate', float(start)),
      stated.equal(
          'learning rate factor after 350 epochs (at steps 136,717 and 136,718)',
          (_plain(before / start), _plain(after / start)),
      ),
      stated.equal(
          'decay of the averaged weights', graph.at_step(average, 10**6)
      ),
      stated.equal('decay of the averaged losses', graph.constant('avg/decay')),
      stated.equal(
          'epochs in 100K steps',
          100000 * batch_size // cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN,
      ),
  ]
