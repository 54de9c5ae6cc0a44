"""The training loop and its hooks, on a graph of few ops and many steps."""

import contextlib
import io
import json
import os
import re
import signal
import threading
import time
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import models
from cifar10_compat import signals
from cifar10_compat import summaries
from cifar10_compat import training
from tests import event_files
from tests import record_fixture


class TrainingTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.train_dir = self.create_tempdir().full_path

  def _run(self, max_steps, bad_loss_at=None, bad_weight_at=None, stop=None,
           check_input=lambda: None, read=None, num_towers=1,
           profile_steps=()):
    """Trains w, which counts up; returns what run() does, and its lines."""
    with tf.Graph().as_default():
      step = tf.train.get_or_create_global_step()
      w = tf.get_variable('w', [], initializer=tf.zeros_initializer())
      element = read() if read else tf.constant(1.0)
      batch = tf.train.shuffle_batch([element], 2, 60, 50, num_threads=2)
      parts = tf.reduce_sum(batch, name='part')
      if bad_loss_at is not None:
        parts = tf.where(tf.equal(step, bad_loss_at), np.nan, parts,
                         name='bad_part')
      tf.add_to_collection('losses', parts)
      loss = tf.add(parts, 3.0, name='total_loss')
      summaries.scalar_summary('total_loss (raw)', loss)
      with tf.control_dependencies([loss]):
        increment = 1.0
        if bad_weight_at is not None:
          increment = tf.where(tf.equal(step, bad_weight_at), np.inf, 1.0)
        with tf.control_dependencies([w.assign_add(increment)]):
          train_op = step.assign_add(1).op
      saver = tf.train.Saver(tf.global_variables())
      printed = io.StringIO()
      with contextlib.redirect_stdout(printed):
        result = training.run(
            train_op, loss, self.train_dir, max_steps, 64, saver,
            tf.summary.merge_all(), check_input, num_towers=num_towers,
            stop=stop, profile_steps=profile_steps)
    return result, printed.getvalue().splitlines()

  def _checkpoints(self):
    return sorted(int(re.search(r'ckpt-(\d+)\.index', f).group(1))
                  for f in os.listdir(self.train_dir) if f.endswith('.index'))

  def _load(self, step, name):
    return tf.train.load_variable(
        os.path.join(self.train_dir, 'model.ckpt-%d' % step), name)

  def _summary_steps(self):
    return [s for s, _ in event_files.scalars(self.train_dir,
                                              'total_loss (raw)')]

  def test_traces(self):
    ended = {}  # When each step had ended, in microseconds.
    for first, end, steps in ((0, 6, [2, 4, 9]), (6, 9, [7])):
      times = []
      self._run(end, profile_steps=steps,
                check_input=lambda: times.append(1e6 * time.time()))
      # The input is looked at while the queue fills, then after each step.
      ended.update(zip(range(first, end), times[first - end:]))
    self.assertCountEqual(
        ['timeline-2.json', 'timeline-4.json', 'timeline-7.json'],
        [f for f in os.listdir(self.train_dir) if f.startswith('timeline')])
    for step in (2, 4, 7):
      with open(os.path.join(self.train_dir, 'timeline-%d.json' % step)) as f:
        events = json.load(f)['traceEvents']
      # Chrome's format: complete events ('X') with a start and a duration in
      # microseconds.
      complete = [e for e in events if e['ph'] == 'X']
      self.assertIn('shuffle_batch', [e['args']['name'] for e in complete])
      for event in complete:
        self.assertGreaterEqual(event['dur'], 0)
        # It is that step's, not the one before or after it.
        self.assertBetween(event['ts'], int(ended[step - 1]), ended[step])

  def test_what_happens_at_which_step(self):
    (step, loss), lines = self._run(2345)
    self.assertEqual((2345, 5.0), (step, loss))
    self.assertEqual([0, 1000, 2000, 2345], self._checkpoints())
    # model.ckpt-N holds N updates.
    for n in self._checkpoints():
      self.assertEqual((n, n), (self._load(n, 'global_step'),
                                self._load(n, 'w')))
    self.assertEqual('Filling queue with 50 CIFAR images before starting to '
                     'train.', lines[0])
    self.assertEqual(list(range(0, 2345, 10)),
                     [int(re.search(r'step (\d+), loss = 5\.00', l).group(1))
                      for l in lines[1:]])
    self.assertEqual(list(range(0, 2345, 100)), self._summary_steps())

    # Resumed from no multiple of anything: still at the multiples.
    restored = os.path.join(self.train_dir, 'model.ckpt-2345.index')
    written = os.stat(restored).st_mtime_ns
    (step, _), lines = self._run(4010)
    self.assertEqual(4010, step)
    # The newest five are kept, those of the first run counted.
    self.assertEqual([2000, 2345, 3000, 4000, 4010], self._checkpoints())
    self.assertEqual(written, os.stat(restored).st_mtime_ns)
    self.assertIn('step 2350,', lines[1])
    self.assertEqual(list(range(0, 4010, 100)), self._summary_steps())
    starts = [e.step for e in event_files.read(self.train_dir)
              if e.session_log.status == tf.SessionLog.START]
    self.assertEqual([2345], starts)

  def test_speed_in_the_log_counts_towers_as_in_2016(self):
    for num_towers in (1, 2):
      self.train_dir = self.create_tempdir().full_path
      _, lines = self._run(1, num_towers=num_towers)
      speed, secs = map(float, re.search(
          r'\(([\d.]+) examples/sec; ([\d.]+) sec/batch\)', lines[1]).groups())
      # examples/sec = 64 * towers / t and sec/batch = t / towers.
      self.assertAllClose(64.0, speed * secs, atol=speed * 0.0006)

  def test_nan_names_loss_and_step_and_is_not_saved(self):
    with self.assertRaisesRegex(errors.DivergedError,
                                'bad_part = nan at step 1007'):
      self._run(2000, bad_loss_at=1007)
    self.assertEqual([0, 1000], self._checkpoints())

  def test_nan_at_a_step_that_would_be_saved(self):
    with self.assertRaisesRegex(errors.DivergedError, 'at step 999'):
      self._run(2000, bad_loss_at=999)
    self.assertEqual([0], self._checkpoints())

  def test_infinite_weight_is_not_saved(self):
    with self.assertRaisesRegex(errors.DivergedError,
                                'w is not finite at step 1000'):
      self._run(2000, bad_weight_at=555)
    self.assertEqual([0], self._checkpoints())

  def test_stop_requested_saves_that_step(self):
    stop = signals.StopRequest()
    def stop_later(calls=[]):
      calls.append(1)
      if len(calls) > 30:
        stop.signum = signal.SIGINT
    (step, loss), lines = self._run(10**6, stop=stop, check_input=stop_later)
    self.assertEqual([0, step], self._checkpoints())
    self.assertEqual(5.0, loss)
    self.assertEqual('Stopped by SIGINT after %d steps, which are saved: the '
                     'same command goes on from there.' % step, lines[-1])

  def test_stop_requested_before_the_first_step(self):
    stop = signals.StopRequest()
    stop.signum = signal.SIGTERM
    (step, _), _ = self._run(10**6, stop=stop)
    self.assertLessEqual(step, 1)
    self.assertEqual(step, self._checkpoints()[-1])

  def test_damaged_input_is_told_and_the_step_saved(self):
    def fail_later(calls=[]):
      calls.append(1)
      if len(calls) > 30:
        raise errors.DataError('it broke')
    with self.assertRaisesRegex(errors.DataError, 'it broke'):
      self._run(10**6, check_input=fail_later)
    self.assertLen(self._checkpoints(), 2)

  def test_damaged_input_while_the_queue_fills(self):
    def fail():
      raise errors.DataError('it broke')
    with self.assertRaisesRegex(errors.DataError, 'it broke'):
      self._run(10**6, check_input=fail)
    self.assertEqual([0], self._checkpoints())
    self.assertEqual(
        [], [t.name for t in threading.enumerate()
             if t.name.startswith('QueueRunner')])

  def test_first_cause_of_a_reader_error(self):
    path = os.path.join(self.create_tempdir().full_path, 'gone.bin')
    with open(path, 'wb') as f:
      f.write(bytes(100))
    def read():
      queue = tf.train.string_input_producer([path])
      _, value = tf.FixedLengthRecordReader(record_bytes=1).read(queue)
      return tf.cast(tf.strings.length(value), tf.float32)
    def remove():
      if os.path.exists(path):
        os.remove(path)
    with self.assertRaisesRegex(errors.DataError,
                                'reading the images failed: .*gone.bin'):
      self._run(10**6, read=read, check_input=remove)
    # Learned until then, and kept.
    self.assertLen(self._checkpoints(), 2)

  def test_input_that_ends_is_an_error(self):
    def read():
      numbers = tf.train.input_producer(
          tf.ones([100]), num_epochs=1, shuffle=False)
      return tf.reshape(numbers.dequeue(), [])
    with self.assertRaisesRegex(errors.DataError, 'the images ended'):
      self._run(10**6, read=read)

  def test_unforeseen_error_is_left_alone(self):
    def fail(calls=[]):
      calls.append(1)
      if len(calls) > 9:
        raise KeyError('a bug')
    with self.assertRaises(KeyError):
      self._run(100, check_input=fail)

  def test_checkpoint_of_another_model(self):
    self._run(1)
    with tf.Graph().as_default():
      tf.train.get_or_create_global_step()
      tf.get_variable('other', [])
      with self.assertRaisesRegex(errors.CheckpointError,
                                  'ckpt-1 lacks other: .*--fresh'):
        training._check_restorable(
            os.path.join(self.train_dir, 'model.ckpt-1'))
    with tf.Graph().as_default():
      tf.get_variable('w', [3])
      with self.assertRaisesRegex(
          errors.CheckpointError, r'w has shape \[\] where this model has '
          r'\[3\]'):
        training._check_restorable(
            os.path.join(self.train_dir, 'model.ckpt-1'))

  def test_checkpoint_files_gone_or_damaged(self):
    self._run(1)
    data = os.path.join(self.train_dir, 'model.ckpt-1.data-00000-of-00001')
    with open(data, 'r+b') as f:
      f.write(b'\xff' * 8)
    with self.assertRaisesRegex(errors.CheckpointError, 'is damaged'):
      self._run(2)
    os.remove(data.replace('data-00000-of-00001', 'index'))
    with self.assertRaisesRegex(errors.CheckpointError, 'which is not there'):
      self._run(2)
    with open(os.path.join(self.train_dir, 'checkpoint'), 'w') as f:
      f.write('')
    with self.assertRaisesRegex(errors.CheckpointError, 'names no checkpoint'):
      self._run(2)

  def test_what_a_session_recovers_from_does_not_end_the_training(self):
    # A thread of a recoverable session reports an AbortedError while the loop
    # asks whether to stop, as was seen of a worker's queue runner.
    real = tf.train.MonitoredSession.should_stop
    asked = []

    def should_stop(session):
      asked.append(session)
      if len(asked) == 3:
        raise tf.errors.AbortedError(None, None, 'received twice')
      return real(session)

    with mock.patch.object(tf.train.MonitoredSession, 'should_stop',
                           should_stop):
      (step, _), _ = self._run(5)
    self.assertEqual(5, step)
    self.assertEqual(5, self._load(5, 'w'))

  def test_finished_step(self):
    self.assertIsNone(training.finished_step(self.train_dir, 1))
    self._run(5)
    self.assertEqual(5, training.finished_step(self.train_dir, 5))
    self.assertEqual(5, training.finished_step(self.train_dir, 4))
    self.assertIsNone(training.finished_step(self.train_dir, 6))


