"""Trains as a user does: real processes on small batches."""

import json
import os
import pathlib
import re
import signal
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.data import datasets
from tests.helpers import event_files
from tests.helpers import program
from tests.helpers import record_fixture

LINE = (
    r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?: step (\d+), '
    r'loss = (\d+\.\d\d) \(\d+\.\d examples/sec; \d+\.\d{3} sec/batch\)$'
)


class TrainTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    self.batches = record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(200)
    )
    self.flags = [
        '--data_dir=' + self.data_dir,
        '--train_dir=' + self.train_dir,
        '--batch_size=8',
    ]

  def _checkpoints(self):
    return sorted(
        int(re.search(r'ckpt-(\d+)\.index', f).group(1))
        for f in os.listdir(self.train_dir)
        if f.endswith('.index')
    )

  def _global_step(self, step):
    return tf.train.load_variable(
        os.path.join(self.train_dir, 'model.ckpt-%d' % step), 'global_step'
    )

  def _start(self):
    return program.Program('cifar10_train', *self.flags, forked=True)

  def test_train_then_nothing_left_then_resume(self):
    out = program.output('cifar10_train', '--max_steps=12', *self.flags)
    lines = out.splitlines()
    self.assertEqual(
        'Filling queue with 20000 CIFAR images before starting to train.',
        lines[0],
    )
    matches = [re.match(LINE, l) for l in lines[1:]]
    self.assertEqual(['0', '10'], [m.group(2) for m in matches])
    self.assertNear(4.68, float(matches[0].group(3)), 0.05)
    self.assertEqual([0, 12], self._checkpoints())
    self.assertEqual((0, 12), (self._global_step(0), self._global_step(12)))
    note = json.loads(pathlib.Path(self.train_dir, 'dataset.json').read_text())
    self.assertEqual('cifar10', note['dataset'])

    # In a finished directory it trains no step and does not rewrite a file.
    restored = os.path.join(self.train_dir, 'model.ckpt-12.index')
    written = os.stat(restored).st_mtime_ns
    out = program.output(
        'cifar10_train', '--max_steps=12', *self.flags, forked=True
    )
    self.assertIn('already has step 12 and --max_steps is 12', out)
    self.assertEqual([0, 12], self._checkpoints())

    out = program.output(
        'cifar10_train', '--max_steps=101', *self.flags, forked=True
    )
    self.assertEqual(
        [str(s) for s in range(20, 101, 10)],
        [re.match(LINE, l).group(2) for l in out.splitlines()[1:]],
    )
    self.assertEqual([0, 12, 101], self._checkpoints())
    self.assertEqual(written, os.stat(restored).st_mtime_ns)

    # Summaries at multiples of 100, and where the second run began.
    for tag in (
        'total_loss (raw)',
        'queue/shuffle_batch/fraction_over_20000_of_24_full',
    ):
      scalars = event_files.scalars(self.train_dir, tag)
      self.assertEqual([0, 100], [step for step, _ in scalars])
    self.assertEqual(
        [12],
        [
            e.step
            for e in event_files.read(self.train_dir)
            if e.session_log.status == tf.SessionLog.START
        ],
    )

  def test_sigterm_saves_the_step_at_hand_and_resumes(self):
    trainer = self._start()
    trainer.wait_for_line('step 10,')
    sent = time.monotonic()
    trainer.process.send_signal(signal.SIGTERM)
    code, out, err = trainer.finish()
    self.assertLess(time.monotonic() - sent, 5 + 1)  # A step takes < 1 s.
    self.assertEqual((128 + signal.SIGTERM, ''), (code, err))
    steps = int(
        re.search(r'Stopped by SIGTERM after (\d+) steps', out).group(1)
    )
    self.assertGreater(steps, 10)
    self.assertEqual([0, steps], self._checkpoints())
    self.assertEqual(steps, self._global_step(steps))

  def test_ctrl_c_while_the_queue_fills(self):
    trainer = self._start()
    trainer.wait_for_line('Filling queue')
    trainer.process.send_signal(signal.SIGINT)
    code, out, err = trainer.finish()
    self.assertEqual((128 + signal.SIGINT, ''), (code, err))
    self.assertIn('Stopped by SIGINT after ', out)
    self.assertIn(0, self._checkpoints())

  def test_file_truncated_while_training(self):
    trainer = self._start()
    trainer.wait_for_line('step 10,')
    for name in datasets.CIFAR10.train_files:
      os.truncate(os.path.join(self.batches, name), 3073 * 100 + 5)
    code, out, err = trainer.finish()
    self.assertEqual(1, code)
    # The reader may come to any of them next.
    self.assertRegex(
        err,
        r'^cifar10_train.py: error: [^\n]*data_batch_[1-5].bin had 614600 '
        r'bytes when it was opened, but now it has 307305: [^\n]*\n$',
    )
    self.assertNotIn('RandomShuffleQueue', err)
    # The steps until then are kept.
    step = self._checkpoints()[-1]
    self.assertGreater(step, 10)
    self.assertEqual(step, self._global_step(step))
    self.assertNotIn('Traceback', out)

  def test_says_what_it_waits_for(self):
    trainer = self._start()
    trainer.wait_for_line('step 0,')
    trainer.process.send_signal(signal.SIGUSR1)
    trainer.wait_for_line('step 50,')
    trainer.process.send_signal(signal.SIGHUP)
    code, out, err = trainer.finish()
    self.assertEqual(128 + signal.SIGHUP, code)
    self.assertIn('Stopped by SIGHUP after ', out)
    self.assertRegex(
        err,
        r'^step \d+: the main thread is at \w+, line \d+ of \w+\.py, in \w+\n'
        r'(queue .*: \d+ of \d+.*\n){2}'
        r'1 of 1 threads run input_producer/input_producer_EnqueueMany, which '
        r'waits for room in its queue\n'
        r'16 of 16 threads run shuffle_batch/random_shuffle_queue_enqueue, which '
        r'waits for room in its queue, or for ReaderReadV2 \(ReaderRead\)\n$',
    )

  def test_file_that_is_overwritten(self):
    trainer = self._start()
    trainer.wait_for_line('step 10,')
    path = os.path.join(self.batches, 'data_batch_3.bin')
    with open(path, 'r+b') as f:
      f.write(b'\xff' * os.path.getsize(path))  # This includes labels of 255.
    code, _, err = trainer.finish()
    self.assertEqual(1, code)
    self.assertRegex(
        err, r'^\S+: error: \S+data_batch_3\.bin was overwritten while .*\n$'
    )
    self.assertGreater(self._checkpoints()[-1], 10)

  def test_relative_paths_under_bazel_run(self):
    parent, name = os.path.split(self.data_dir)
    program.output(
        'cifar10_train',
        '--max_steps=1',
        '--batch_size=8',
        '--data_dir=' + name,
        '--train_dir=here',
        cwd='/',
        env={'BUILD_WORKING_DIRECTORY': parent},
    )
    self.assertIn('checkpoint', os.listdir(os.path.join(parent, 'here')))

  def test_moving_averages_trail_the_variables(self):
    program.run('cifar10_train', '--max_steps=3', *self.flags, forked=True)
    before, after = [
        tf.train.load_checkpoint(os.path.join(self.train_dir, name))
        for name in ('model.ckpt-0', 'model.ckpt-3')
    ]
    name = 'local3/biases'
    average = name + '/ExponentialMovingAverage'
    self.assertAllEqual(before.get_tensor(name), before.get_tensor(average))
    moved = after.get_tensor(name) - before.get_tensor(name)
    averaged = after.get_tensor(average) - before.get_tensor(average)
    self.assertGreater(np.abs(moved).max(), 0)
    self.assertGreater(np.dot(moved, averaged), 0)


