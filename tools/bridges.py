"""What the CIFAR-10 tutorial's old symbols are called today: one table.

BRIDGES is the migration guide that `historical --list` prints, and at the same
time what makes the old scripts run: each entry carries the function that
installs it, so the guide cannot say one thing and the program do another.

An old script sees a stand-in for the module `tensorflow`: tf.compat.v1, with
the old names laid over it.  TensorFlow itself is left as it is, but for
Tensor.__bool__, which answers differently to the script's own lines only.
"""

import os
import re
import sys
import types
from typing import Callable, NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_download
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import summaries

# How long threads may take to notice that a script is over.
_GRACE_SECS = 10


class StandIn(object):
  """The modules that an old script imports, and what it left running.

  Attributes:
    source: str, absolute path of the directory of the script.
    script: str, the script's name, for messages.
    modules: dict from a module's full name to what sys.modules is to hold.
    undo: list of functions without arguments, to be called at the end.
    cpus: int, how many CPU devices a session needs for its towers.
    bridge_cifar10: function that is to be given the old module cifar10.
  """

  def __init__(self, source, script):
    self.source = os.path.abspath(source)
    self.script = script
    self.undo = []
    self.cpus = 1
    self.bridge_cifar10 = None
    self._coordinators = []
    self._sessions = []
    self._writers = []
    top = _overlay('tensorflow', tf)
    real = sys.modules['tensorflow']
    # `import tensorflow.python.x` goes on finding TensorFlow's own parts.
    top.__path__ = real.__path__
    top.__spec__ = real.__spec__
    top.python = sys.modules['tensorflow.python']
    self.modules = {'tensorflow': top}

  def set(self, name, value):
    """Lays a value over a name such as 'train.SummaryWriter'."""
    parent, _, attribute = name.rpartition('.')
    setattr(self._module(parent), attribute, value)

  def _module(self, name):
    """Returns the stand-in of a module below tensorflow, made when needed."""
    if not name:
      return self.modules['tensorflow']
    full_name = 'tensorflow.' + name
    if full_name not in self.modules:
      parent, _, attribute = name.rpartition('.')
      above = self._module(parent)
      module = _overlay(full_name, getattr(above, attribute, None))
      setattr(above, attribute, module)
      self.modules[full_name] = module
    return self.modules[full_name]

  def add_package(self, name, path):
    """Makes a package, and those above it, whose files lie in a directory."""
    parts = name.split('.')
    for n in range(1, len(parts) + 1):
      module = self._module('.'.join(parts[:n]))
      module.__path__ = []
    module.__path__ = [path]

  def start_queue_runners(self, sess=None, coord=None, **kwargs):
    """tf.train.start_queue_runners whose threads can be stopped at the end."""
    if coord is None:
      coord = tf.train.Coordinator()
      self._coordinators.append(coord)
    return tf.train.start_queue_runners(sess=sess, coord=coord, **kwargs)

  def keep_session(self, sess):
    self._sessions.append(sess)

  def keep_writer(self, writer):
    self._writers.append(writer)
    return writer

  def stop(self):
    """Ends what the script left running.

    Returns:
      The exception that ended an input thread first, or None.
    """
    cause = None
    for coord in self._coordinators:
      coord.request_stop()  # Cancels what the threads wait for.
      try:
        coord.join(stop_grace_period_secs=_GRACE_SECS,
                   ignore_live_threads=True)
      except Exception as e:  # pylint: disable=broad-except
        cause = cause or e
    for resource in self._sessions + self._writers:
      resource.close()
    self._coordinators, self._sessions, self._writers = [], [], []
    return cause


class Bridge(NamedTuple):
  """One old symbol."""
  old: str  # as the old scripts write it
  new: str  # as one writes it today
  reason: str
  install: Callable[[StandIn], None]


def _overlay(name, below):
  """Returns a module that answers for another where it has no name itself."""
  module = types.ModuleType(name)
  if below is not None:
    module.__getattr__ = lambda attribute: getattr(below, attribute)
  return module


def _alias(name, value):
  """Returns the installer of a symbol that was only renamed."""
  return lambda stand_in: stand_in.set(name, value)


def _concat(stand_in):
  def concat(*args, **kwargs):
    if 'concat_dim' in kwargs:
      kwargs['axis'] = kwargs.pop('concat_dim')
    if args and not isinstance(args[0], (list, tuple)):
      kwargs['axis'] = args[0]
      args = args[1:]
    if args:
      kwargs['values'] = args[0]
    if len(args) > 1:
      kwargs['axis' if 'axis' not in kwargs else 'name'] = args[1]
    return tf.concat(**kwargs)
  stand_in.set('concat', concat)


def _cross_entropy(name):
  """Returns the installer of a cross entropy that took its logits first."""
  present = getattr(tf.nn, name)

  def cross_entropy(*args, **kwargs):
    kwargs.update(zip(('logits', 'labels', 'name'), args))
    return present(**kwargs)
  return _alias('nn.' + name, cross_entropy)


