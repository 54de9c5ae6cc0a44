"""A training graph as a MetaGraphDef that says where its parts are.

Two programs that build the same network by different code hand each other
such a MetaGraphDef: nothing of the code itself, and no bridge, comes along.
"""

import collections
import contextlib
import dataclasses
import io
import pathlib
import signal
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals

# The collections that name the parts, one tensor or op each.
_PREFIX = 'training_graph/'
PARTS = ('images', 'labels', 'loss', 'train_op')

# What they are called in the graph of cifar10_train.
_OUR_PARTS = {
    'images': 'shuffle_batch:0',
    'labels': 'Reshape_1:0',
    'loss': 'total_loss:0',
    'train_op': 'train',
}

_SHADOW = '/ExponentialMovingAverage'


def export(*, images, labels, loss, train_op, saver):
  """Describes the default graph.

  Args:
    images, labels, loss: tensors; the first two are what one feeds.
    train_op: Operation, one step.
    saver: tf.train.Saver of all variables.

  Returns:
    MetaGraphDef with shapes, the saver, and a collection for each of PARTS.
  """
  graph = tf.get_default_graph()
  meta_graph = tf.train.export_meta_graph(
      graph_def=graph.as_graph_def(add_shapes=True),
      graph=graph,
      saver_def=saver.as_saver_def(),
  )
  for part, value in zip(PARTS, (images, labels, loss, train_op)):
    names = meta_graph.collection_def[_PREFIX + part].node_list.value
    names.append(value.name)
  return meta_graph


def ours(data_dir, **kwargs):
  """Returns the graph that cifar10_train.train() builds and trains.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
    **kwargs: further settings, of config.Train.

  Returns:
    MetaGraphDef as of export(), but for the ops that the session added.

  Raises:
    DataError: a file is missing or damaged.
  """
  meta_graph = capture(
      cifar10_train.train, config_lib.Train(data_dir=data_dir, **kwargs)
  )
  for part, name in _OUR_PARTS.items():
    names = meta_graph.collection_def[_PREFIX + part].node_list.value
    names.append(name)
  return meta_graph


def capture(train, config):
  """Lets a trainer save its first checkpoint, and returns the graph in it.

  Args:
    train: function that trains, such as cifar10_train.train.
    config: its settings, except train_dir.

  Returns:
    MetaGraphDef that the trainer wrote: its whole graph, as the session ran it.
  """
  # A stop that was requested beforehand ends the trainer once it has saved its
  # initial values, before the queue is full.
  stop = signals.StopRequest()
  stop.signum = signal.SIGTERM
  with (
      tempfile.TemporaryDirectory() as train_dir,
      contextlib.redirect_stdout(io.StringIO()),
  ):
    train(dataclasses.replace(config, train_dir=train_dir), stop)
    return tf.MetaGraphDef.FromString(
        pathlib.Path(train_dir, 'model.ckpt-0.meta').read_bytes()
    )


def import_parts(meta_graph):
  """Imports a MetaGraphDef into the default graph.

  Args:
    meta_graph: MetaGraphDef, from export().

  Returns:
    (tf.train.Saver, list): the saver, and what PARTS names, in that order.

  Raises:
    UsageError: the MetaGraphDef does not say where its parts are.
  """
  missing = [
      part for part in PARTS if _PREFIX + part not in meta_graph.collection_def
  ]
  if missing:
    raise errors.UsageError(
        'a MetaGraphDef without the collection %s: it must be one of '
        'training_graph.export()' % (_PREFIX + missing[0])
    )
  saver = tf.train.import_meta_graph(meta_graph)
  return saver, [
      tf.get_default_graph().as_graph_element(
          meta_graph.collection_def[_PREFIX + part].node_list.value[0]
      )
      for part in PARTS
  ]


def initial_values(seed):
  """Draws the initial weights of our network.

  Args:
    seed: int.

  Returns:
    dict from key to array, the same for the same seed.
  """
  with tf.Graph().as_default(), tf.Session(config=one_thread()) as sess:
    tf.set_random_seed(seed)
    cifar10.inference(tf.zeros([1, cifar10.IMAGE_SIZE, cifar10.IMAGE_SIZE, 3]))
    sess.run(tf.global_variables_initializer())
    return sess.run({v.op.name: v for v in tf.trainable_variables()})


def one_thread():
  """Returns a ConfigProto with which sums are added up in a fixed order."""
  return tf.ConfigProto(
      intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
  )


class Training:
  """A session of its own on the graph of a MetaGraphDef, on one thread.

  Attributes:
    images, labels, loss, train_op: the parts.
    variables: dict from key to tf.Variable, all that the saver saves.
    gradients: dict from key to tensor, as the optimizer applies it.
    shadows: dict from key of a variable to the key of its moving average.
    averaged_after_update: bool, whether the graph makes each moving average
      wait for the update of its variable; else their order is open.
    step_key: str, the key of the step counter.
    saver: tf.train.Saver.
    session: tf.Session, in which no variable has a value yet.
  """

  def __init__(self, meta_graph):
    """Imports a MetaGraphDef.

    Args:
      meta_graph: MetaGraphDef, from export().

    Raises:
      UsageError: it does not say where its parts are, or which of its variables
        is the step counter cannot be told.
    """
    graph = tf.Graph()
    with graph.as_default():
      self.saver, parts = import_parts(meta_graph)
      self.images, self.labels, self.loss, self.train_op = parts
      variables = tf.global_variables()
    self.variables = collections.OrderedDict((v.op.name, v) for v in variables)
    self.gradients = collections.OrderedDict(
        (op.inputs[0].op.name, op.inputs[2])
        for op in graph.get_operations()
        if op.type == 'ApplyGradientDescent'
    )
    self.shadows = collections.OrderedDict(
        (key, key + _SHADOW)
        for key in self.gradients
        if key + _SHADOW in self.variables
    )
    self.averaged_after_update = self._averaged_after_update(graph)
    integers = [
        key
        for key, variable in self.variables.items()
        if variable.dtype.base_dtype.is_integer
    ]
    if len(integers) != 1:
      raise errors.UsageError(
          'a graph with %d integer variables (%s): exactly one, the step '
          'counter, can be dealt with' % (len(integers), ', '.join(integers))
      )
    (self.step_key,) = integers
    self.session = tf.Session(graph=graph, config=one_thread())

  def __enter__(self):
    return self

  def __exit__(self, *unused_exc_info):
    self.session.close()

  def load(self, values):
    """Gives every variable a value.

    Args:
      values: dict from key to array, for all of `variables`.
    """
    for key, variable in self.variables.items():
      assign = variable.initializer
      self.session.run(assign, {assign.inputs[1]: values[key]})

  def read(self):
    """Returns a dict from key to array, for all of `variables`."""
    return self.session.run(dict(self.variables))

  def _averaged_after_update(self, graph):
    """Looks for a path from each variable's update to its average's."""
    updates, averages = {}, {}
    for op in graph.get_operations():
      if op.type == 'ApplyGradientDescent':
        updates[op.inputs[0].op.name] = op
      elif op.type == 'AssignSub':
        averages[op.inputs[0].op.name] = op
    return bool(self.shadows) and all(
        shadow in averages and updates[key] in ancestors(averages[shadow])
        for key, shadow in self.shadows.items()
    )


def ancestors(op):
  """Returns the set of ops that an op waits for."""
  seen = set()
  waiting = [op]
  while waiting:
    op = waiting.pop()
    for above in [t.op for t in op.inputs] + list(op.control_inputs):
      if above not in seen:
        seen.add(above)
        waiting.append(above)
  return seen