class ErrorTest(tf.test.TestCase):
  """Each user error: one line, exit code 1, within seconds."""

  def test_mistakes(self):
    def bad_label(path):
      with open(path, 'r+b') as f:
        f.seek(3073 * 7)
        f.write(bytes([10]))

    not_a_directory = self.create_tempfile().full_path
    other = self.create_tempdir().full_path
    pathlib.Path(other, 'dataset.json').write_text('{"dataset": "synthetic"}')
    programs = []
    # What is done to a file, further flags, and the message.
    for batch, damage, flags, expected in (
        (2, os.remove, [], r'data_batch_2\.bin .*--data_dir'),
        (
            3,
            lambda path: os.truncate(path, 3073 * 2 + 1),
            [],
            r'data_batch_3\.bin has 6147 bytes',
        ),
        (4, bad_label, [], r'data_batch_4\.bin: record 7 .* label 10'),
        (
            1,
            lambda path: os.truncate(path, 0),
            [],
            r'data_batch_1\.bin is empty',
        ),
        (
            1,
            os.stat,
            ['--train_dir=' + os.path.join(not_a_directory, 'x')],
            r'cannot write to train_dir .*--train_dir',
        ),
        (
            1,
            os.stat,
            ['--train_dir=' + other],
            "data set 'synthetic', not to",
        ),
    ):
      data_dir = self.create_tempdir().full_path
      directory = record_fixture.write_batches(
          data_dir, *record_fixture.random_images(20)
      )
      damage(os.path.join(directory, 'data_batch_%d.bin' % batch))
      trainer = program.Program(
          'cifar10_train',
          '--data_dir=' + data_dir,
          '--train_dir=' + os.path.join(data_dir, 'train'),
          *flags,
          forked=True,
      )
      programs.append((expected, trainer))
    for expected, trainer in programs:
      code, out, err = trainer.finish()
      self.assertEqual((1, ''), (code, out), err)
      self.assertRegex(err, r'^cifar10_train.py: error: .*%s.*\n$' % expected)
      self.assertEqual(1, err.count('\n'), err)
