"""Trains an edition's graph on given batches, in an old interpreter.

  training ARGUMENTS.json

The file contains a dict:

  source, package: the directory of the unmodified files, and the package from
    which the unmodified files import
  data_dir: the parent directory of cifar-10-batches-bin
  out: the directory to write to
  batches: an .npz file with images, float32 of shape [n, 128, 24, 24, 3], and
    labels, int32 of shape [n, 128]
  looks: number of batches at each end of `batches` for single steps before and
    after training; the other batches are for training
  seed: int, seed of the initial values and of the values that the port restores
  restore: dict from a name to a checkpoint of the port to restore
  step_key: the key of the step counter in the port's checkpoints

The edition's cifar10_train runs until it opens its session.  The program writes
into `out`:

  graph.json: dict with the keys of the variables and the version of TensorFlow
  marked.npz, marked-V1, marked-V2: values of all variables, and checkpoints of
    them in both formats
  NAME.npz: the variables after restoring a checkpoint of `restore`; 77 for
    variables that are missing from the checkpoint
  start-0, start-1: checkpoints before and after training
  step-0-N.npz, step-1-N.npz: results of a step on the N-th batch, from start-0
    or start-1: "activation: NAME", "loss: NAME", "gradient: KEY",
    "before: KEY", "after: KEY"
  losses.json: the loss of each training step
  events.*: an event file with all summaries of the first batch after training
"""

import importlib
import os
import re
import runpy
import sys

import edition
import numpy as np

# Names of the ops whose outputs are a layer's activations.
_LAYER = r'(conv\d|local\d|softmax_linear)/\1$|(pool|norm)\d$'


class _SessionOpened(Exception):
  """Raised when the trainer opens its session, to stop the trainer."""


def capture(arguments):
  """Runs the edition's cifar10_train until it opens its session.

  Args:
    arguments: dict with source, package, data_dir and out, and optionally
      flags, a list of additional flags for the trainer.

  Returns:
    (module tensorflow, Graph, dict from 'distorted_inputs', 'loss' and 'train'
    to the function's return value)
  """
  import tensorflow as tf

  source, package = arguments['source'], arguments['package']
  edition.place(source, package)
  edition.lay(tf, source, 'cifar10_train')
  made = {}
  prefix = package + '.' if package else ''
  cifar10 = importlib.import_module(prefix + 'cifar10')

  def note(name):
    function = getattr(cifar10, name)

    def noting(*args, **kwargs):
      made[name] = function(*args, **kwargs)
      return made[name]

    setattr(cifar10, name, noting)

  for name in ('distorted_inputs', 'loss', 'train'):
    note(name)

  def opened(*unused_args, **unused_kwargs):
    made['graph'] = tf.get_default_graph()
    raise _SessionOpened()

  present = tf.Session
  tf.Session = opened
  if hasattr(tf.train, 'MonitoredTrainingSession'):
    tf.train.MonitoredTrainingSession = opened
  path = os.path.join(source, 'cifar10_train.py')
  sys.argv = [
      path,
      '--data_dir=' + arguments['data_dir'],
      '--train_dir=' + os.path.join(arguments['out'], 'train'),
  ] + arguments.get('flags', [])
  try:
    runpy.run_path(path, run_name='__main__')
  except _SessionOpened:
    pass
  tf.Session = present
  return tf, made.pop('graph'), made


