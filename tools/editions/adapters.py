"""Installers, each of which adds one old symbol to a stand_in.StandIn.

An installer has the StandIn as its parameter; some functions return an
installer.  bridges.py explains the purpose of each symbol.
"""

import os
import re
import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.data import download


def alias(name, value):
  """Returns the installer of a symbol that TensorFlow only renamed."""
  return lambda stand_in: stand_in.set(name, value)


def install_concat(stand_in):
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


def logits_first(name):
  """Returns the installer of a cross entropy with the logits first."""
  present = getattr(tf.nn, name)

  def cross_entropy(*args, **kwargs):
    kwargs.update(zip(('logits', 'labels', 'name'), args))
    return present(**kwargs)

  return alias('nn.' + name, cross_entropy)


def install_random_crop(stand_in):
  def random_crop(image, size, **kwargs):
    if len(size) == 2:
      size = list(size) + [image.get_shape()[2]]
    return tf.image.random_crop(image, size, **kwargs)

  stand_in.set('image.random_crop', random_crop)


def install_summary_writer(stand_in):
  def summary_writer(logdir, graph=None, *args, **kwargs):
    if isinstance(graph, tf.GraphDef):
      kwargs['graph_def'] = graph
      graph = None
    return stand_in.keep_writer(
        tf.summary.FileWriter(logdir, graph, *args, **kwargs)
    )

  stand_in.set('train.SummaryWriter', summary_writer)


def install_file_writer(stand_in):
  def file_writer(*args, **kwargs):
    return stand_in.keep_writer(tf.summary.FileWriter(*args, **kwargs))

  stand_in.set('summary.FileWriter', file_writer)


def install_start_queue_runners(stand_in):
  stand_in.set('train.start_queue_runners', stand_in.start_queue_runners)


def install_session(stand_in):
  class Session(tf.Session):
    """A session with a CPU device per tower, closed when the script ends."""

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


def install_device(stand_in):
  has_gpu = bool(tf.config.list_physical_devices('GPU'))
  told = []

  def device(name):
    match = (
        not has_gpu
        and isinstance(name, str)
        and re.match(r'/(?:device:)?gpu:(\d+)$', name, re.IGNORECASE)
    )
    if not match:
      return tf.device(name)
    if not told:
      told.append(name)
      print(
          'historical: no GPU found, so the towers run on CPU devices',
          file=sys.stderr,
      )
    tower = int(match.group(1))
    stand_in.cpus = max(stand_in.cpus, tower + 1)
    return tf.device('/cpu:%d' % tower)

  stand_in.set('device', device)


def install_truth(stand_in):
  present = tf.Tensor.__bool__
  inside = stand_in.source + os.sep

  def truth(tensor):
    # TensorFlow's own code relies on the exception that __bool__ raises.
    caller = os.path.abspath(sys._getframe(1).f_code.co_filename)
    return caller.startswith(inside) or present(tensor)

  tf.Tensor.__bool__ = truth
  stand_in.undo.append(lambda: setattr(tf.Tensor, '__bool__', present))


def install_moving_average(stand_in):
  class ExponentialMovingAverage(tf.train.ExponentialMovingAverage):
    """Creates variables even if the scope reuses existing variables."""

    def apply(self, var_list=None):
      scope = tf.get_variable_scope()
      reuse = tf.AUTO_REUSE if scope.reuse else None
      with tf.variable_scope(scope, reuse=reuse, auxiliary_name_scope=False):
        return super(ExponentialMovingAverage, self).apply(var_list)

  stand_in.set('train.ExponentialMovingAverage', ExponentialMovingAverage)


def install_global_step(stand_in):
  def get_variable(name, shape=None, dtype=None, *args, **kwargs):
    if name == 'global_step' and dtype is None:
      dtype = tf.int64
    return tf.get_variable(name, shape, dtype, *args, **kwargs)

  stand_in.set('get_variable', get_variable)


def install_prefetch_queue(stand_in):
  def prefetch_queue(tensors, capacity=8, num_threads=1, name=None):
    with tf.name_scope(name, 'prefetch_queue', tensors):
      queue = tf.FIFOQueue(
          capacity, [t.dtype for t in tensors], [t.get_shape() for t in tensors]
      )
      tf.train.add_queue_runner(
          tf.train.QueueRunner(queue, [queue.enqueue(tensors)] * num_threads)
      )
      tf.summary.scalar(
          'fraction_of_%d_full' % capacity,
          tf.cast(queue.size(), tf.float32) / capacity,
      )
    return queue

  stand_in.set('contrib.slim.prefetch_queue.prefetch_queue', prefetch_queue)


def install_delete(stand_in):
  def delete(path):
    raise errors.UsageError(
        '%s exists and %s would delete it: choose another directory, or remove '
        'it yourself' % (path, stand_in.script)
    )

  stand_in.set('gfile.DeleteRecursively', delete)
  stand_in.set('python.platform.gfile.DeleteRecursively', delete)


def install_download(stand_in):
  def maybe_download_and_extract(data_dir):
    download.maybe_download_and_extract(data_dir)
    for eval_data in (False, True):
      checks.check(datasets.CIFAR10, data_dir, eval_data)

  def bridge(module):
    module.maybe_download_and_extract = lambda: maybe_download_and_extract(
        module.FLAGS.data_dir
    )

  stand_in.bridge_cifar10 = bridge


def install_import_path(stand_in):
  stand_in.add_package('models.image.cifar10', stand_in.source)
