"""How a trainer prepares its train_dir."""

import errno
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import sys
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.data import datasets
from cifar10_compat.training import notes
from cifar10_compat.training import train_dirs
from tests.helpers import limits
from tests.helpers import record_fixture
from tests.training import run_fixture

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
    run_fixture.begin(train_dir, dataset=datasets.SYNTHETIC)
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
    run_fixture.begin(train_dir, dataset=datasets.SYNTHETIC)
    self.assertCountEqual(['dataset.json', 'train.lock'], os.listdir(train_dir))

  def test_fresh_removes_only_what_training_writes(self):
    run_fixture.begin(self.train_dir, dataset=datasets.SYNTHETIC)
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
    run_fixture.begin(self.train_dir, fresh=True)
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
      run_fixture.begin(self.train_dir, fresh=True)
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
        run_fixture.begin(self.train_dir, fresh=True)
      self.assertEqual('{"my": "notes"}', path.read_text())
      path.unlink()
    # The evaluator of another run.
    events = self.create_tempdir().create_file('events.out.tfevents.1.x')
    eval_dir.rmdir()
    eval_dir.symlink_to(os.path.dirname(events.full_path))
    run_fixture.begin(self.train_dir, fresh=True)
    self.assertTrue(os.path.exists(events.full_path))

  def test_fresh_in_a_directory_that_is_a_link(self):
    self._create('model.ckpt-5.index')
    link = os.path.join(self.root, 'link')
    os.symlink(self.train_dir, link)
    run_fixture.begin(link, fresh=True)
    self.assertNotIn('model.ckpt-5.index', os.listdir(self.train_dir))

  def test_resuming_leaves_what_it_may_not_know(self):
    # Incomplete checkpoints, such as one being copied here.
    names = [
        'model.ckpt-5.meta',
        'model.ckpt-9.data-00000-of-00001',
        *_NOT_OURS,
    ]
    self._create(*names)
    run_fixture.begin(self.train_dir)
    self.assertCountEqual(
        names + ['dataset.json', 'train.lock'], os.listdir(self.train_dir)
    )

  def test_what_is_not_begun_changes_nothing(self):
    os.rmdir(self.train_dir)
    with self.assertRaisesRegex(errors.UsageError, 'File name too long'):
      run_fixture.begin(os.path.join(self.root, 'a', 'b', 300 * 'x'))
    self.assertEmpty(os.listdir(self.root))
    self.train_dir = os.path.join(self.root, 'a', 'b')
    with train_dirs.opened(config_lib.Train(train_dir=self.train_dir)):
      self.assertEqual(['train.lock'], os.listdir(self.train_dir))
    self.assertEmpty(os.listdir(self.root))

    run_fixture.begin(self.train_dir, dataset=datasets.SYNTHETIC)
    os.remove(os.path.join(self.train_dir, 'train.lock'))
    self._create('model.ckpt-9.meta', 'checkpoint.tmp' + '0f' * 16)
    before = self._contents()
    with self.assertRaisesRegex(errors.UsageError, "'synthetic', not to"):
      run_fixture.begin(self.train_dir)
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
        run_fixture.begin(self.train_dir)
      self.assertEqual('precious', pathlib.Path(precious).read_text())
      os.remove(lock)

  def test_directory_that_another_user_put_into_tmp(self):
    os.chmod(self.root, 0o1777)
    run_fixture.begin(self.train_dir)
    link = os.path.join(self.root, 'link')
    os.symlink(self.train_dir, link)
    for name, path in (('stat', self.train_dir), ('lstat', link)):
      with (
          limits.owned_by(4711, path, name),
          self.assertRaisesRegex(
              errors.UsageError, 'it belongs to another user, 4711'
          ),
      ):
        run_fixture.begin(path)

  def test_who_holds_the_lock_is_told_in_printable_words(self):
    with open(os.path.join(self.train_dir, 'train.lock'), 'wb') as f:
      fcntl.flock(f, fcntl.LOCK_EX)
      f.write(b'\xff\x1b[31m a line\nprocess 1 on here' + b'x' * 1000)
      f.flush()
      with self.assertRaisesRegex(
          errors.UsageError,
          r'is in use by \ufffd\[31m a lineprocess 1 on herex{150,200}: stop',
      ):
        run_fixture.begin(self.train_dir)

  def test_images_may_lie_in_the_same_directory(self):
    dataset = record_fixture.write_set(
        self.train_dir, *record_fixture.random_images(3)
    )
    run_fixture.begin(self.train_dir, dataset=dataset, fresh=True)
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
        run_fixture.begin(self.train_dir, fresh=True)
      self.assertIn('model.ckpt-5.index', os.listdir(self.train_dir))
      os.rmdir(path)

  def test_cannot_be_written(self):
    path = self.create_tempfile().full_path + '/train'
    with self.assertRaisesRegex(
        errors.UsageError, 'cannot write to train_dir %s' % path
    ):
      run_fixture.begin(path)

  def test_lost_output_is_not_the_directorys_fault(self):
    full = OSError(errno.ENOSPC, 'No space left on device')
    for is_lost, expected in ((True, OSError), (False, errors.UsageError)):
      with (
          mock.patch.object(output, 'is_lost', return_value=is_lost),
          mock.patch.object(notes, 'write', side_effect=full),
          self.assertRaises(expected),
      ):
        run_fixture.begin(self.train_dir)

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
        run_fixture.begin(self.train_dir, fresh=fresh)
    self.assertTrue(os.path.exists(weights))
    # However the process ends, the next one may train.
    other.kill()
    other.communicate()
    run_fixture.begin(self.train_dir, fresh=True)
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


class ResumedTest(run_fixture.ResumedTest):

  def test_what_killed_processes_left(self):
    left = [
        'model.ckpt-30.data-00000-of-00001.tempstate123',
        'model.ckpt-30.index.tempstate123',
        'model.ckpt-30.meta.tmp' + '0123' * 8,
        'checkpoint.tmp' + 'cdef' * 8,
        'dataset.json.tmp' + '4711' * 8,
    ]
    # A complete checkpoint that was to be removed next.
    self.save(5)
    self.save(10, 20)
    for name in left:
      open(os.path.join(self.train_dir, name), 'w').close()
    self.assertEqual('', self.begin())
    self.assertEmpty(set(left) & set(os.listdir(self.train_dir)))
    self.assertEqual([0, 5, 10, 20], self.listed())
