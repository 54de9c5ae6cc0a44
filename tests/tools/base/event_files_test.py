"""Event files written by hand are read."""

import contextlib
import glob
import io
import os

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import event_fixture
from tools.base import event_files


class EventFilesTest(tf.test.TestCase):

  def test_read(self):
    run = event_files.read(event_fixture.write(self, a=[1, 2.5], b=[3, 4]))
    self.assertEqual(
        {'a': [(0, 1), (100, 2.5)], 'b': [(0, 3), (100, 4)]}, run.scalars
    )
    self.assertEqual({'a', 'b', 'weights'}, run.tags)
    self.assertEmpty(run.log)

  def test_no_event_files(self):
    directory = self.create_tempdir().full_path
    with self.assertRaisesRegex(errors.UsageError, directory):
      event_files.read(directory)

  def test_truncated_record_at_the_end(self):
    directory = event_fixture.write(self, a=[1, 2])
    (path,) = glob.glob(os.path.join(directory, 'events.*'))
    with open(path, 'r+b') as f:
      f.truncate(os.path.getsize(path) - 3)
    self.assertEqual({'a': [(0, 1)]}, event_files.read(directory).scalars)

  def test_damaged_event_file(self):
    directory = event_fixture.write(self, a=[1, 2])
    (path,) = glob.glob(os.path.join(directory, 'events.*'))
    with open(path, 'r+b') as f:
      f.seek(-10, os.SEEK_END)
      f.write(b'\xff')
    with self.assertRaisesRegex(errors.UsageError, 'is damaged .*: move it'):
      event_files.read(directory)

  def test_record_that_is_no_event(self):
    directory = event_fixture.write(self, a=[1, 2])
    path = os.path.join(directory, 'events.out.tfevents.9.odd')
    with tf.io.TFRecordWriter(path) as writer:
      writer.write(b'\xff' * 9)
    with self.assertRaisesRegex(errors.UsageError, '9.odd is damaged .*: move'):
      event_files.read(directory)

  def test_what_is_no_file_is_left_out(self):
    directory = event_fixture.write(self, a=[1, 2])
    pipe = os.path.join(directory, 'events.out.tfevents.0.pipe')
    os.mkfifo(pipe)
    os.mkdir(os.path.join(directory, 'events.out.tfevents.0.dir'))
    with contextlib.redirect_stderr(io.StringIO()) as err:
      scalars = event_files.read(directory).scalars
    self.assertEqual({'a': [(0, 1), (100, 2)]}, scalars)
    self.assertIn(
        f'skipping {pipe} (it is a pipe, not a file)\n', err.getvalue()
    )
    self.assertIn('0.dir (it is a directory, not a file)\n', err.getvalue())

  def test_repeated_steps(self):
    directory = event_fixture.write(self, steps=(0, 100, 200), a=[1, 2, 3])
    with (
        tf.Graph().as_default(),
        tf.summary.FileWriter(directory, filename_suffix='.later') as writer,
    ):
      writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 100)
      summary = tf.Summary()
      summary.value.add(tag='a', simple_value=4)
      writer.add_summary(summary, 100)
    self.assertEqual(
        {'a': [(0, 1), (100, 4)]}, event_files.read(directory).scalars
    )
