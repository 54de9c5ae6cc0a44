"""How a trainer prepares its train_dir."""

import contextlib
import errno
import fcntl
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes
from cifar10_compat.training import train_dirs
from tests.helpers import record_fixture

# Opens a directory, prints a line, and waits.
_HOLDER = """
import sys
from cifar10_compat import config
from cifar10_compat.training import train_dirs
with train_dirs.opened(config.Train(train_dir=sys.argv[1])) as directory:
  directory.begin()
  print('opened', flush=True)
  sys.stdin.read()
"""


# Files that are not from a training run, though their names are similar.
_NOT_OURS = (
    'notes.txt',
    'model.py',
    'model.ckpt-best.txt',
    'model.ckpt-50.tmpbackup.tar',
    'dataset.json.bak',
    'dataset.json.20261129',
)
# Directories of the user, though their names are those of files of a run.
_NOT_OUR_DIRECTORIES = (
    'events.out.tfevents.old',
    'model.ckpt-7',
    'dataset.json.tmp' + '0f' * 16,
)


class TrainDirsTest(tf.test.TestCase):

  def _open(self, path, **kwargs):
    """Opens a directory for training, and closes it."""
    with train_dirs.opened(
        config_lib.Train(train_dir=path, **kwargs)
    ) as directory:
      directory.begin()

  def test_made_and_described(self):
    train_dir = os.path.join(self.create_tempdir().full_path, 'a', 'b')
    self._open(train_dir, dataset=datasets.SYNTHETIC)
    with open(os.path.join(train_dir, 'dataset.json')) as f:
      note = json.load(f)
    (step, settings), *further = note.pop('settings')
    self.assertEqual((0, []), (step, further))
    self.assertEqual(
        (128, 1, len(os.sched_getaffinity(0))),
        tuple(settings[n] for n in ('batch_size', 'num_gpus', 'usable_cpus')),
    )
    self.assertEqual(
        {
            'dataset': 'synthetic',
            'label_index': 0,
            'model': 'cifar10',
            'class_names': list(datasets.SYNTHETIC.class_names),
            'learning_rates': [[0, 0.1]],
        },
        note,
    )
    self._open(train_dir, dataset=datasets.SYNTHETIC)
    self.assertCountEqual(['dataset.json', 'train.lock'], os.listdir(train_dir))

  def test_fresh_removes_only_what_training_writes(self):
    train_dir = self.create_tempdir().full_path
    self._open(train_dir, dataset=datasets.SYNTHETIC)
    ours = [
        'checkpoint',
        'checkpoint.tmp' + '0f' * 16,
        'model.ckpt-5.index',
        'model.ckpt-5.meta',
        'model.ckpt-5.data-00000-of-00001',
        'model.ckpt-6',
        'events.out.tfevents.1.host',
        'eval/events.out.tfevents.1.host',
    ]
    os.mkdir(os.path.join(train_dir, 'eval'))
    notes.write(os.path.join(train_dir, 'eval'), config_lib.Eval())
    for name in (*ours, *_NOT_OURS, 'eval/events.txt'):
      open(os.path.join(train_dir, name), 'w').close()
    for name in _NOT_OUR_DIRECTORIES:
      os.mkdir(os.path.join(train_dir, name))
    self._open(train_dir, fresh=True)
    self.assertCountEqual(
        ['dataset.json', 'train.lock', 'eval', *_NOT_OURS]
        + [*_NOT_OUR_DIRECTORIES],
        os.listdir(train_dir),
    )
    self.assertEqual(
        ['events.txt'], os.listdir(os.path.join(train_dir, 'eval'))
    )

  def test_fresh_start_in_the_default_directory(self):
    root = self.create_tempdir().full_path
    train_dir, eval_dir = os.path.join(root, 't'), os.path.join(root, 'e')
    os.mkdir(eval_dir)
    notes.write(eval_dir, config_lib.Eval())
    for name in ('events.out.tfevents.1.host', 'notes.txt'):
      open(os.path.join(eval_dir, name), 'w').close()
    with mock.patch.multiple(
        config_lib, TRAIN_DIR=train_dir, EVAL_DIR=eval_dir
    ):
      self._open(train_dir, fresh=True)
    self.assertEqual(['notes.txt'], os.listdir(eval_dir))

  def test_fresh_keeps_files_of_the_users(self):
    train_dir = self.create_tempdir().full_path
    eval_dir = os.path.join(train_dir, 'eval')
    os.mkdir(eval_dir)
    for directory in (train_dir, eval_dir):
      path = os.path.join(directory, 'dataset.json')
      pathlib.Path(path).write_text('{"my": "notes"}')
      with self.assertRaisesRegex(errors.UsageError, path + ' records no data'):
        self._open(train_dir, fresh=True)
      self.assertEqual('{"my": "notes"}', pathlib.Path(path).read_text())
      os.remove(path)
    # The evaluator of another run.
    events = self.create_tempdir().create_file('events.out.tfevents.1.x')
    os.rmdir(eval_dir)
    os.symlink(os.path.dirname(events.full_path), eval_dir)
    self._open(train_dir, fresh=True)
    self.assertTrue(os.path.exists(events.full_path))

  def test_resuming_leaves_what_it_may_not_know(self):
    train_dir = self.create_tempdir().full_path
    # Incomplete checkpoints, such as one being copied here.
    names = [
        'model.ckpt-5.meta',
        'model.ckpt-9.data-00000-of-00001',
        *_NOT_OURS,
    ]
    for name in names:
      open(os.path.join(train_dir, name), 'w').close()
    self._open(train_dir, dataset=datasets.CIFAR10)
    self.assertCountEqual(
        names + ['dataset.json', 'train.lock'], os.listdir(train_dir)
    )

  def test_what_is_not_begun_changes_nothing(self):
    root = self.create_tempdir().full_path
    with self.assertRaisesRegex(errors.UsageError, 'File name too long'):
      self._open(os.path.join(root, 'a', 'b', 300 * 'x'))
    self.assertEmpty(os.listdir(root))
    train_dir = os.path.join(root, 'a', 'b')
    with train_dirs.opened(config_lib.Train(train_dir=train_dir)):
      self.assertEqual(['train.lock'], os.listdir(train_dir))
    self.assertEmpty(os.listdir(root))

    self._open(train_dir, dataset=datasets.SYNTHETIC)
    os.remove(os.path.join(train_dir, 'train.lock'))
    for name in ('model.ckpt-9.meta', 'checkpoint.tmp' + '0f' * 16):
      open(os.path.join(train_dir, name), 'w').close()
    before = self._contents(train_dir)
    with self.assertRaisesRegex(errors.UsageError, "'synthetic', not of"):
      self._open(train_dir, dataset=datasets.CIFAR10)
    for fresh in (False, True):
      with train_dirs.opened(
          config_lib.Train(
              train_dir=train_dir, dataset=datasets.SYNTHETIC, fresh=fresh
          )
      ):
        pass
    self.assertEqual(before, self._contents(train_dir))

  def _contents(self, directory):
    contents = {}
    for name in os.listdir(directory):
      with open(os.path.join(directory, name), 'rb') as f:
        contents[name] = f.read()
    return contents

  def test_links_are_not_followed(self):
    train_dir = self.create_tempdir().full_path
    precious = self.create_tempfile(content='precious').full_path
    lock = os.path.join(train_dir, 'train.lock')
    for link, expected in (
        (os.symlink, r'\(\S+/train.lock: it is a link'),
        (os.link, r'/train.lock has another hard link.*: remove this name'),
    ):
      link(precious, lock)
      with self.assertRaisesRegex(errors.UsageError, expected):
        self._open(train_dir)
      with open(precious) as f:
        self.assertEqual('precious', f.read())
      os.remove(lock)

  def test_directory_that_another_user_put_into_tmp(self):
    parent = self.create_tempdir().full_path
    train_dir = os.path.join(parent, 'train')
    os.mkdir(train_dir)
    os.chmod(parent, 0o1777)
    self._open(train_dir)
    link = os.path.join(parent, 'link')
    os.symlink(train_dir, link)
    for name, path in (('stat', train_dir), ('lstat', link)):
      real_stat = getattr(os, name)

      def stat(asked, *, path=path, real_stat=real_stat, **kwargs):
        status = real_stat(asked, **kwargs)
        if asked == path:
          mode, ino, dev, nlink, _, *others = status[:10]
          status = os.stat_result((mode, ino, dev, nlink, 4711, *others))
        return status

      with (
          mock.patch.object(os, name, stat),
          self.assertRaisesRegex(
              errors.UsageError, 'it belongs to another user, 4711'
          ),
      ):
        self._open(path)

  def test_who_holds_the_lock_is_told_in_printable_words(self):
    train_dir = self.create_tempdir().full_path
    with open(os.path.join(train_dir, 'train.lock'), 'wb') as f:
      fcntl.flock(f, fcntl.LOCK_EX)
      f.write(b'\xff\x1b[31m a line\nprocess 1 on here' + b'x' * 1000)
      f.flush()
      with self.assertRaises(errors.UsageError) as raised:
        self._open(train_dir)
    self.assertRegex(
        str(raised.exception),
        r'is in use by \ufffd\[31m a lineprocess 1 on herex{150,200}: stop',
    )

  def test_images_may_lie_in_the_same_directory(self):
    directory = self.create_tempdir().full_path
    dataset = record_fixture.write_set(
        directory, *record_fixture.random_images(3)
    )
    self._open(directory, dataset=dataset, fresh=True)
    self.assertEqual(dataset, datasets.get(directory))
    notes.check(directory, config_lib.Network(dataset=dataset), '--train_dir')

  def test_directory_in_the_place_of_a_file(self):
    for name in ('checkpoint', 'dataset.json'):
      train_dir = self.create_tempdir().full_path
      os.mkdir(os.path.join(train_dir, name))
      open(os.path.join(train_dir, 'model.ckpt-5.index'), 'w').close()
      with self.assertRaisesRegex(
          errors.UsageError, rf'/{name} .*is a directory.*: move it away'
      ):
        self._open(train_dir, dataset=datasets.CIFAR10, fresh=True)
      self.assertIn('model.ckpt-5.index', os.listdir(train_dir))

  def test_cannot_be_written(self):
    path = self.create_tempfile().full_path
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write to train_dir %s' % path
    ):
      self._open(path, dataset=datasets.CIFAR10)

  def test_one_process_at_a_time(self):
    train_dir = self.create_tempdir().full_path
    weights = os.path.join(train_dir, 'model.ckpt-5.index')
    other = subprocess.Popen(
        [sys.executable, '-c', _HOLDER, train_dir],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    self.assertEqual('opened\n', other.stdout.readline())
    open(weights, 'w').close()
    for fresh in (False, True):
      with self.assertRaisesRegex(
          errors.UsageError,
          'is in use by process %d on %s: ' % (other.pid, socket.gethostname()),
      ):
        self._open_cifar10(train_dir, fresh=fresh)
    self.assertTrue(os.path.exists(weights))
    # However the process ends, the next one may train.
    other.kill()
    other.communicate()
    self._open_cifar10(train_dir, fresh=True)
    self.assertFalse(os.path.exists(weights))

  def test_directory_that_was_renamed(self):
    parent = self.create_tempdir().full_path
    train_dir = os.path.join(parent, 'a')
    with train_dirs.opened(config_lib.Train(train_dir=train_dir)) as directory:
      directory.check_in_place()
      os.rename(train_dir, os.path.join(parent, 'b'))
      for _ in ('gone', 'another in its place'):
        with self.assertRaisesRegex(errors.WriteError, 'removed or renamed'):
          directory.check_in_place()
        os.makedirs(train_dir, exist_ok=True)

  def _open_cifar10(self, train_dir, fresh=False):
    return self._open(train_dir, dataset=datasets.CIFAR10, fresh=fresh)


class ResumeTest(tf.test.TestCase):
  """Tests which checkpoint a training run resumes from."""

  def setUp(self):
    super().setUp()
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    self._save(self.train_dir, steps=(0, 10, 20))
    self.list = os.path.join(self.train_dir, 'checkpoint')

  def _save(self, directory, steps, value=1.0):
    """Saves a weight of 1,000 numbers, with as many checkpoints as steps."""
    os.makedirs(directory, exist_ok=True)
    with tf.Graph().as_default(), self.session() as sess:
      w = tf.get_variable('w', initializer=tf.fill([1000], value))
      sess.run(w.initializer)
      saver = tf.train.Saver(max_to_keep=100)
      for step in steps:
        saver.save(sess, os.path.join(directory, 'model.ckpt'), step)

  def _resume(self):
    """Returns the step resumed from, and the output."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        train_dirs.opened(
            config_lib.Train(train_dir=self.train_dir)
        ) as directory,
    ):
      directory.begin()
      state = tf.train.get_checkpoint_state(self.train_dir)
      newest = directory.newest.path
      self.assertEqual(newest, state.model_checkpoint_path)
      self.assertEqual(newest, tf.train.latest_checkpoint(self.train_dir))
    return directory.newest.step, printed.getvalue()

  def _path(self, step, part):
    return os.path.join(self.train_dir, 'model.ckpt-%d.%s' % (step, part))

  def _listed(self):
    state = tf.train.get_checkpoint_state(self.train_dir)
    return [
        checkpoints.Checkpoint.at(p).step
        for p in state.all_model_checkpoint_paths
    ]

  def test_the_one_that_is_named(self):
    self.assertEqual((20, ''), self._resume())
    # The user goes back to an earlier checkpoint.
    with open(self.list, 'w') as f:
      f.write('model_checkpoint_path: "model.ckpt-10"')
    self.assertEqual((10, ''), self._resume())

  def test_a_killed_process_had_not_removed_what_it_no_longer_named(self):
    self._save(self.train_dir, steps=(30, 40, 50, 60, 70))
    with open(self.list, 'w') as f:
      f.write('model_checkpoint_path: "model.ckpt-60"')
    self.assertEqual((60, ''), self._resume())
    # Of those up to the listed one, a Saver keeps five.
    self.assertEqual([20, 30, 40, 50, 60], self._listed())
    self.assertEqual(
        [20, 30, 40, 50, 60, 70],
        [c.step for c in checkpoints.complete(self.train_dir)],
    )
    self.assertEmpty(
        [n for n in os.listdir(self.train_dir) if 'model.ckpt-10.' in n]
    )

  def test_learning_rate(self):
    def rates():
      return notes.learning_rates(self.train_dir)

    def resume(rate):
      return self._begin(learning_rate=rate)

    # A directory of an earlier version records no rate.
    self.assertEqual('', resume(0.1))
    self.assertEqual([(20, 0.1)], rates())
    self._save(self.train_dir, steps=(30,))
    self.assertEqual('', resume(0.1))
    self.assertEqual(
        'From step 30, the learning rate is 0.05 (was 0.1).\n', resume(0.05)
    )
    self.assertEqual([(20, 0.1), (30, 0.05)], rates())
    # Another rate before the first step with this one.
    self.assertIn('is 0.01 (was 0.05)', resume(0.01))
    self.assertEqual([(20, 0.1), (30, 0.01)], rates())

  def _begin(self, config=config_lib.Train, images=None, **settings):
    """Resumes with settings; returns the output."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        train_dirs.opened(
            config(train_dir=self.train_dir, **settings), images
        ) as directory,
    ):
      directory.begin()
    return printed.getvalue()

  def test_other_settings_are_told(self):
    # A directory of an earlier version records no settings.
    self.assertEqual('', self._begin(batch_size=64))
    self._save(self.train_dir, steps=(30,))
    towers = config_lib.MultiGpuTrain
    self.assertEqual(
        'From step 30, batch_size is 32 (was 64): the learning rate drops at '
        'other steps.\n',
        self._begin(batch_size=32, seed=3),
    )
    # No step was trained with 32.
    self.assertEqual('', self._begin(batch_size=64))
    self.assertEqual(
        'From step 30, num_gpus is 2 (was 1).\n',
        self._begin(towers, batch_size=64, num_gpus=2),
    )
    self._save(self.train_dir, steps=(40,))
    self.assertEqual(
        'From step 40, num_gpus is 1 (was 2), decay_by_examples is True '
        '(was False): the learning rate drops at other steps.\n',
        self._begin(towers, batch_size=64, decay_by_examples=True),
    )
    self.assertEqual(
        'From step 40, num_gpus is 1 (was 2), flip is False (was True).\n',
        self._begin(
            batch_size=64, dataset=datasets.CIFAR10._replace(flip=False)
        ),
    )
    self.assertEqual('', self._begin(batch_size=16, fresh=True))

  def test_external_text_is_escaped(self):
    self.assertEqual('', self._begin(batch_size=64))
    self._save(self.train_dir, steps=(30,))
    path = os.path.join(self.train_dir, 'dataset.json')
    with open(path) as f:
      note = json.load(f)
    note['settings'][0][1]['batch_size'] = '\x1b[31mred\nstep 30'
    with open(path, 'w') as f:
      json.dump(note, f)
    with open(self.list, 'w') as f:
      f.write('model_checkpoint_path: "/no\\033\\nwhere/model.ckpt-99"')
    printed = self._begin(batch_size=64)
    self.assertIn('lists /no\\x1b\\nwhere/model.ckpt-99, which is in', printed)
    self.assertIn('is 64 (was \\x1b[31mred\\nstep 30): the', printed)
    self.assertLen(printed.splitlines(), 2)

  def test_other_images(self):
    told = dict(deterministic=True, seed=1)
    self._begin(**told, fresh=True, images='0123abcd')
    self._save(self.train_dir, steps=(30,))
    self.assertEqual('', self._begin(**told, images='0123abcd'))
    with self.assertRaisesRegex(
        errors.UsageError, r'images is 4567cdef \(was 0123abcd\)'
    ):
      self._begin(**told, images='4567cdef')
    self.assertEqual(
        'From step 30, images is 4567cdef (was 0123abcd).\n',
        self._begin(seed=1, images='4567cdef'),
    )

  def test_deterministic_run_that_would_not_repeat(self):
    told = dict(deterministic=True, seed=1, batch_size=64, summary_steps=50)
    # Nothing is known about the steps already trained.
    with self.assertRaisesRegex(
        errors.UsageError, 'dataset.json does not record the settings'
    ):
      self._begin(**told)
    self.assertEqual('', self._begin(**told, fresh=True))
    self._save(self.train_dir, steps=(30,))
    self.assertEqual('', self._begin(**told))
    for name, value, was in (
        ('seed', 2, '1'),
        ('batch_size', 32, '64'),
        ('summary_steps', 10, '50'),
        ('fast', True, 'False'),
    ):
      with self.assertRaisesRegex(
          errors.UsageError,
          f'would not repeat bit for bit: {name} is {value} \\(was {was}\\): '
          'restore the earlier values, leave out --deterministic, or choose ',
      ):
        self._begin(**{**told, name: value})
    with (
        mock.patch.object(os, 'sched_getaffinity', lambda _: set(range(99))),
        self.assertRaisesRegex(errors.UsageError, r'usable_cpus is 99 \(was'),
    ):
      self._begin(**told)
    for name in (
        'TF_NUM_INTRAOP_THREADS',
        'TF_NUM_INTEROP_THREADS',
        'TF_ENABLE_ONEDNN_OPTS',
        'ONEDNN_MAX_CPU_ISA',
        'TF_DETERMINISTIC_OPS',
        'XLA_FLAGS',
    ):
      with (
          mock.patch.dict(os.environ, {name: '1'}),
          self.assertRaisesRegex(
              errors.UsageError, rf'{name} is 1 \(was unset'
          ),
      ):
        self._begin(**told)
    with mock.patch.dict(os.environ, TF_CONFIG='{}', TF_CPP_VMODULE='x=1'):
      self.assertEqual('', self._begin(**told))
    self.assertEqual('', self._begin(**told))
    # Without the flag it may; afterwards, no longer with it.
    self.assertEqual('', self._begin(**{**told, 'deterministic': False}))
    self.assertEqual('', self._begin(**told))
    self._begin(**{**told, 'deterministic': False})
    self._save(self.train_dir, steps=(40,))
    with self.assertRaisesRegex(
        errors.UsageError, r'deterministic is True \(was False\)'
    ):
      self._begin(**told)

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
        self._save(self.train_dir, steps=(0, 10, 20))
        damage(self._path(20, part))
        step, line = self._resume()
        self.assertEqual(10, step)
        self.assertRegex(
            line,
            r'^\S+/model\.ckpt-20 %s.*: resuming from \S+/model\.ckpt-10\.\n$'
            % told,
        )
        self.assertEqual([0, 10], self._listed())

  def test_what_may_be_whole_is_not_passed_over(self):
    newest = self._path(20, 'data-00000-of-00001')
    open_file = files.open_regular
    reader = tf.train.NewCheckpointReader

    def fails(number):
      def opened(path):
        if path == newest:
          raise OSError(number, os.strerror(number), path)
        return open_file(path)

      return mock.patch.object(files, 'open_regular', opened)

    def reader_fails(message):
      def read(path):
        if path.endswith('-20'):
          raise tf.errors.UnknownError(None, None, message)
        return reader(path)

      return mock.patch.object(tf.train, 'NewCheckpointReader', read)

    for failure in (
        fails(errno.EIO),
        fails(errno.EACCES),
        fails(errno.EMFILE),
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
    with open(self.list, 'w') as f:
      f.write('model_checkpoint_path: "model.ckpt-10"\n')
    open_file = files.open_regular

    for number, remedy in (
        (errno.EACCES, 'ask its owner for read permission'),
        (errno.EIO, 'try again'),
        (errno.EMFILE, 'try again'),
    ):

      def fails(path, number=number):
        if path == self.list:
          raise OSError(number, os.strerror(number), path)
        return open_file(path)

      expected = r'cannot read %s \(%s\), which may be intact: %s$' % (
          self.list,
          os.strerror(number),
          remedy,
      )
      with mock.patch.object(files, 'open_regular', fails):
        for find in (
            self._resume,
            lambda: checkpoints.newest(self.train_dir),
        ):
          with self.assertRaisesRegex(errors.CheckpointReadError, expected):
            find()
    self.assertEqual((10, ''), self._resume())

  def _save_format_of_2016(self, *steps):
    with tf.Graph().as_default(), self.session() as sess:
      tf.get_variable('w', initializer=1.0).initializer.run()
      saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
      for step in steps:
        saver.save(sess, os.path.join(self.train_dir, 'model.ckpt'), step)

  def test_format_of_2016_without_a_usable_list(self):
    self._save_format_of_2016(30, 40)
    os.remove(self.list)
    with self.assertRaisesRegex(
        errors.MissingListError, 'contains model.ckpt-40, but no list'
    ):
      checkpoints.newest(self.train_dir)
    step, line = self._resume()
    self.assertEqual(40, step)
    self.assertIn('checkpoint is missing: resuming', line)
    self.assertEqual([0, 10, 20, 30, 40], self._listed())
    os.truncate(os.path.join(self.train_dir, 'model.ckpt-40'), 50)
    step, line = self._resume()
    self.assertEqual(30, step)
    self.assertIn('model.ckpt-40 is damaged', line)
    # Surplus checkpoints of 2016 are removed too.
    with train_dirs.opened(
        config_lib.Train(train_dir=self.train_dir, keep_checkpoints=1)
    ) as directory:
      directory.begin()
    self.assertEqual([30], self._listed())
    self._save_format_of_2016(50, 60)
    with train_dirs.opened(
        config_lib.Train(train_dir=self.train_dir, keep_checkpoints=1)
    ) as directory:
      directory.begin()
    self.assertNotIn('model.ckpt-50', os.listdir(self.train_dir))
    self.assertNotIn('model.ckpt-50.meta', os.listdir(self.train_dir))

  def test_moved_directory_in_the_format_of_2016(self):
    self._save_format_of_2016(30)
    self.train_dir += '_moved'
    os.rename(self.train_dir[: -len('_moved')], self.train_dir)
    self.assertEqual(30, checkpoints.newest(self.train_dir).step)
    self.assertEqual((30, ''), self._resume())

  def test_values_that_are_not_finite(self):
    self._save(self.train_dir, steps=(30,), value=np.nan)
    step, line = self._resume()
    self.assertEqual(20, step)
    self.assertIn(
        'model.ckpt-30 has values of w that are NaN or infinite', line
    )

  def test_list_that_leads_nowhere(self):
    def directory(path):
      os.mkdir(path)

    def loop(path):
      os.symlink(os.path.basename(path), path)

    def huge(path):
      with open(path, 'w') as f:
        f.write('x' * 30_000_000)

    def text(contents):
      def write(path):
        with open(path, 'w') as f:
          f.write(contents)

      return write

    for make, told in (
        (lambda path: None, 'checkpoint is missing'),
        (text(''), 'lists no checkpoint'),
        (text('no protocol buffer {'), 'lists no checkpoint'),
        (text('model_checkpoint_path: "/etc/model.ckpt-7"'), 'in another dir'),
        (text('model_checkpoint_path: "model.ckpt-7"'), 'ckpt-7 is missing'),
        (huge, 'is not a list'),
        (os.mkfifo, 'is not a list'),
        (loop, 'cannot be read'),
    ):
      with self.subTest(told):
        os.remove(self.list)
        make(self.list)
        step, line = self._resume()
        self.assertEqual(20, step)
        self.assertIn(told, line)
    os.remove(self.list)
    directory(self.list)
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
    old = self.train_dir
    self.train_dir += '_moved'
    os.rename(old, self.train_dir)
    self.assertEqual((20, ''), self._resume())

  def test_what_killed_processes_left(self):
    left = [
        'model.ckpt-30.data-00000-of-00001.tempstate123',
        'model.ckpt-30.index.tempstate123',
        'model.ckpt-30.meta.tmp' + '0123' * 8,
        'checkpoint.tmp' + 'cdef' * 8,
        'dataset.json.tmp' + '4711' * 8,
    ]
    # A complete checkpoint that was to be removed next.
    self._save(self.train_dir, steps=(5,))
    self._save(self.train_dir, steps=(10, 20))
    for name in left:
      open(os.path.join(self.train_dir, name), 'w').close()
    self.assertEqual((20, ''), self._resume())
    self.assertEmpty(set(left) & set(os.listdir(self.train_dir)))
    self.assertEqual([0, 5, 10, 20], self._listed())