class Training(object):
  """A single-threaded session on the captured graph."""

  def __init__(self, tf, graph, made):
    self._tf = tf
    self.graph = graph
    self.images, self.labels = made['distorted_inputs']
    self.train_op = made['train']
    operations = graph.get_operations()
    with graph.as_default():
      self.variables = dict((v.op.name, v) for v in tf.global_variables())
      self._init = tf.global_variables_initializer()
      self._summary = tf.summary.merge_all()
      self._savers = dict(
          (
              name,
              tf.train.Saver(
                  self.variables, write_version=getattr(tf.train.SaverDef, name)
              ),
          )
          for name in ('V1', 'V2')
      )
    self._fetched = {}
    for op in operations:
      # Skip the input ops: fetching them would wait for images.
      if re.match(_LAYER, op.name):
        self._fetched['activation: ' + op.name] = op.outputs[0]
      elif op.type == 'ApplyGradientDescent':
        key = op.inputs[0].op.name
        self._fetched['gradient: ' + key] = op.inputs[2]
        self._rate = op.inputs[1]
    for loss in graph.get_collection('losses') + [made['loss']]:
      self._fetched['loss: ' + loss.op.name] = loss
    self._total = made['loss']
    self.session = tf.Session(
        graph=graph,
        config=tf.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
        ),
    )

  def initialize(self):
    self.session.run(self._init)

  def load(self, values):
    for key, variable in self.variables.items():
      assign = variable.initializer
      self.session.run(assign, {assign.inputs[1]: values[key]})

  def read(self):
    return self.session.run(self.variables)

  def save(self, path, version='V2'):
    self._savers[version].save(self.session, path, write_meta_graph=False)

  def restore(self, path, step_key):
    """Restores variables with equal keys and shapes, and the step counter."""
    reader = self._tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    fitting = {}
    for key, variable in self.variables.items():
      if key == step_key or (key == 'Variable' and key not in shapes):
        # The step counter can have another name and integer type.
        assign = variable.initializer
        value = reader.get_tensor(step_key)
        self.session.run(assign, {assign.inputs[1]: value})
      elif shapes.get(key) == variable.get_shape().as_list():
        fitting[key] = variable
    with self.graph.as_default():
      saver = self._tf.train.Saver(fitting)
    saver.restore(self.session, path)

  def step(self, images, labels):
    """Trains for one step; returns the loss."""
    feed = {self.images: images, self.labels: labels}
    return self.session.run([self._total, self.train_op], feed)[0]

  def observed_step(self, images, labels):
    """Takes one step; returns a dict of its results."""
    feed = {self.images: images, self.labels: labels}
    before = self.read()
    found, rate, _ = self.session.run(
        [self._fetched, self._rate, self.train_op], feed
    )
    found['rate'] = rate
    for when, values in (('before', before), ('after', self.read())):
      for key, value in values.items():
        found['%s: %s' % (when, key)] = value
    return found

  def write_events(self, directory, images, labels):
    feed = {self.images: images, self.labels: labels}
    writer = self._tf.summary.FileWriter(directory)
    writer.add_summary(self.session.run(self._summary, feed), 0)
    writer.close()


def marked_values(variables, seed):
  """Returns values for all variables, in which all elements are distinct."""
  random = np.random.RandomState(seed)
  values = {}
  for key in sorted(variables):
    dtype = variables[key].dtype.base_dtype.as_numpy_dtype
    shape = variables[key].get_shape().as_list()
    if np.issubdtype(dtype, np.integer):
      values[key] = np.asarray(seed, dtype)
    else:
      values[key] = np.asarray(random.standard_normal(shape), dtype)
  return values


def exchange(training, arguments, out):
  """Saves checkpoints with distinct values; restores the port's checkpoints."""
  values = marked_values(training.variables, arguments['seed'])
  training.load(values)
  np.savez(os.path.join(out, 'marked.npz'), **values)
  for version in ('V1', 'V2'):
    training.save(os.path.join(out, 'marked-' + version), version)
  for name, path in arguments['restore'].items():
    # Overwrite the values, so that no old value can be mistaken for a restored
    # value.
    training.load(
        dict((k, np.full(np.shape(v), 77, v.dtype)) for k, v in values.items())
    )
    training.restore(path, arguments['step_key'])
    np.savez(os.path.join(out, name + '.npz'), **training.read())


def look(training, moment, batches, out):
  """Takes a step from the current values on each batch; restores the values."""
  training.save(os.path.join(out, 'start-%d' % moment))
  start = training.read()
  for n, batch in enumerate(batches):
    path = os.path.join(out, 'step-%d-%d.npz' % (moment, n))
    np.savez(path, **training.observed_step(*batch))
    training.load(start)


def train(training, arguments, out):
  """Trains on the batches; takes single steps on the first and last batches."""
  with np.load(arguments['batches']) as f:
    batches = list(zip(f['images'], f['labels']))
  looks = arguments['looks']
  training.initialize()
  look(training, 0, batches[:looks], out)
  losses = [float(training.step(*batch)) for batch in batches[looks:-looks]]
  # Write the summaries first, because the gradient histograms update the loss
  # averages.
  training.write_events(out, *batches[-looks])
  look(training, 1, batches[-looks:], out)
  edition.write(losses, out, 'losses')


def main():
  arguments = edition.arguments()
  tf, graph, made = capture(arguments)
  with graph.as_default():
    tf.set_random_seed(arguments['seed'])
  training = Training(tf, graph, made)
  out = arguments['out']
  edition.write(
      {'keys': sorted(training.variables), 'tensorflow': tf.__version__},
      out,
      'graph',
  )
  exchange(training, arguments, out)
  train(training, arguments, out)


if __name__ == '__main__':
  main()