class TrainDirTest(tf.test.TestCase):

  def test_made_and_described(self):
    train_dir = os.path.join(self.create_tempdir().full_path, 'a', 'b')
    training.prepare_train_dir(train_dir, datasets.SYNTHETIC)
    with open(os.path.join(train_dir, 'dataset.json')) as f:
      self.assertEqual({'dataset': 'synthetic',
                        'model': 'cifar10',
                        'class_names': list(datasets.SYNTHETIC.class_names)},
                       json.load(f))
    training.prepare_train_dir(train_dir, datasets.SYNTHETIC)
    self.assertEqual(['dataset.json'], os.listdir(train_dir))

  def test_fresh_removes_only_what_training_writes(self):
    train_dir = self.create_tempdir().full_path
    training.prepare_train_dir(train_dir, datasets.SYNTHETIC)
    ours = ['checkpoint', 'model.ckpt-5.index', 'model.ckpt-5.meta',
            'events.out.tfevents.1.host']
    for name in ours + ['notes.txt', 'model.py']:
      open(os.path.join(train_dir, name), 'w').close()
    with self.assertRaisesRegex(errors.UsageError, "'synthetic', not of"):
      training.prepare_train_dir(train_dir, datasets.CIFAR10)
    self.assertLen(os.listdir(train_dir), 7)
    training.prepare_train_dir(train_dir, datasets.CIFAR10, fresh=True)
    self.assertCountEqual(['dataset.json', 'notes.txt', 'model.py'],
                          os.listdir(train_dir))

  def test_two_sets_of_one_name(self):
    train_dir = self.create_tempdir().full_path
    pets = datasets.CIFAR10._replace(name='pets', class_names=('cat', 'dog'))
    training.prepare_train_dir(train_dir, pets)
    checkpoints.check_description(train_dir, pets)
    with self.assertRaisesRegex(errors.UsageError, "'pets' with other classes"):
      checkpoints.check_description(
          train_dir, pets._replace(class_names=('dog', 'cat')))
    # A note of an earlier version has the name alone.
    with open(os.path.join(train_dir, 'dataset.json'), 'w') as f:
      f.write('{"dataset": "pets"}')
    training.prepare_train_dir(train_dir, pets)

  def test_images_may_lie_in_the_same_directory(self):
    directory = self.create_tempdir().full_path
    dataset = record_fixture.write_set(directory,
                                       *record_fixture.random_images(3))
    training.prepare_train_dir(directory, dataset, fresh=True)
    self.assertEqual(dataset, datasets.get(directory))
    checkpoints.check_description(directory, dataset)

  def test_cannot_be_written(self):
    path = self.create_tempfile().full_path
    with self.assertRaisesRegex(errors.UsageError,
                                'cannot write to train_dir %s' % path):
      training.prepare_train_dir(path, datasets.CIFAR10)

  def test_other_model(self):
    train_dir = self.create_tempdir().full_path
    training.prepare_train_dir(train_dir, datasets.CIFAR10, models.CONV_LOCAL)
    checkpoints.check_description(train_dir, datasets.CIFAR10,
                                  models.CONV_LOCAL)
    with self.assertRaisesRegex(
        errors.UsageError, "of model 'conv_local', not of 'cifar10': .*"
        '--model=conv_local'):
      checkpoints.check_description(train_dir, datasets.CIFAR10)
    # The tutorial's is what a directory holds that names none.
    with open(os.path.join(train_dir, 'dataset.json'), 'w') as f:
      f.write('{"dataset": "cifar10"}')
    checkpoints.check_description(train_dir, datasets.CIFAR10)
    with self.assertRaisesRegex(errors.UsageError, '--model=cifar10'):
      checkpoints.check_description(train_dir, datasets.CIFAR10,
                                    models.CONV_LOCAL)

  def test_description_that_is_none(self):
    train_dir = self.create_tempdir().full_path
    for contents in ('', '[]', '{}'):
      with open(os.path.join(train_dir, 'dataset.json'), 'w') as f:
        f.write(contents)
      with self.assertRaisesRegex(errors.UsageError, 'does not name a data'):
        checkpoints.check_description(train_dir, datasets.CIFAR10)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
