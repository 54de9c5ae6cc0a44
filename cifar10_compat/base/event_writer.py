"""Writes event files, and says so when that fails.

tf.summary.FileWriter writes in a thread of its own, and does not look at what
became of it: on a disk that is full, summaries are lost without a word.
"""

from collections.abc import Iterator
import contextlib
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


class EventWriter(
    tf_writer.SummaryToEventTransformer,
    contextlib.AbstractContextManager['EventWriter'],
):
  """A tf.summary.FileWriter whose every event is in the file, or an error.

  An event can be read as soon as the method that adds it has returned; it is
  the operating system that writes it to the disk.  Where somebody removed the
  file, the next event begins another one.  It is a context that closes it.

  Each method raises WriteError if the file cannot be written; later events are
  then lost, in silence.
  """

  def __init__(self, directory: str, graph: tf.Graph | None = None) -> None:
    """Makes an event file.

    Args:
      directory: exists.
      graph: what to write into it, or None.

    Raises:
      WriteError: the file cannot be written.
    """
    self._directory = directory
    with self._as_write_error():
      self._open()
    super().__init__(self, graph)  # It is its own writer of events.

  def __exit__(self, *unused_exc_info: object) -> None:
    self.close()

  def flush(self) -> None:
    """Does nothing: each event has been handed to the operating system."""

  def _open(self) -> None:
    self._path = os.path.join(
        self._directory,
        f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}'
        f'.{os.getpid()}.{next(_counter)}',
    )
    self._records = tf.io.TFRecordWriter(self._path)
    self._identity = files.identity(self._path)
    # What a reader takes for the beginning of an event file.
    self._write(tf.Event(wall_time=time.time(), file_version='brain.Event:2'))

  def get_logdir(self) -> str:
    return self._directory

  def add_event(self, event: tf.Event) -> None:
    """Writes an event; raises WriteError."""
    if self._records is None:
      return
    with self._as_write_error():
      if files.identity(self._path) != self._identity:
        self._records.close()
        self._open()
      self._write(event)

  def close(self) -> None:
    if self._records is not None:
      with self._as_write_error():
        self._records.close()
      self._records = None

  def _write(self, event: tf.Event) -> None:
    self._records.write(event.SerializeToString())
    self._records.flush()

  @contextlib.contextmanager
  def _as_write_error(self) -> Iterator[None]:
    """Context that ends the file at an error, which becomes a WriteError."""
    try:
      yield
    except (tf.errors.OpError, OSError) as e:
      self._records = None
      # Of TensorFlow's message, "PATH; No space left on device", the end.
      reason = getattr(e, 'message', str(e)).rpartition('; ')[2]
      raise errors.WriteError(
          f'cannot write event files into {self._directory} ({reason}): make '
          'room there, or choose another directory'
      ) from e
