"""Stores a training graph as a MetaGraphDef with named parts.

Programs that build the same network with different code exchange these
MetaGraphDefs, so that no program loads another program's code or bridges.
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

# Prefix of the collections of the parts, each with one tensor or op.
_PREFIX = 'training_graph/'
PARTS = ('images', 'labels', 'loss', 'train_op')

# The names of the parts in cifar10_train's graph.
_OUR_PARTS = {
    'images': 'shuffle_batch:0',
    'labels': 'Reshape_1:0',
    'loss': 'total_loss:0',
    'train_op': 'train',
}

_SHADOW = '/ExponentialMovingAverage'


def export(*, images, labels, loss, train_op, saver):
  """Exports the default graph with its named parts.

  Args:
    images, labels, loss: tensors; images and labels can be fed.
    train_op: Operation that runs one step.
    saver: tf.train.Saver of all variables.

  Returns:
    MetaGraphDef with shapes, the saver, and a collection for each part in
    PARTS.
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
    data_dir: str, the parent directory of cifar-10-batches-bin.
    **kwargs: other settings of config.Train.

  Returns:
    The MetaGraphDef that export() returns, plus the ops that the session added.

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
  """Runs a trainer up to its first checkpoint, and returns the saved graph.

  Args:
    train: function that trains, such as cifar10_train.train.
    config: the trainer's settings, except train_dir.

  Returns:
    The MetaGraphDef that the trainer wrote: the complete graph that the session
      ran.
  """
  # As a stop is already requested, the trainer exits after saving its initial
  # values, before the queue is full.
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
    (tf.train.Saver, list): the saver, and the parts, in the order of PARTS.

  Raises:
    UsageError: the MetaGraphDef was not made by export().
  """
  missing = [
      part for part in PARTS if _PREFIX + part not in meta_graph.collection_def
  ]
  if missing:
    raise errors.UsageError(
        'the MetaGraphDef has no collection %s: create it '
        'with training_graph.export()' % (_PREFIX + missing[0])
    )
  saver = tf.train.import_meta_graph(meta_graph)
  return saver, [
      tf.get_default_graph().as_graph_element(
          meta_graph.collection_def[_PREFIX + part].node_list.value[0]
      )
      for part in PARTS
  ]


def initial_values(seed):
  """Draws the initial weights of the port's network.

  Args:
    seed: int.

  Returns:
    dict from key to array; equal seeds yield equal arrays.
  """
  with tf.Graph().as_default(), tf.Session(config=one_thread()) as sess:
    tf.set_random_seed(seed)
    cifar10.inference(tf.zeros([1, cifar10.IMAGE_SIZE, cifar10.IMAGE_SIZE, 3]))
    sess.run(tf.global_variables_initializer())
    return sess.run({v.op.name: v for v in tf.trainable_variables()})


def one_thread():
  """Returns a ConfigProto for one thread, which fixes the order of sums."""
  return tf.ConfigProto(
      intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
  )


class Training:
  """A single-threaded session on the graph of a MetaGraphDef.

  Attributes:
    images, labels, loss, train_op: the parts.
    variables: dict from key to tf.Variable, all saved variables.
    gradients: dict from key to the tensor that the optimizer applies.
    shadows: dict from a variable's key to its moving average's key.
    averaged_after_update: bool, whether the graph updates each moving average
      after the variable; if False, the order is undefined.
    step_key: str, the key of the step counter.
    saver: tf.train.Saver.
    session: tf.Session with uninitialized variables.
  """

  def __init__(self, meta_graph):
    """Imports a MetaGraphDef.

    Args:
      meta_graph: MetaGraphDef, from export().

    Raises:
      UsageError: the MetaGraphDef was not made by export(), or has no unique
        step counter.
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
          'the graph has %d integer variables (%s), but must have exactly one, '
          'the step counter' % (len(integers), ', '.join(integers))
      )
    (self.step_key,) = integers
    self.session = tf.Session(graph=graph, config=one_thread())

  def __enter__(self):
    return self

  def __exit__(self, *unused_exc_info):
    self.session.close()

  def load(self, values):
    """Sets every variable.

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
    """Returns whether each average is updated after its variable."""
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
  """Returns the set of ops that an op depends on."""
  seen = set()
  waiting = [op]
  while waiting:
    op = waiting.pop()
    for above in [t.op for t in op.inputs] + list(op.control_inputs):
      if above not in seen:
        seen.add(above)
        waiting.append(above)
  return seen