def _random_crop(stand_in):
  def random_crop(image, size, **kwargs):
    if len(size) == 2:
      size = list(size) + [image.get_shape()[2]]
    return tf.image.random_crop(image, size, **kwargs)
  stand_in.set('image.random_crop', random_crop)


def _summary_writer(stand_in):
  def summary_writer(logdir, graph=None, *args, **kwargs):
    if isinstance(graph, tf.GraphDef):
      kwargs['graph_def'] = graph
      graph = None
    return stand_in.keep_writer(
        tf.summary.FileWriter(logdir, graph, *args, **kwargs))
  stand_in.set('train.SummaryWriter', summary_writer)


def _file_writer(stand_in):
  def file_writer(*args, **kwargs):
    return stand_in.keep_writer(tf.summary.FileWriter(*args, **kwargs))
  stand_in.set('summary.FileWriter', file_writer)


def _start_queue_runners(stand_in):
  stand_in.set('train.start_queue_runners', stand_in.start_queue_runners)


def _session(stand_in):
  class Session(tf.Session):
    """Is closed at the end, and has a CPU device for every tower."""

    def __init__(self, target='', graph=None, config=None):
      if stand_in.cpus > 1:
        given = config
        config = tf.ConfigProto()
        if given is not None:
          config.CopyFrom(given)
        config.device_count['CPU'] = stand_in.cpus
      super(Session, self).__init__(target, graph, config)
      stand_in.keep_session(self)
  stand_in.set('Session', Session)


def _device(stand_in):
  has_gpu = bool(tf.config.list_physical_devices('GPU'))
  told = []

  def device(name):
    match = not has_gpu and isinstance(name, str) and re.match(
        r'/(?:device:)?gpu:(\d+)$', name, re.IGNORECASE)
    if not match:
      return tf.device(name)
    if not told:
      told.append(name)
      print('historical: no GPU here, so the towers run on CPU devices',
            file=sys.stderr)
    tower = int(match.group(1))
    stand_in.cpus = max(stand_in.cpus, tower + 1)
    return tf.device('/cpu:%d' % tower)
  stand_in.set('device', device)


def _truth(stand_in):
  present = tf.Tensor.__bool__
  inside = stand_in.source + os.sep

  def truth(tensor):
    # TensorFlow's own code relies on the refusal.
    caller = os.path.abspath(sys._getframe(1).f_code.co_filename)
    return caller.startswith(inside) or present(tensor)
  tf.Tensor.__bool__ = truth
  stand_in.undo.append(lambda: setattr(tf.Tensor, '__bool__', present))


def _moving_average(stand_in):
  class ExponentialMovingAverage(tf.train.ExponentialMovingAverage):
    """Makes its variables even where the scope says that all exist."""

    def apply(self, var_list=None):
      scope = tf.get_variable_scope()
      reuse = tf.AUTO_REUSE if scope.reuse else None
      with tf.variable_scope(scope, reuse=reuse, auxiliary_name_scope=False):
        return super(ExponentialMovingAverage, self).apply(var_list)
  stand_in.set('train.ExponentialMovingAverage', ExponentialMovingAverage)


def _global_step(stand_in):
  def get_variable(name, shape=None, dtype=None, *args, **kwargs):
    if name == 'global_step' and dtype is None:
      dtype = tf.int64
    return tf.get_variable(name, shape, dtype, *args, **kwargs)
  stand_in.set('get_variable', get_variable)


def _prefetch_queue(stand_in):
  def prefetch_queue(tensors, capacity=8, num_threads=1, name=None):
    with tf.name_scope(name, 'prefetch_queue', tensors):
      queue = tf.FIFOQueue(capacity, [t.dtype for t in tensors],
                           [t.get_shape() for t in tensors])
      tf.train.add_queue_runner(tf.train.QueueRunner(
          queue, [queue.enqueue(tensors)] * num_threads))
      tf.summary.scalar('fraction_of_%d_full' % capacity,
                        tf.cast(queue.size(), tf.float32) / capacity)
    return queue
  stand_in.set('contrib.slim.prefetch_queue.prefetch_queue', prefetch_queue)


def _delete(stand_in):
  def delete(path):
    raise errors.UsageError(
        '%s exists and %s would delete it: name another directory, or remove '
        'it yourself' % (path, stand_in.script))
  stand_in.set('gfile.DeleteRecursively', delete)
  stand_in.set('python.platform.gfile.DeleteRecursively', delete)


def _download(stand_in):
  def maybe_download_and_extract(data_dir):
    cifar10_download.maybe_download_and_extract(data_dir)
    for eval_data in (False, True):
      datasets.check(datasets.CIFAR10, data_dir, eval_data)

  def bridge(module):
    module.maybe_download_and_extract = (
        lambda: maybe_download_and_extract(module.FLAGS.data_dir))
  stand_in.bridge_cifar10 = bridge


def _import_path(stand_in):
  stand_in.add_package('models.image.cifar10', stand_in.source)


_TAG = 'today a tag is made out of a name; this bridge keeps the old tag'
_ORDER = 'by keyword only since 1.0, so that nobody mixes up the order'

