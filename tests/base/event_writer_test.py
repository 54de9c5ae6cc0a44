"""Event files equal TensorFlow's own, and failed writes raise errors."""

import os
import resource
import shutil

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from tests.helpers import event_files
from tests.helpers import limits


def _summary(tag, value=1.0):
  summary = tf.Summary()
  summary.value.add(tag=tag, simple_value=value)
  return summary


class EventWriterTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path

  def test_the_events_of_a_file_writer(self):
    theirs = self.create_tempdir().full_path
    with tf.Graph().as_default() as graph:
      tf.constant(1, name='one')
    for make, directory in (
        (event_writer.EventWriter, self.directory),
        (tf.summary.FileWriter, theirs),
    ):
      with make(directory, graph) as writer:
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 3)
        writer.add_summary(_summary('a', 2.0), 4)
        writer.add_summary(_summary('b').SerializeToString(), 5)
        writer.flush()
    ours, theirs = [
        [
            # A graph's attributes are written in any order.
            (
                e.step,
                e.WhichOneof('what'),
                e.summary,
                tf.GraphDef.FromString(e.graph_def),
            )
            for e in events
        ]
        for events in (
            event_files.read(self.directory),
            event_files.read(theirs),
        )
    ]
    self.assertEqual(theirs, ours)

  def test_an_event_can_be_read_at_once_and_writers_have_their_own_files(self):
    with (
        event_writer.EventWriter(self.directory) as first,
        event_writer.EventWriter(self.directory) as second,
    ):
      self.assertLen(os.listdir(self.directory), 2)
      first.add_summary(_summary('a'), 1)
      second.add_summary(_summary('a'), 2)
      self.assertCountEqual(
          [(1, 1.0), (2, 1.0)], event_files.scalars(self.directory, 'a')
      )

  def test_no_room(self):
    with limits.small_disk(self.directory, 1 << 16) as is_small:
      writer = event_writer.EventWriter(self.directory)
      before = resource.getrlimit(resource.RLIMIT_FSIZE)
      if is_small:
        limits.fill(self.directory)
      else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
      try:
        with self.assertRaisesRegex(
            errors.WriteError,
            r'to %s \((No space left on device|File too large)\): free disk'
            % self.directory,
        ):
          for step in range(100):
            writer.add_summary(_summary('x' * 100), step)
      finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
      writer.close()  # Does not report the error again.

  def test_a_file_that_is_removed(self):
    with event_writer.EventWriter(self.directory) as writer:
      (name,) = os.listdir(self.directory)
      os.remove(os.path.join(self.directory, name))
      writer.add_summary(_summary('a'), 1)
      self.assertEqual([(1, 1.0)], event_files.scalars(self.directory, 'a'))
      shutil.rmtree(self.directory)
      with self.assertRaisesRegex(errors.WriteError, 'No such file'):
        writer.add_summary(_summary('a'), 2)

  def test_a_directory_that_is_none(self):
    with self.assertRaisesRegex(
        errors.WriteError, r'to /dev/null \(Not a directory\)'
    ):
      event_writer.EventWriter('/dev/null')
