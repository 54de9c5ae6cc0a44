"""Training runs that stall, each for a reason that users have met."""

import contextlib
import io
import os
import signal
import threading
import types
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import hooks
from cifar10_compat.training import training_session
from cifar10_compat.training import watchdog


def _join_queue_threads():
  """Waits for threads that the end of the run did not wait for."""
  for thread in threading.enumerate():
    if thread.name.startswith('QueueRunnerThread'):
      thread.join()


def _forgotten():
  """Returns a batch of a queue that no thread fills."""
  return tf.FIFOQueue(5, [tf.float32], [[]], name='forgotten').dequeue()


def _batch_of(function):
  """Returns a batch whose number is what a function returns."""
  value = tf.py_func(function, [], tf.float32, name='distort')
  value.set_shape([])
  return value


class WatchdogTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.train_dir = self.create_tempdir().full_path
    self.stop = signals.StopRequest()
    # It waits for threads that cannot be ended, and checks for progress, by the
    # clock.
    for module, name, secs in (
        (training_session, '_STOP_GRACE_SECS', 0.5),
        (watchdog, '_TICK_SECS', 0.2),
        (watchdog, '_PATIENCE_SECS', 2),
    ):
      self.enter_context(mock.patch.object(module, name, secs))

  def _run(self, make_batch, *, max_steps=10**6, stalls=True, **settings):
    """Trains on the batches of make_batch(); returns what was reported.

    Returns:
      (str, str): the report, and the error that ended the run, '' without one.
    """
    with tf.Graph().as_default():
      step = tf.train.get_or_create_global_step()
      loss = tf.reduce_sum(make_batch(), name='total_loss')
      with tf.control_dependencies([loss]):
        train_op = step.assign_add(1).op
      tf.summary.scalar('loss', loss)
      config = config_lib.Train(
          train_dir=self.train_dir,
          max_steps=max_steps,
          stall_secs=1,
          **settings,
      )
      error = None
      with (
          contextlib.redirect_stderr(io.StringIO()) as told,
          contextlib.redirect_stdout(io.StringIO()),
      ):
        try:
          with training_session.MonitoredTrainingSession(
              config,
              self.stop,
              types.SimpleNamespace(check=lambda: None, fingerprint='0'),
              saver=tf.train.Saver(tf.global_variables()),
              summary_op=tf.summary.merge_all(),
              hooks=[hooks.NanTensorHook(loss)],
          ) as mon_sess:
            while not mon_sess.should_stop():
              mon_sess.run(train_op)
        except errors.Cifar10Error as e:
          error = e
    self.assertIsNone(self.stop.report)
    self.assertIsInstance(error, errors.StalledError if stalls else type(None))
    return told.getvalue(), str(error)

  def test_file_that_never_ends(self):
    fifo = os.path.join(self.create_tempdir().full_path, 'data.bin')
    os.mkfifo(fifo)

    def batch():
      files = tf.train.string_input_producer([fifo])
      _, value = tf.FixedLengthRecordReader(1).read(files)
      length = tf.cast(tf.strings.length(value), tf.float32)
      return tf.train.shuffle_batch([length], 2, 60, 50, num_threads=2)

    try:
      report, error = self._run(batch)
    finally:
      os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))
      _join_queue_threads()
    self.assertRegex(error, r'stalled for 1 s at step 0 \(saved\)')
    for expected in (
        r'queue shuffle_batch/random_shuffle_queue: 0 of 60, empty',
        r'2 of 2 threads run shuffle_batch/random_shuffle_queue_enqueue, which '
        r'waits for room in its queue, or for ReaderReadV2 \(ReaderRead\)',
        'the main thread is at after_create_session',
    ):
      self.assertRegex(report, expected)

  def test_no_thread_fills_the_queue(self):
    report, _ = self._run(_forgotten)
    self.assertIn('queue forgotten: 0 of 5, empty', report)
    self.assertIn('the main thread is at run', report)

  def test_report_on_request(self):
    def ask():
      self.stop.report()
      return np.float32(1)

    report, _ = self._run(lambda: _batch_of(ask), max_steps=1, stalls=False)
    self.assertIn('step 0: the main thread is at run, line ', report)
    self.assertNotIn('first error', report)

  def test_report_that_nobody_takes_and_a_step_that_cannot_be_saved(self):
    with (
        mock.patch.object(
            watchdog, '_tell', side_effect=BrokenPipeError(32, 'Broken pipe')
        ) as tell,
        mock.patch.object(
            hooks.Run,
            'save',
            side_effect=errors.WriteError('cannot save step 0: disk full'),
        ),
    ):
      _, error = self._run(_forgotten)
    self.assertIn('(not saved: cannot save step 0: disk full)', error)
    tell.assert_called_once()

  def test_threads_that_have_ended(self):
    # One epoch is over, and the queue is still open.
    def batch():
      queue = tf.FIFOQueue(50, [tf.float32], [[]], name='images')
      numbers = tf.train.input_producer(
          tf.ones([10]), num_epochs=1, shuffle=False, name='numbers'
      )
      tf.train.add_queue_runner(
          tf.train.QueueRunner(
              queue, [queue.enqueue(numbers.dequeue())], close_op=tf.no_op()
          )
      )
      return queue.dequeue()

    report, error = self._run(batch)
    # Ten images: nine steps, and one run of the summaries after the first.
    self.assertIn('at step 9 (saved)', error)
    self.assertEqual(9, checkpoint_list.newest(self.train_dir).step)
    self.assertIn('none of 1 threads that ran images_enqueue is left', report)

  def test_function_that_never_returns(self):
    release = threading.Event()
    self.addCleanup(release.set)
    calls = []

    def distort():
      calls.append(1)
      if len(calls) > 80:
        release.wait()
      return np.float32(1)

    try:
      report, _ = self._run(
          lambda: tf.train.shuffle_batch([_batch_of(distort)], 2, 60, 50)
      )
    finally:
      release.set()
      _join_queue_threads()
    self.assertRegex(
        report, r'random_shuffle_queue: \d+ of 60, too few to draw from: 50'
    )
    self.assertIn('or for distort (PyFunc)', report)

  def test_two_queues_that_wait_for_each_other(self):
    def batch():
      a = tf.FIFOQueue(3, [tf.float32], [[]], name='a')
      b = tf.FIFOQueue(3, [tf.float32], [[]], name='b')
      for queue, op in (
          (a, a.enqueue(b.dequeue())),
          (b, b.enqueue(a.dequeue())),
      ):
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [op]))
      return a.dequeue()

    report, _ = self._run(batch)
    for name, other in ('ab', 'ba'):
      self.assertIn('queue %s: 0 of 3, empty' % name, report)
      self.assertRegex(
          report,
          r'1 of 1 threads run %s_enqueue, which waits for room in its queue, '
          r'or for %s_Dequeue' % (name, other),
      )

  def test_full_beside_an_empty_one(self):
    def batch():
      images = tf.FIFOQueue(4, [tf.float32], [[]], name='images')
      tf.train.add_queue_runner(
          tf.train.QueueRunner(images, [images.enqueue(1.0)])
      )
      labels = tf.FIFOQueue(4, [tf.float32], [[]], name='labels')
      with tf.control_dependencies([labels.dequeue()]):
        return images.dequeue()

    report, _ = self._run(batch)
    self.assertIn('queue images: 4 of 4, full', report)
    self.assertIn('queue labels: 0 of 4, empty', report)

  def test_training_that_goes_on_is_left_alone(self):
    reports = []

    def ask():
      if len(reports) < 3:
        self.stop.report()
        reports.append(1)
      return np.float32(1)

    report, _ = self._run(lambda: _batch_of(ask), max_steps=2000, stalls=False)
    self.assertEqual(3, report.count('the main thread is at'))

  def test_slow_save_is_left_alone(self):
    checks = threading.Semaphore(0)
    ask, save = watchdog.StallWatchdog._ask_sizes, tf.train.Saver.save

    def count_and_ask(*args, **kwargs):
      checks.release()
      return ask(*args, **kwargs)

    def save_slowly(*args, global_step):
      # A stall lasts five checks.  The watchdog checks only between the first
      # step and the last.
      if global_step == 1:
        while checks.acquire(blocking=False):
          pass
        for _ in range(8):
          self.assertTrue(checks.acquire(timeout=60), 'the watchdog has ended')
      return save(*args, global_step=global_step)

    with (
        mock.patch.object(watchdog.StallWatchdog, '_ask_sizes', count_and_ask),
        mock.patch.object(tf.train.Saver, 'save', save_slowly),
    ):
      report, _ = self._run(
          lambda: tf.constant(1.0),
          max_steps=3,
          stalls=False,
          checkpoint_steps=1,
      )
    self.assertNotIn('the main thread is at', report)
    self.assertEqual(3, checkpoint_list.newest(self.train_dir).step)

  def test_a_report_is_printable(self):
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
      watchdog._tell(['first error: no \x1b[31m', 'queue a'])
    self.assertEqual('first error: no \\x1b[31m\nqueue a\n', told.getvalue())

  def test_stop_is_not_kept_waiting(self):
    self.stop.signum = signal.SIGTERM
    self._run(lambda: tf.constant(1.0), stalls=False)
