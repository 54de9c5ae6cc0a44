"""A directory's list of checkpoints, and the one that a run resumes from."""

import contextlib
import dataclasses
import errno
import io
import os
import pathlib
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.training import checkpoint_list
from tests.helpers import main_program
from tests.helpers import saved_network
from tests.training import run_fixture


def _unreadable(path, number):
  """Context in which opening a file fails with an errno."""
  open_file = files.open_regular

  def opened(name):
    if name == path:
      raise OSError(number, os.strerror(number), path)
    return open_file(name)

  return mock.patch.object(files, 'open_regular', opened)


class NewestTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.list = pathlib.Path(self.directory, 'checkpoint')

  def test_newest(self):
    for directory in (self.directory, os.path.join(self.directory, 'none')):
      self.assertIsNone(checkpoint_list.listed(directory))
      self.assertEqual([], checkpoint_list.complete(directory))
      with self.assertRaisesRegex(
          errors.NoCheckpointError, 'No checkpoint file found in ' + directory
      ):
        checkpoint_list.newest(directory)
    for steps, version, complete in (
        ([0, 10], tf.train.SaverDef.V2, [0, 10]),
        # The format of 2016.
        ([3], tf.train.SaverDef.V1, [0, 3, 10]),
    ):
      path = saved_network.save(
          self.directory,
          *steps,
          build=lambda: tf.get_variable('v', []),
          write_version=version,
      )
      newest = checkpoint_list.newest(self.directory)
      self.assertEqual((path, steps[-1]), (newest.path, newest.step))
      self.assertEqual(
          version == tf.train.SaverDef.V2, os.path.exists(path + '.index')
      )
      self.assertEqual(newest, checkpoint_list.listed(self.directory))
      self.assertEqual(
          complete, [c.step for c in checkpoint_list.complete(self.directory)]
      )
      newest.verify()

  def test_list_that_is_unreadable_or_missing(self):
    for contents in ('', 'no text protocol buffer {', 'x: "y"'):
      self.list.write_text(contents)
      with self.assertRaisesRegex(
          errors.CheckpointListError,
          f'{self.list} lists no checkpoint: write model_check',
      ) as caught:
        checkpoint_list.newest(self.directory)
      self.assertEndsWith(caught.exception.reason, 'lists no checkpoint')
    self.list.unlink()
    pathlib.Path(self.directory, 'model.ckpt-7.index').touch()
    with self.assertRaisesRegex(
        errors.CheckpointListError, 'contains model.ckpt-7, but no list of'
    ):
      checkpoint_list.newest(self.directory)


class OrPublishedTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.default = self.create_tempdir().full_path
    self.enter_context(mock.patch.object(config_lib, 'TRAIN_DIR', self.default))

  def _directory(self, *args, config=config_lib.Predict, default=None):
    """Returns the directory for a command line, and the output on stderr."""
    parsed = main_program.parsed(config, *args)
    if 'checkpoint_dir' not in parsed.given:
      parsed = dataclasses.replace(
          parsed, checkpoint_dir=default or self.default
      )
    with contextlib.redirect_stderr(io.StringIO()) as error:
      found = checkpoint_list.or_published(parsed).checkpoint_dir
    return found, error.getvalue()

  def test_by_name(self):
    for config in (config_lib.Eval, config_lib.Predict, config_lib.Export):
      self.assertEqual(
          (published.DIRECTORY, ''),
          self._directory('--checkpoint_dir=published', config=config),
      )
    self.assertTrue(os.path.exists(published.DIRECTORY + '/checkpoint'))

  def test_where_nothing_was_trained(self):
    for config in (config_lib.Predict, config_lib.Export):
      self.assertEqual(
          (
              published.DIRECTORY,
              f'{self.default} has no checkpoint: using the published network.\n',
          ),
          self._directory(config=config),
      )
    # An explicit directory is kept.  The published network has one data set and
    # model, and no raw weights.
    for arg in (
        '--checkpoint_dir=' + self.default,
        '--dataset=svhn',
        '--model=conv_local',
        '--averaged=false',
    ):
      self.assertEqual((self.default, ''), self._directory(arg))
    other = self.default + '/other'
    self.assertEqual((other, ''), self._directory(default=other))

  def test_where_something_was_trained(self):
    index = pathlib.Path(self.default, 'model.ckpt-7.index')
    index.touch()
    # A missing list is reported, not ignored.
    with self.assertRaisesRegex(errors.CheckpointListError, 'no list of'):
      self._directory()
    pathlib.Path(self.default, 'checkpoint').write_text(
        'model_checkpoint_path: "model.ckpt-7"'
    )
    self.assertEqual((self.default, ''), self._directory())
    index.unlink()
    self.assertEqual((self.default, ''), self._directory())


