"""Creates a stand-in for the module `tensorflow` that an old script imports.

The stand-in is tf.compat.v1 plus the old names.  The stand-in also keeps track
of the threads, sessions and writers that the script starts, to end them after
the script.
"""

import os
import sys
import types

import tensorflow.compat.v1 as tf

# Seconds to wait for threads to end after the script.
_GRACE_SECS = 10


class StandIn(object):
  """The modules that an old script imports, and the script's open resources.

  Attributes:
    source: str, absolute path of the script's directory.
    script: str, the name of the script, for messages.
    modules: dict from a module's full name to its entry in sys.modules.
    undo: list of functions without arguments to call after the script.
    cpus: int, number of CPU devices that a session needs for the towers.
    bridge_cifar10: function to call with the old module cifar10.
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
    # Ensure that `import tensorflow.python.x` still finds TensorFlow's own
    # modules.
    top.__path__ = real.__path__
    top.__spec__ = real.__spec__
    top.python = sys.modules['tensorflow.python']
    self.modules = {'tensorflow': top}

  def set(self, name, value):
    """Sets a name such as 'train.SummaryWriter' to a value."""
    parent, _, attribute = name.rpartition('.')
    setattr(self._module(parent), attribute, value)

  def _module(self, name):
    """Returns the stand-in for a TensorFlow module; creates it if missing."""
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
    """Creates a package for a directory of files, and the parent packages."""
    parts = name.split('.')
    for n in range(1, len(parts) + 1):
      module = self._module('.'.join(parts[:n]))
      module.__path__ = []
    module.__path__ = [path]

  def start_queue_runners(self, sess=None, coord=None, **kwargs):
    """Starts queue runners as tf.train does, with threads that stop() ends."""
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
    """Ends the script's threads, sessions and writers.

    Returns:
      The first exception that ended an input thread, or None.
    """
    cause = None
    for coord in self._coordinators:
      coord.request_stop()  # Cancels the threads' blocking operations.
      try:
        coord.join(stop_grace_period_secs=_GRACE_SECS, ignore_live_threads=True)
      except Exception as e:  # pylint: disable=broad-except
        cause = cause or e
    for resource in self._sessions + self._writers:
      resource.close()
    self._coordinators, self._sessions, self._writers = [], [], []
    return cause


def _overlay(name, below):
  """Returns a module that falls back to another module for missing names."""
  module = types.ModuleType(name)
  if below is not None:
    module.__getattr__ = lambda attribute: getattr(below, attribute)
  return module
