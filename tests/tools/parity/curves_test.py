"""Event files written by hand, and the comparison of two of them."""

import glob
import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tools.base import event_files
from tools.base import processes
from tools.parity import curves
from tools.parity import graph_diff

_LOG = """\
Filling queue with 20000 CIFAR images before starting to train.
2026-11-24 08:56:02.208531: step 0, loss = 4.68 (20.0 examples/sec; 6 sec/batch)
2026-11-24 08:56:07: step 10, loss = 4.66 (359.6 examples/sec; 0.356 sec/batch)
"""


def _rename(theirs, ours):
  return graph_diff.Rename(theirs, ours, 'because')


class CurvesTest(tf.test.TestCase):

  def write(self, steps=(0, 100), **scalars):
    """Returns a directory with an event file; each tag's values are given."""
    directory = self.create_tempdir().full_path
    with tf.Graph().as_default(), tf.summary.FileWriter(directory) as writer:
      for n, step in enumerate(steps):
        summary = tf.Summary()
        for tag, values in scalars.items():
          summary.value.add(tag=tag, simple_value=values[n])
        summary.value.add(tag='weights', histo=tf.HistogramProto(num=1))
        writer.add_summary(summary, step)
    return directory

  def compare(self, theirs, ours, renames=()):
    runs = event_files.read(theirs), event_files.read(ours)
    result = curves.compare(*runs, renames)
    section = curves.section(*runs, result)
    self.assertEqual(curves.unexplained(result), section['unexplained'])
    return result, section

  def test_read(self):
    run = event_files.read(self.write(a=[1, 2.5], b=[3, 4]))
    self.assertEqual(
        {'a': [(0, 1), (100, 2.5)], 'b': [(0, 3), (100, 4)]}, run.scalars
    )
    self.assertEqual({'a', 'b', 'weights'}, run.tags)
    self.assertEmpty(run.log)

  def test_no_event_files(self):
    directory = self.create_tempdir().full_path
    with self.assertRaisesRegex(errors.UsageError, directory):
      event_files.read(directory)

  def test_half_a_record_at_the_end(self):
    directory = self.write(a=[1, 2])
    (path,) = glob.glob(os.path.join(directory, 'events.*'))
    with open(path, 'r+b') as f:
      f.truncate(os.path.getsize(path) - 3)
    self.assertEqual({'a': [(0, 1)]}, event_files.read(directory).scalars)

  def test_damaged_event_file(self):
    directory = self.write(a=[1, 2])
    (path,) = glob.glob(os.path.join(directory, 'events.*'))
    with open(path, 'r+b') as f:
      f.seek(-10, os.SEEK_END)
      f.write(b'\xff')
    with self.assertRaisesRegex(errors.UsageError, 'is damaged .*: move it'):
      event_files.read(directory)

  def test_steps_that_were_made_again(self):
    directory = self.write(steps=(0, 100, 200), a=[1, 2, 3])
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

  def test_same_tags(self):
    result, section = self.compare(self.write(a=[1, 2]), self.write(a=[3, 4]))
    self.assertEqual(0, section['unexplained'])
    self.assertEqual(
        {'a': ([(0, 1), (100, 2)], [(0, 3), (100, 4)])}, result.curves
    )
    self.assertEqual(['a'], [caption for caption, _ in section['plots']])

  def test_tag_of_one_side_alone(self):
    a, ab = self.write(a=[1, 2]), self.write(a=[1, 2], b=[3, 4])
    for runs, side in (((ab, a), 'theirs'), ((a, ab), 'ours')):
      result, section = self.compare(*runs)
      self.assertEqual((('b', side),), result.unmatched)
      self.assertEqual(1, section['unexplained'])
      self.assertEqual(['a', 'b'], [caption for caption, _ in section['plots']])
    for runs, rename in (
        ((ab, a), _rename('b', '')),
        ((a, ab), _rename('', 'b')),
    ):
      _, section = self.compare(*runs, [rename])
      self.assertEqual(0, section['unexplained'])

  def test_histogram_of_one_side_alone(self):
    runs = event_files.Run({}, {}, frozenset('ab')), event_files.Run(
        {}, {}, frozenset('a')
    )
    self.assertEqual((('b', 'theirs'),), curves.compare(*runs).unmatched)

  def test_rename(self):
    result, section = self.compare(
        self.write(old=[1, 2]), self.write(new=[3, 4]), [_rename('old', 'new')]
    )
    self.assertEqual(0, section['unexplained'])
    self.assertEqual(
        {'new': ([(0, 1), (100, 2)], [(0, 3), (100, 4)])}, result.curves
    )

  def test_listed_tag_that_is_not_there(self):
    for rename in (
        _rename('old', 'a'),
        _rename('a', 'new'),
        _rename('b', ''),
        _rename('', 'b'),
    ):
      result, section = self.compare(
          self.write(a=[1, 2]), self.write(a=[1, 2]), [rename]
      )
      self.assertEqual((rename,), result.stale)
      self.assertEqual(1, section['unexplained'])

  def test_first_loss(self):
    tag = 'total_loss (raw)'
    theirs = self.write(**{tag: [4.68, 1]})
    for loss, unexplained in ((4.66, 0), (4.72, 0), (4.74, 1), (4.62, 1)):
      _, section = self.compare(theirs, self.write(**{tag: [loss, 3]}))
      self.assertEqual(unexplained, section['unexplained'], loss)
    # A run that was resumed has no first loss.
    result, section = self.compare(
        theirs, self.write((100, 200), **{tag: [1, 1]})
    )
    self.assertIsNone(result.first_losses[1])
    self.assertEqual(0, section['unexplained'])
    self.assertIn('unknown', section['text'][1])
    # The log comes first: an event file's first loss is after an update.
    run = event_files.read(theirs)
    result = curves.compare(run._replace(log={0: 4.6}), run)
    self.assertEqual(4.6, result.first_losses[0])
    self.assertTrue(curves.first_loss_differs(result))

  def test_train(self):
    def run(module, args, unused_what):
      (train_dir,) = [a.partition('=')[2] for a in args if 'train_dir' in a]
      self.assertFalse(os.path.exists(train_dir))
      self.assertEqual('a.module', module)
      self.assertEqual(
          ['first', '--data_dir=/data', '--max_steps=21'],
          [a for a in args if 'train_dir' not in a],
      )
      os.rename(directory, train_dir)
      return _LOG

    directory = self.write(a=[1, 2])
    with mock.patch.object(processes, 'run', run):
      trained = curves.train(
          'a.module',
          ['first'],
          data_dir='/data',
          train_dir=directory + '_new',
          steps=20,
      )
    self.assertEqual({0: 4.68, 10: 4.66}, trained.log)
    self.assertEqual([(0, 1), (100, 2)], trained.scalars['a'])
    section = curves.section(trained, trained, curves.compare(trained, trained))
    (table,) = [
        t for t in section['tables'] if t['caption'] == 'Loss in the logs'
    ]
    self.assertEqual([[0, '4.68', '4.68'], [10, '4.66', '4.66']], table['rows'])
