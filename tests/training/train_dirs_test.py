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
from tests.helpers import limits
from tests.helpers import record_fixture
from tests.helpers import saved_network

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


def _begin(train_dir, images=None, config=config_lib.Train, **settings):
  """Opens a directory for training, and closes it.

  Returns:
    train_dirs.TrainDir, and the output.
  """
  with (
      contextlib.redirect_stdout(io.StringIO()) as printed,
      train_dirs.opened(
          config(train_dir=train_dir, **settings), images
      ) as directory,
  ):
    directory.begin()
  return directory, printed.getvalue()


def _unreadable(path, number):
  """Context in which opening a file fails with an errno."""
  open_file = files.open_regular

  def opened(name):
    if name == path:
      raise OSError(number, os.strerror(number), path)
    return open_file(name)

  return mock.patch.object(files, 'open_regular', opened)


class TrainDirsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.root, 'train')
    os.mkdir(self.train_dir)

  def _create(self, *names):
    """Creates empty files in train_dir."""
    for name in names:
      pathlib.Path(self.train_dir, name).touch()

  def test_made_and_described(self):
    train_dir = os.path.join(self.root, 'a', 'b')
    _begin(train_dir, dataset=datasets.SYNTHETIC)
    note = json.loads(pathlib.Path(train_dir, 'dataset.json').read_text())
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
    _begin(train_dir, dataset=datasets.SYNTHETIC)
    self.assertCountEqual(['dataset.json', 'train.lock'], os.listdir(train_dir))

  def test_fresh_removes_only_what_training_writes(self):
    _begin(self.train_dir, dataset=datasets.SYNTHETIC)
    eval_dir = os.path.join(self.train_dir, 'eval')
    os.mkdir(eval_dir)
    notes.write(eval_dir, config_lib.Eval())
    self._create(
        'checkpoint',
        'checkpoint.tmp' + '0f' * 16,
        'model.ckpt-5.index',
        'model.ckpt-5.meta',
        'model.ckpt-5.data-00000-of-00001',
        'model.ckpt-6',
        'events.out.tfevents.1.host',
        'eval/events.out.tfevents.1.host',
        'eval/events.txt',
        *_NOT_OURS,
    )
    for name in _NOT_OUR_DIRECTORIES:
      os.mkdir(os.path.join(self.train_dir, name))
    _begin(self.train_dir, fresh=True)
    self.assertCountEqual(
        ['dataset.json', 'train.lock', 'eval', *_NOT_OURS]
        + [*_NOT_OUR_DIRECTORIES],
        os.listdir(self.train_dir),
    )
    self.assertEqual(['events.txt'], os.listdir(eval_dir))

  def test_fresh_start_in_the_default_directory(self):
    eval_dir = self.create_tempdir().full_path
    notes.write(eval_dir, config_lib.Eval())
    for name in ('events.out.tfevents.1.host', 'notes.txt'):
      pathlib.Path(eval_dir, name).touch()
    with mock.patch.multiple(
        config_lib, TRAIN_DIR=self.train_dir, EVAL_DIR=eval_dir
    ):
      _begin(self.train_dir, fresh=True)
    self.assertEqual(['notes.txt'], os.listdir(eval_dir))

  def test_fresh_keeps_files_of_the_users(self):
    eval_dir = pathlib.Path(self.train_dir, 'eval')
    eval_dir.mkdir()
    for directory in (pathlib.Path(self.train_dir), eval_dir):
      path = directory / 'dataset.json'
      path.write_text('{"my": "notes"}')
      with self.assertRaisesRegex(
          errors.UsageError, f'{path} records no data set'
      ):
        _begin(self.train_dir, fresh=True)
      self.assertEqual('{"my": "notes"}', path.read_text())
      path.unlink()
    # The evaluator of another run.
    events = self.create_tempdir().create_file('events.out.tfevents.1.x')
    eval_dir.rmdir()
    eval_dir.symlink_to(os.path.dirname(events.full_path))
    _begin(self.train_dir, fresh=True)
    self.assertTrue(os.path.exists(events.full_path))

  def test_fresh_in_a_directory_that_is_a_link(self):
    self._create('model.ckpt-5.index')
    link = os.path.join(self.root, 'link')
    os.symlink(self.train_dir, link)
    _begin(link, fresh=True)
    self.assertNotIn('model.ckpt-5.index', os.listdir(self.train_dir))

  def test_resuming_leaves_what_it_may_not_know(self):
    # Incomplete checkpoints, such as one being copied here.
    names = [
        'model.ckpt-5.meta',
        'model.ckpt-9.data-00000-of-00001',
        *_NOT_OURS,
    ]
    self._create(*names)
    _begin(self.train_dir)
    self.assertCountEqual(
        names + ['dataset.json', 'train.lock'], os.listdir(self.train_dir)
    )

  def test_what_is_not_begun_changes_nothing(self):
    os.rmdir(self.train_dir)
    with self.assertRaisesRegex(errors.UsageError, 'File name too long'):
      _begin(os.path.join(self.root, 'a', 'b', 300 * 'x'))
    self.assertEmpty(os.listdir(self.root))
    self.train_dir = os.path.join(self.root, 'a', 'b')
    with train_dirs.opened(config_lib.Train(train_dir=self.train_dir)):
      self.assertEqual(['train.lock'], os.listdir(self.train_dir))
    self.assertEmpty(os.listdir(self.root))

    _begin(self.train_dir, dataset=datasets.SYNTHETIC)
    os.remove(os.path.join(self.train_dir, 'train.lock'))
    self._create('model.ckpt-9.meta', 'checkpoint.tmp' + '0f' * 16)
    before = self._contents()
    with self.assertRaisesRegex(errors.UsageError, "'synthetic', not to"):
      _begin(self.train_dir)
    for fresh in (False, True):
      with train_dirs.opened(
          config_lib.Train(
              train_dir=self.train_dir, dataset=datasets.SYNTHETIC, fresh=fresh
          )
      ):
        pass
    self.assertEqual(before, self._contents())

  def _contents(self):
    return {
        path.name: path.read_bytes()
        for path in pathlib.Path(self.train_dir).iterdir()
    }

  def test_links_are_not_followed(self):
    precious = self.create_tempfile(content='precious').full_path
    lock = os.path.join(self.train_dir, 'train.lock')
    for link, expected in (
        (os.symlink, r'\(\S+/train.lock: it is a link'),
        (os.link, r'/train.lock has another hard link.*: remove this link'),
    ):
      link(precious, lock)
      with self.assertRaisesRegex(errors.UsageError, expected):
        _begin(self.train_dir)
      self.assertEqual('precious', pathlib.Path(precious).read_text())
      os.remove(lock)

  def test_directory_that_another_user_put_into_tmp(self):
    os.chmod(self.root, 0o1777)
    _begin(self.train_dir)
    link = os.path.join(self.root, 'link')
    os.symlink(self.train_dir, link)
    for name, path in (('stat', self.train_dir), ('lstat', link)):
      with (
          limits.owned_by(4711, path, name),
          self.assertRaisesRegex(
              errors.UsageError, 'it belongs to another user, 4711'
          ),
      ):
        _begin(path)

  def test_who_holds_the_lock_is_told_in_printable_words(self):
    with open(os.path.join(self.train_dir, 'train.lock'), 'wb') as f:
      fcntl.flock(f, fcntl.LOCK_EX)
      f.write(b'\xff\x1b[31m a line\nprocess 1 on here' + b'x' * 1000)
      f.flush()
      with self.assertRaisesRegex(
          errors.UsageError,
          r'is in use by \ufffd\[31m a lineprocess 1 on herex{150,200}: stop',
      ):
        _begin(self.train_dir)

  def test_images_may_lie_in_the_same_directory(self):
    dataset = record_fixture.write_set(
        self.train_dir, *record_fixture.random_images(3)
    )
    _begin(self.train_dir, dataset=dataset, fresh=True)
    self.assertEqual(dataset, datasets.get(self.train_dir))
    notes.check(
        self.train_dir, config_lib.Network(dataset=dataset), '--train_dir'
    )

  def test_directory_in_the_place_of_a_file(self):
    self._create('model.ckpt-5.index')
    for name in ('checkpoint', 'dataset.json'):
      path = os.path.join(self.train_dir, name)
      os.mkdir(path)
      with self.assertRaisesRegex(
          errors.UsageError, rf'/{name} .*is a directory.*: move it away'
      ):
        _begin(self.train_dir, fresh=True)
      self.assertIn('model.ckpt-5.index', os.listdir(self.train_dir))
      os.rmdir(path)

  def test_cannot_be_written(self):
    path = self.create_tempfile().full_path
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write to train_dir %s' % path
    ):
      _begin(path)

  def test_one_process_at_a_time(self):
    weights = os.path.join(self.train_dir, 'model.ckpt-5.index')
    other = subprocess.Popen(
        [sys.executable, '-c', _HOLDER, self.train_dir],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    self.assertEqual('opened\n', other.stdout.readline())
    self._create('model.ckpt-5.index')
    for fresh in (False, True):
      with self.assertRaisesRegex(
          errors.UsageError,
          'is in use by process %d on %s: ' % (other.pid, socket.gethostname()),
      ):
        _begin(self.train_dir, fresh=fresh)
    self.assertTrue(os.path.exists(weights))
    # However the process ends, the next one may train.
    other.kill()
    other.communicate()
    _begin(self.train_dir, fresh=True)
    self.assertFalse(os.path.exists(weights))

  def test_directory_that_was_renamed(self):
    with train_dirs.opened(
        config_lib.Train(train_dir=self.train_dir)
    ) as directory:
      directory.check_in_place()
      os.rename(self.train_dir, self.train_dir + '_2')
      for _ in ('gone', 'another in its place'):
        with self.assertRaisesRegex(errors.WriteError, 'removed or renamed'):
          directory.check_in_place()
        os.makedirs(self.train_dir, exist_ok=True)


class ResumeTest(tf.test.TestCase):
  """Tests which checkpoint a training run resumes from."""

  def setUp(self):
    super().setUp()
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    self._save(0, 10, 20)
    self.list = os.path.join(self.train_dir, 'checkpoint')

  def _save(self, *steps, value=1.0, **kwargs):
    """Saves a weight of 1,000 numbers at each step, and keeps them all."""
    saved_network.save(
        self.train_dir,
        *steps,
        build=lambda: tf.get_variable('w', initializer=tf.fill([1000], value)),
        max_to_keep=100,
        **kwargs,
    )

  def _resume(self):
    """Returns the step resumed from, and the output."""
    directory, printed = _begin(self.train_dir)
    newest = directory.newest.path
    self.assertEqual(newest, tf.train.latest_checkpoint(self.train_dir))
    state = tf.train.get_checkpoint_state(self.train_dir)
    self.assertEqual(newest, state.model_checkpoint_path)
    return directory.newest.step, printed

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
    pathlib.Path(self.list).write_text('model_checkpoint_path: "model.ckpt-10"')
    self.assertEqual((10, ''), self._resume())

  def test_a_killed_process_had_not_removed_what_it_no_longer_named(self):
    self._save(30, 40, 50, 60, 70)
    pathlib.Path(self.list).write_text('model_checkpoint_path: "model.ckpt-60"')
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
    for saved, rate, expected, rates in (
        # A directory of an earlier version records no rate.
        (None, 0.1, '', [(20, 0.1)]),
        (30, 0.1, '', [(20, 0.1)]),
        (
            None,
            0.05,
            'From step 30, the learning rate is 0.05 (was 0.1).\n',
            [(20, 0.1), (30, 0.05)],
        ),
        # Another rate before the first step with this one.
        (
            None,
            0.01,
            'From step 30, the learning rate is 0.01 (was 0.05).\n',
            [(20, 0.1), (30, 0.01)],
        ),
    ):
      if saved:
        self._save(saved)
      self.assertEqual(expected, self._begin(learning_rate=rate))
      self.assertEqual(rates, notes.learning_rates(self.train_dir))

  def _begin(self, **settings):
    """Resumes with settings; returns the output."""
    return _begin(self.train_dir, **settings)[1]

  def test_other_settings_are_told(self):
    towers = config_lib.MultiGpuTrain
    for saved, settings, expected in (
        # A directory of an earlier version records no settings.
        (None, {'batch_size': 64}, ''),
        (
            30,
            {'batch_size': 32, 'seed': 3},
            'From step 30, batch_size is 32 (was 64): the learning rate drops '
            'at other steps.\n',
        ),
        # No step was trained with 32.
        (None, {'batch_size': 64}, ''),
        (
            None,
            {'config': towers, 'batch_size': 64, 'num_gpus': 2},
            'From step 30, num_gpus is 2 (was 1).\n',
        ),
        (
            40,
            {'config': towers, 'batch_size': 64, 'decay_by_examples': True},
            'From step 40, num_gpus is 1 (was 2), decay_by_examples is True '
            '(was False): the learning rate drops at other steps.\n',
        ),
        (
            None,
            {
                'batch_size': 64,
                'dataset': datasets.CIFAR10._replace(flip=False),
            },
            'From step 40, num_gpus is 1 (was 2), flip is False (was True).\n',
        ),
        (None, {'batch_size': 16, 'fresh': True}, ''),
    ):
      if saved:
        self._save(saved)
      self.assertEqual(expected, self._begin(**settings))

  def test_external_text_is_escaped(self):
    self.assertEqual('', self._begin(batch_size=64))
    self._save(30)
    path = os.path.join(self.train_dir, 'dataset.json')
    note = json.loads(pathlib.Path(path).read_text())
    note['settings'][0][1]['batch_size'] = '\x1b[31mred\nstep 30'
    with open(path, 'w') as f:
      json.dump(note, f)
    pathlib.Path(self.list).write_text(
        'model_checkpoint_path: "/no\\033\\nwhere/model.ckpt-99"'
    )
    printed = self._begin(batch_size=64)
    self.assertIn('lists /no\\x1b\\nwhere/model.ckpt-99, which is in', printed)
    self.assertIn('is 64 (was \\x1b[31mred\\nstep 30): the', printed)
    self.assertLen(printed.splitlines(), 2)

  def test_other_images(self):
    told = dict(deterministic=True, seed=1)
    self._begin(**told, fresh=True, images='0123abcd')
    self._save(30)
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
    self._save(30)
    self.assertEqual('', self._begin(**told))
    unchanged = contextlib.nullcontext()
    for patch, settings, expected in (
        (unchanged, {'seed': 2}, r'seed is 2 \(was 1\)'),
        (unchanged, {'batch_size': 32}, r'batch_size is 32 \(was 64\)'),
        (unchanged, {'summary_steps': 10}, r'summary_steps is 10 \(was 50\)'),
        (unchanged, {'fast': True}, r'fast is True \(was False\)'),
        (
            mock.patch.object(
                os, 'sched_getaffinity', lambda _: set(range(99))
            ),
            {},
            r'usable_cpus is 99 \(was \d+\)',
        ),
        *(
            (
                mock.patch.dict(os.environ, {name: '1'}),
                {},
                rf'{name} is 1 \(was unset\)',
            )
            for name in (
                'TF_NUM_INTRAOP_THREADS',
                'TF_NUM_INTEROP_THREADS',
                'TF_ENABLE_ONEDNN_OPTS',
                'ONEDNN_MAX_CPU_ISA',
                'TF_DETERMINISTIC_OPS',
                'XLA_FLAGS',
            )
        ),
    ):
      with (
          patch,
          self.assertRaisesRegex(
              errors.UsageError,
              f'would not repeat bit for bit: {expected}: restore the earlier '
              'values, leave out --deterministic, or choose ',
          ),
      ):
        self._begin(**told | settings)
    with mock.patch.dict(os.environ, TF_CONFIG='{}', TF_CPP_VMODULE='x=1'):
      self.assertEqual('', self._begin(**told))
    # Without the flag it may; afterwards, no longer with it.
    alone = told | {'deterministic': False}
    self.assertEqual('', self._begin(**alone))
    self.assertEqual('', self._begin(**told))
    self._begin(**alone)
    self._save(40)
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
        self._save(0, 10, 20)
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
      for find in (self._resume, lambda: checkpoints.newest(self.train_dir)):
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
    self._save(30, 40, write_version=tf.train.SaverDef.V1)
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
    self._begin(keep_checkpoints=1)
    self.assertEqual([30], self._listed())
    self._save(50, 60, write_version=tf.train.SaverDef.V1)
    self._begin(keep_checkpoints=1)
    self.assertNoCommonElements(
        ['model.ckpt-50', 'model.ckpt-50.meta'], os.listdir(self.train_dir)
    )

  def test_values_that_are_not_finite(self):
    self._save(30, value=np.nan)
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
      self._save(step, write_version=version)
      old = self.train_dir
      self.train_dir += '_moved'
      os.rename(old, self.train_dir)
      self.assertEqual(step, checkpoints.newest(self.train_dir).step)
      self.assertEqual((step, ''), self._resume())

  def test_what_killed_processes_left(self):
    left = [
        'model.ckpt-30.data-00000-of-00001.tempstate123',
        'model.ckpt-30.index.tempstate123',
        'model.ckpt-30.meta.tmp' + '0123' * 8,
        'checkpoint.tmp' + 'cdef' * 8,
        'dataset.json.tmp' + '4711' * 8,
    ]
    # A complete checkpoint that was to be removed next.
    self._save(5)
    self._save(10, 20)
    for name in left:
      open(os.path.join(self.train_dir, name), 'w').close()
    self.assertEqual((20, ''), self._resume())
    self.assertEmpty(set(left) & set(os.listdir(self.train_dir)))
    self.assertEqual([0, 5, 10, 20], self._listed())
