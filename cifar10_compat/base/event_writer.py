"""Writes event files, and raises an error if a write fails.

tf.summary.FileWriter writes in a separate thread and ignores write errors: on a
full disk, it silently loses summaries.
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

# Keeps file names unique when a process opens several writers within a second.
_counter = itertools.count()


class EventWriter(
    tf_writer.SummaryToEventTransformer,
    contextlib.AbstractContextManager['EventWriter'],
):
  """A tf.summary.FileWriter that raises an error if a write fails.

  An event can be read as soon as the method that adds it has returned; the
  operating system writes it to the disk later.  If the event file was removed,
  the next event starts a new file.  The writer is a context manager that closes
  the file.

  Each method raises WriteError if the file cannot be written.  After the error,
  further events are silently discarded.
  """

  def __init__(self, directory: str, graph: tf.Graph | None = None) -> None:
    """Creates an event file.

    Args:
      directory: an existing directory.
      graph: the graph to write to the file, or None.

    Raises:
      WriteError: the file cannot be written.
    """
    self._directory = directory
    with self._as_write_error():
      self._open()
    super().__init__(self, graph)  # This object receives the events.

  def __exit__(self, *unused_exc_info: object) -> None:
    self.close()

  def flush(self) -> None:
    """Does nothing: the operating system has already received each event."""

  def _open(self) -> None:
    self._path = os.path.join(
        self._directory,
        f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}'
        f'.{os.getpid()}.{next(_counter)}',
    )
    self._records = tf.io.TFRecordWriter(self._path)
    self._identity = files.identity(self._path)
    # The first event marks the file as an event file.
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
    """Context that, on an error, abandons the file and raises WriteError."""
    try:
      yield
    except (tf.errors.OpError, OSError) as e:
      self._records = None
      # TensorFlow's message is "PATH; No space left on device": use its end.
      reason = getattr(e, 'message', str(e)).rpartition('; ')[2]
      raise errors.WriteError(
          f'cannot write event files to {self._directory} ({reason}): free '
          'disk space, or choose another directory'
      ) from e