class ResumeTest(run_fixture.ResumedTest):
  """Tests which checkpoint a training run resumes from."""

  def _resume(self):
    """Returns the step resumed from, and the output."""
    directory, printed = run_fixture.begin(self.train_dir)
    newest = directory.newest.path
    self.assertEqual(newest, tf.train.latest_checkpoint(self.train_dir))
    state = tf.train.get_checkpoint_state(self.train_dir)
    self.assertEqual(newest, state.model_checkpoint_path)
    return directory.newest.step, printed

  def _path(self, step, part):
    return os.path.join(self.train_dir, 'model.ckpt-%d.%s' % (step, part))

  def test_the_one_that_is_named(self):
    self.assertEqual((20, ''), self._resume())
    # The user goes back to an earlier checkpoint.
    pathlib.Path(self.list).write_text('model_checkpoint_path: "model.ckpt-10"')
    self.assertEqual((10, ''), self._resume())

  def test_a_killed_process_had_not_removed_what_it_no_longer_named(self):
    self.save(30, 40, 50, 60, 70)
    pathlib.Path(self.list).write_text('model_checkpoint_path: "model.ckpt-60"')
    self.assertEqual((60, ''), self._resume())
    # Of those up to the listed one, a Saver keeps five.
    self.assertEqual([20, 30, 40, 50, 60], self.listed())
    self.assertEqual(
        [20, 30, 40, 50, 60, 70],
        [c.step for c in checkpoint_list.complete(self.train_dir)],
    )
    self.assertEmpty(
        [n for n in os.listdir(self.train_dir) if 'model.ckpt-10.' in n]
    )

  def test_damaged(self):
    def cut(path):
      os.truncate(path, os.path.getsize(path) // 2)

    def garble(path):
      with open(path, 'r+b') as f:
        f.write(b'\xff' * 8)

    for damage, part, told in (
        (cut, 'data-00000-of-00001', 'is damaged'),
        (garble, 'data-00000-of-00001', 'is damaged'),
        (cut, 'index', 'is damaged'),
        (os.remove, 'index', 'is missing'),
        (os.remove, 'data-00000-of-00001', 'is damaged .*No such file'),
    ):
      with self.subTest('%s %s' % (damage, part)):
        self.save(0, 10, 20)
        damage(self._path(20, part))
        step, line = self._resume()
        self.assertEqual(10, step)
        self.assertRegex(
            line,
            r'^\S+/model\.ckpt-20 %s.*: resuming from \S+/model\.ckpt-10\.\n$'
            % told,
        )
        self.assertEqual([0, 10], self.listed())

  def test_what_may_be_whole_is_not_passed_over(self):
    newest = self._path(20, 'data-00000-of-00001')
    reader = tf.train.NewCheckpointReader

    def reader_fails(message):
      def read(path):
        if path.endswith('-20'):
          raise tf.errors.UnknownError(None, None, message)
        return reader(path)

      return mock.patch.object(tf.train, 'NewCheckpointReader', read)

    for failure in (
        _unreadable(newest, errno.EIO),
        _unreadable(newest, errno.EACCES),
        _unreadable(newest, errno.EMFILE),
        reader_fails(newest + '; Too many open files'),
        reader_fails(newest + '; Input/output error'),
        reader_fails('; Cannot allocate memory'),
    ):
      before = os.stat(self.list).st_mtime_ns
      with (
          failure,
          self.assertRaisesRegex(
              errors.CheckpointReadError,
              r'cannot read \S+ckpt-20.*\); the checkpoint may be intact: '
              '(try|ask)',
          ),
      ):
        self._resume()
      self.assertEqual(before, os.stat(self.list).st_mtime_ns)
    self.assertEqual((20, ''), self._resume())

  def test_unreadable_list_is_not_overwritten(self):
    pathlib.Path(self.list).write_text('model_checkpoint_path: "model.ckpt-10"')
    for number, remedy in (
        (errno.EACCES, 'ask its owner for read permission'),
        (errno.EIO, 'try again'),
        (errno.EMFILE, 'try again'),
    ):
      for find in (
          self._resume,
          lambda: checkpoint_list.newest(self.train_dir),
      ):
        with (
            _unreadable(self.list, number),
            self.assertRaisesRegex(
                errors.CheckpointReadError,
                r'cannot read %s \(%s\), which may be intact: %s$'
                % (self.list, os.strerror(number), remedy),
            ),
        ):
          find()
    self.assertEqual((10, ''), self._resume())

  def test_format_of_2016_without_a_usable_list(self):
    self.save(30, 40, write_version=tf.train.SaverDef.V1)
    os.remove(self.list)
    with self.assertRaisesRegex(
        errors.MissingListError, 'contains model.ckpt-40, but no list'
    ):
      checkpoint_list.newest(self.train_dir)
    step, line = self._resume()
    self.assertEqual(40, step)
    self.assertIn('checkpoint is missing: resuming', line)
    self.assertEqual([0, 10, 20, 30, 40], self.listed())
    os.truncate(os.path.join(self.train_dir, 'model.ckpt-40'), 50)
    step, line = self._resume()
    self.assertEqual(30, step)
    self.assertIn('model.ckpt-40 is damaged', line)
    # Surplus checkpoints of 2016 are removed too.
    self.begin(keep_checkpoints=1)
    self.assertEqual([30], self.listed())
    self.save(50, 60, write_version=tf.train.SaverDef.V1)
    self.begin(keep_checkpoints=1)
    self.assertNoCommonElements(
        ['model.ckpt-50', 'model.ckpt-50.meta'], os.listdir(self.train_dir)
    )

  def test_values_that_are_not_finite(self):
    self.save(30, value=np.nan)
    step, line = self._resume()
    self.assertEqual(20, step)
    self.assertIn(
        'model.ckpt-30 has values of w that are NaN or infinite', line
    )

  def test_list_that_leads_nowhere(self):
    for make, told in (
        (lambda path: None, 'checkpoint is missing'),
        ('', 'lists no checkpoint'),
        ('no protocol buffer {', 'lists no checkpoint'),
        ('model_checkpoint_path: "/etc/model.ckpt-7"', 'in another dir'),
        ('model_checkpoint_path: "model.ckpt-7"', 'ckpt-7 is missing'),
        ('model_checkpoint_path: "model.ckpt"', 'whose name has no step'),
        ('x' * 30_000_000, 'is not a list'),
        (os.mkfifo, 'is not a list'),
        (lambda path: os.symlink('checkpoint', path), 'cannot be read'),
    ):
      with self.subTest(told):
        os.remove(self.list)
        if isinstance(make, str):
          pathlib.Path(self.list).write_text(make)
        else:
          make(self.list)
        step, line = self._resume()
        self.assertEqual(20, step)
        self.assertIn(told, line)
    os.remove(self.list)
    os.mkdir(self.list)
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write to .*move it away'
    ):
      self._resume()

  def test_nothing_to_resume_from(self):
    for step in (0, 10, 20):
      os.truncate(self._path(step, 'data-00000-of-00001'), 5)
    with self.assertRaisesRegex(
        errors.CheckpointError,
        'model.ckpt-20 is damaged .* no other usable checkpoint: restore',
    ):
      self._resume()

  def test_no_room_for_the_list(self):
    error = tf.errors.ResourceExhaustedError(
        None, None, f'{self.list}.tmp0; No space left on device'
    )
    with (
        mock.patch.object(
            tf.train, 'update_checkpoint_state', side_effect=error
        ),
        self.assertRaisesRegex(
            errors.UsageError, r'No space left on device\): free disk space'
        ),
    ):
      self._resume()

  def test_moved_directory(self):
    for step, version in (
        (30, tf.train.SaverDef.V1),
        (40, tf.train.SaverDef.V2),
    ):
      self.save(step, write_version=version)
      old = self.train_dir
      self.train_dir += '_moved'
      os.rename(old, self.train_dir)
      self.assertEqual(step, checkpoint_list.newest(self.train_dir).step)
      self.assertEqual((step, ''), self._resume())
