"""What an old script sees in place of the module `tensorflow`.

A stand-in is tf.compat.v1 with the old names laid over it.  It also keeps track
of what the script starts, so that this can be ended after the script.
"""

import os
import sys
import types

import tensorflow.compat.v1 as tf

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
        coord.join(stop_grace_period_secs=_GRACE_SECS, ignore_live_threads=True)
      except Exception as e:  # pylint: disable=broad-except
        cause = cause or e
    for resource in self._sessions + self._writers:
      resource.close()
    self._coordinators, self._sessions, self._writers = [], [], []
    return cause


def _overlay(name, below):
  """Returns a module that answers for another where it has no name itself."""
  module = types.ModuleType(name)
  if below is not None:
    module.__getattr__ = lambda attribute: getattr(below, attribute)
  return module