BRIDGES = (
    Bridge('from tensorflow.models.image.cifar10 import cifar10',
           'import cifar10',
           'the tutorial is no part of the TensorFlow package any more',
           _import_path),
    Bridge('tf.mul(x, y)', 'tf.multiply(x, y)', 'renamed in 1.0',
           _alias('mul', tf.multiply)),
    Bridge('tf.concat(0, values)', 'tf.concat(values, 0)',
           'the axis comes last since 1.0', _concat),
    Bridge('tf.all_variables()', 'tf.global_variables()', 'renamed in 0.12',
           _alias('all_variables', tf.global_variables)),
    Bridge('tf.initialize_all_variables()',
           'tf.global_variables_initializer()', 'renamed in 0.12',
           _alias('initialize_all_variables',
                  tf.global_variables_initializer)),
    Bridge('sparse_softmax_cross_entropy_with_logits(x, y)',
           'the same with labels=y, logits=x', _ORDER,
           _cross_entropy('sparse_softmax_cross_entropy_with_logits')),
    Bridge('tf.nn.softmax_cross_entropy_with_logits(x, y)',
           'the same with labels=y, logits=x', _ORDER,
           _cross_entropy('softmax_cross_entropy_with_logits')),
    Bridge('tf.image.per_image_whitening(image)',
           'tf.image.per_image_standardization(image)',
           'renamed in 0.12: it never took correlations out',
           _alias('image.per_image_whitening',
                  tf.image.per_image_standardization)),
    Bridge('tf.image.random_crop(image, [24, 24])',
           'tf.random_crop(image, [24, 24, 3])',
           'crops along every dimension since 0.7', _random_crop),
    Bridge('tf.scalar_summary(tag, x)', 'tf.summary.scalar(name, x)', _TAG,
           _alias('scalar_summary', summaries.scalar_summary)),
    Bridge('tf.histogram_summary(tag, x)', 'tf.summary.histogram(name, x)',
           _TAG, _alias('histogram_summary', summaries.histogram_summary)),
    Bridge('tf.image_summary(tag, x)', 'tf.summary.image(name, x)', _TAG,
           _alias('image_summary', summaries.image_summary)),
    Bridge('tf.merge_summary(inputs)', 'tf.summary.merge(inputs)',
           'renamed in 0.12', _alias('merge_summary', tf.summary.merge)),
    Bridge('tf.merge_all_summaries()', 'tf.summary.merge_all()',
           'renamed in 0.12',
           _alias('merge_all_summaries', tf.summary.merge_all)),
    Bridge('tf.train.SummaryWriter(logdir, graph_def)',
           'tf.summary.FileWriter(logdir, graph)',
           'renamed in 0.12; takes a graph instead of its GraphDef since 0.8',
           _summary_writer),
    Bridge('tf.summary.FileWriter(logdir), never closed',
           'with tf.summary.FileWriter(logdir)',
           'else the last events, up to two minutes of them, can be lost',
           _file_writer),
    Bridge('tf.train.start_queue_runners(sess)',
           'the same with coord=tf.train.Coordinator()',
           'threads that nobody stops trip over the end of the process',
           _start_queue_runners),
    Bridge('tf.Session(), never closed', 'with tf.Session()',
           'threads that nobody stops trip over the end of the process',
           _session),
    Bridge("tf.device('/gpu:N') where no GPU is",
           "tf.device('/cpu:N'), device_count={'CPU': N + 1}",
           'so that each tower keeps a device of its own', _device),
    Bridge('if grad:', 'if grad is not None:',
           'a tensor has no truth value since 0.8, where it was always true',
           _truth),
    Bridge('ExponentialMovingAverage.apply() while reusing',
           'the towers in tf.variable_scope(tf.get_variable_scope())',
           'it calls get_variable today, which then makes no new variable',
           _moving_average),
    Bridge("tf.get_variable('global_step', [])",
           'tf.train.get_or_create_global_step()',
           "float32 by default, which today's hooks and sessions refuse",
           _global_step),
    Bridge('tf.contrib.slim.prefetch_queue.prefetch_queue(x)',
           'tf.FIFOQueue with a tf.train.QueueRunner',
           'tf.contrib was dropped in 2.0', _prefetch_queue),
    Bridge('tf.gfile.DeleteRecursively(train_dir)',
           'stop where the directory exists',
           'the scripts delete an existing train_dir or eval_dir unasked',
           _delete),
    Bridge('cifar10.maybe_download_and_extract()',
           'cifar10_download.maybe_download_and_extract(data_dir)',
           'the old one kept a broken archive for good; ours checks it',
           _download),
)


def install(source, script):
  """Makes a stand-in with every bridge.

  Args:
    source: str, the directory of the old files.
    script: str, the script's name, for messages.

  Returns:
    StandIn; its modules are to be put into sys.modules by the caller.
  """
  stand_in = StandIn(source, script)
  for bridge in BRIDGES:
    bridge.install(stand_in)
  return stand_in
