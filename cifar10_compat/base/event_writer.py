"""Writes event files, and says so when that fails.

tf.summary.FileWriter writes in a thread of its own, and does not look at what
became of it: on a disk that is full, summaries are lost without a word.
"""

import itertools
import os
import socket
import time

import tensorflow.compat.v1 as tf
from tensorflow.python.summary.writer import writer as tf_writer

from cifar10_compat.base import errors
from cifar10_compat.base import files

# Several writers of a process, begun within one second, have files of their own.
_counter = itertools.count()


class EventWriter(tf_writer.SummaryToEventTransformer):
  """A tf.summary.FileWriter whose every event is in the file, or an error.

  An event can be read as soon as the method that adds it has returned; it is
  the operating system that writes it to the disk.  Where somebody removed the
  file, the next event begins another one.  It is a context that closes it.

  Each method raises WriteError if the file cannot be written; later events are
  then lost, in silence.
  """

  def __init__(self, directory, graph=None):
    """Makes an event file.

    Args:
      directory: str, exists.
      graph: tf.Graph to write into it, or None.

    Raises:
      WriteError: the file cannot be written.
    """
    self._file = _EventFile(directory)
    super().__init__(self._file, graph)

  def __enter__(self):
    return self

  def __exit__(self, kind, error, trace):
    self.close()

  def flush(self):
    """Does nothing: each event has been handed to the operating system."""

  def close(self):
    self._file.close()


class _EventFile(object):
  """What SummaryToEventTransformer calls an event writer."""

  def __init__(self, directory):
    self._directory = directory
    self._records = None
    self._open()

  def _open(self):
    self._path = os.path.join(
        self._directory,
        'events.out.tfevents.%010d.%s.%d.%d'
        % (time.time(), socket.gethostname(), os.getpid(), next(_counter)),
    )
    try:
      self._records = tf.io.TFRecordWriter(self._path)
      self._identity = files.identity(self._path)
      # What a reader takes for the beginning of an event file.
      self._write(tf.Event(wall_time=time.time(), file_version='brain.Event:2'))
    except (tf.errors.OpError, OSError) as e:
      raise self._failed(e) from e

  def get_logdir(self):
    return self._directory

  def add_event(self, event):
    """Writes a tf.Event; raises WriteError."""
    if self._records is None:
      return
    try:
      if files.identity(self._path) != self._identity:
        self._records.close()
        self._open()
      self._write(event)
    except tf.errors.OpError as e:
      raise self._failed(e) from e

  def close(self):
    if self._records is not None:
      try:
        self._records.close()
      except tf.errors.OpError as e:
        raise self._failed(e) from e
      self._records = None

  def _write(self, event):
    self._records.write(event.SerializeToString())
    self._records.flush()

  def _failed(self, error):
    """Ends the file; returns the WriteError that says so."""
    self._records = None
    # Of TensorFlow's message, "PATH; No space left on device", the end.
    reason = getattr(error, 'message', str(error)).rpartition('; ')[2]
    return errors.WriteError(
        'cannot write event files into %s (%s): make room there, or choose '
        'another directory' % (self._directory, reason)
    )
