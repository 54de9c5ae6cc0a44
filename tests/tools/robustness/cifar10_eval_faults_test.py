"""The evaluator, predict and export with unusable checkpoints."""

import os
import pathlib
import re
import shutil
import signal

import numpy as np
from PIL import Image
import tensorflow.compat.v1 as tf

from tests.helpers import biased_network
from tests.helpers import limits
from tests.helpers import program
from tests.helpers import record_fixture


def _nan():
  return [np.nan] + [0.0] * 9


class EvalFaultsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    root = cls.root = tf.test.get_temp_dir()
    cls.data_dir = os.path.join(root, 'data')
    images, _ = record_fixture.random_images(30)
    # 12 images of label 3, 9 of label 5, 9 of label 7.
    record_fixture.write_batches(
        cls.data_dir, images, [3] * 12 + [5] * 9 + [7] * 9
    )
    cls.image = os.path.join(root, 'image.png')
    Image.fromarray(images[0]).save(cls.image)

  def setUp(self):
    super().setUp()
    self.elsewhere = self.create_tempdir().full_path
    self.directory = os.path.join(self.create_tempdir().full_path, 'train')
    os.mkdir(self.directory)

  def _save(self, step, averaged):
    """Saves a checkpoint elsewhere; returns the names of its files."""
    biased_network.save(
        self.elsewhere, step, averaged=averaged, raw=biased_network.sure_of(0)
    )
    # As if it had been saved in the other directory.
    pathlib.Path(self.elsewhere, 'checkpoint').write_text(
        'model_checkpoint_path: "model.ckpt-%d"\n' % step
    )
    return [
        'model.ckpt-%d.%s' % (step, end)
        for end in ('data-00000-of-00001', 'index', 'meta')
    ]

  def _copy(self, *names):
    """Copies files atomically."""
    for name in names:
      there = os.path.join(self.directory, name)
      shutil.copy(os.path.join(self.elsewhere, name), there + '.part')
      os.replace(there + '.part', there)

  def _cut(self, name, numerator, denominator):
    """Copies the first part of a file."""
    there = os.path.join(self.directory, name)
    shutil.copy(os.path.join(self.elsewhere, name), there)
    os.truncate(there, os.path.getsize(there) * numerator // denominator)

  def test_polling_continues(self):
    evaluator = program.Program(
        'child',
        'cifar10_eval',
        'jumping_clock',
        '--data_dir=' + self.data_dir,
        '--checkpoint_dir=' + self.directory,
        '--eval_interval_secs=1',
        '--eval_dir=' + os.path.join(self.elsewhere, 'eval'),
        package='tools.robustness.faults',
    )

    def wait_for_error(pattern):
      evaluator.wait_for_line(pattern, lines=evaluator.error_lines)

    # The list is incomplete.
    data, *others = self._save(10, biased_network.sure_of(3))
    self._cut('checkpoint', 1, 3)
    wait_for_error('^still waiting: .*/checkpoint ')
    # The checkpoint is still being copied.
    self._cut(data, 1, 2)
    self._copy(*others, 'checkpoint')
    wait_for_error('^not evaluated, .*model.ckpt-10 is damaged or incomplete')
    self._copy(data)
    evaluator.wait_for_line(r'precision @ 1 = 0\.400')
    # The checkpoint was removed after it was found; then a newer one appears.
    self._save(15, biased_network.sure_of(0))
    self._copy('checkpoint')
    wait_for_error('^not evaluated, .*model.ckpt-15, which is missing')
    self._copy(*self._save(20, biased_network.sure_of(5)), 'checkpoint')
    evaluator.wait_for_line(r'precision @ 1 = 0\.300')
    # Its weights are non-finite.
    self._copy(*self._save(25, _nan()), 'checkpoint')
    wait_for_error(
        '^not evaluated, .*model.ckpt-25 has values of softmax_linear/biases'
    )
    # The directory vanishes and returns.
    shutil.move(self.directory, self.directory + '.away')
    evaluator.wait_for_line('Waiting for the first checkpoint')
    os.mkdir(self.directory)
    self._copy(*self._save(30, biased_network.sure_of(8)), 'checkpoint')
    evaluator.wait_for_line(r'precision @ 1 = 0\.000')

    evaluator.process.send_signal(signal.SIGTERM)
    code, out, err = evaluator.finish()
    self.assertEqual(128 + signal.SIGTERM, code)
    self.assertLen(re.findall('precision', out), 3)
    self.assertLen(re.findall('^not evaluated', err, re.MULTILINE), 3, err)
    # It may also have polled while the directory was being moved.
    lists = re.findall('^still waiting', err, re.MULTILINE)
    self.assertIn(len(lists), (1, 2), err)
    self.assertLen(err.splitlines(), 3 + len(lists), err)

  def _assert_refused(self, expected, **kwargs):
    """Checks that each program, or just predict, ends with a one-line error."""
    heeds_permissions = 'preexec_fn' in kwargs  # Not forked, so slower.
    programs = (
        (
            'cifar10_eval',
            '--run_once',
            '--data_dir=' + self.data_dir,
            '--eval_dir=' + os.path.join(self.elsewhere, 'eval'),
        ),
        ('cifar10_predict', self.image),
        ('cifar10_export', '--export_dir=' + self.elsewhere + '/export'),
    )
    for name, *args in programs[1:2] if heeds_permissions else programs:
      with self.subTest(name):
        code, out, err = program.run(
            name, *args, '--checkpoint_dir=' + self.directory, **kwargs
        )
        self.assertEqual((1, ''), (code, out), err)
        self.assertRegex(err, r'\A%s.py: error: .*%s.*\n\Z' % (name, expected))

  def test_damaged(self):
    data, index, meta = self._save(1, biased_network.sure_of(0))
    self._copy(data, index, meta, 'checkpoint')
    self._cut(data, 1, 2)
    self._assert_refused(
        r'/model.ckpt-1 is damaged or incomplete \(Read less bytes than.*'
        'point .*/checkpoint at an earlier one',
        forked=True,
    )
    self._copy(data)
    self._cut(index, 1, 2)
    self._assert_refused(
        r'/model.ckpt-1 is damaged or incomplete \(not an sstable', forked=True
    )

  def test_no_file(self):
    data, index, meta = self._save(1, biased_network.sure_of(0))
    self._copy(index, meta, 'checkpoint')
    self._assert_refused(
        'ckpt-1 is damaged or incomplete .*No such', forked=True
    )
    os.mkfifo(os.path.join(self.directory, data))
    self._assert_refused(
        r'cannot read .*%s \(it is a pipe, not a file\)' % data, forked=True
    )

  def test_unreadable_checkpoint(self):
    data, index, meta = self._save(1, biased_network.sure_of(0))
    self._copy(data, index, meta, 'checkpoint')
    os.chmod(os.path.join(self.directory, data), 0)
    self._assert_refused(
        r'cannot read .*%s \(Permission denied\); the checkpoint may be '
        'intact: ask its owner for read permission' % data,
        preexec_fn=limits.heed_permissions,
    )

  def test_not_finite(self):
    for values in (_nan(), [np.inf] + [0.0] * 9):
      self._copy(*self._save(1, values), 'checkpoint')
      self._assert_refused(
          'model.ckpt-1 has values of '
          'softmax_linear/biases/ExponentialMovingAverage that are NaN or '
          'infinite, since training diverged',
          forked=True,
      )

  def test_note_of_the_data_set(self):
    self._copy(*self._save(1, biased_network.sure_of(0)), 'checkpoint')
    note = os.path.join(self.directory, 'dataset.json')
    os.mkfifo(note)
    self._assert_refused(
        r'cannot read .*dataset.json \(it is a pipe, not a file\)', forked=True
    )
    os.remove(note)
    os.mkdir(note)
    self._assert_refused(
        r'cannot read .*dataset.json \(it is a directory', forked=True
    )
    os.rmdir(note)
    pathlib.Path(note).write_text('{"dataset": "cifar10"}')
    os.chmod(note, 0)
    self._assert_refused(
        r'cannot read .*dataset.json \(Permission denied\)',
        preexec_fn=limits.heed_permissions,
    )

  def test_no_room_for_summaries(self):
    self._copy(*self._save(1, biased_network.sure_of(3)), 'checkpoint')
    eval_dir = self.create_tempdir().full_path
    with limits.small_disk(eval_dir, 1 << 16) as is_small:
      code, _, err = program.run(
          'cifar10_eval',
          '--run_once',
          '--data_dir=' + self.data_dir,
          '--checkpoint_dir=' + self.directory,
          '--eval_dir=' + eval_dir,
          preexec_fn=None if is_small else limits.limit_files(1 << 16),
      )
    self.assertEqual(1, code)
    self.assertRegex(
        err,
        r'\Acifar10_eval.py: error: cannot write event files to %s '
        r'\((No space left on device|File too large)\): free disk space, '
        r'or choose another directory\n\Z' % eval_dir,
    )
