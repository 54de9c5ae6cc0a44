"""The training session and its hooks, on a graph of few ops and many steps."""

import contextlib
import io
import itertools
import json
import os
import pathlib
import re
import signal
import threading
import time
import types
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.training import hooks
from cifar10_compat.training import train_dirs
from cifar10_compat.training import training_session
from tests.helpers import event_files


class TrainingTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.train_dir = self.create_tempdir().full_path
    self.stop = signals.StopRequest()

  def _run(
      self,
      max_steps,
      *,
      bad_loss_at=None,
      bad_weight_at=None,
      histogram=False,
      bad_label_at=None,
      check_input=lambda: None,
      read=None,
      run_loss_too=False,
      profile_steps=(),
      **settings,
  ):
    """Trains w, which counts up.

    Returns:
      the last (step, loss), and the printed lines.
    """
    with tf.Graph().as_default():
      step = tf.train.get_or_create_global_step()
      w = tf.get_variable('w', [], initializer=tf.zeros_initializer())
      element = read() if read else tf.constant(1.0)
      batch = tf.train.shuffle_batch([element], 2, 60, 50, num_threads=2)
      parts = tf.reduce_sum(batch, name='part')
      if bad_loss_at is not None:
        parts = tf.where(
            tf.equal(step, bad_loss_at), np.nan, parts, name='bad_part'
        )
      if bad_label_at is not None:
        label = tf.cast(tf.equal(step, bad_label_at), tf.int32) * 200
        with tf.control_dependencies(
            [tf.debugging.assert_less(label, 10, message='a label of 200')]
        ):
          parts = tf.identity(parts)
      tf.add_to_collection('losses', parts)
      loss = tf.add(parts, 3.0, name='total_loss')
      summaries.scalar_summary('total_loss (raw)', loss)
      if histogram:
        summaries.histogram_summary('w of the histogram', w)
      with tf.control_dependencies([loss]):
        increment = 1.0
        if bad_weight_at is not None:
          increment = tf.where(tf.equal(step, bad_weight_at), np.inf, 1.0)
        with tf.control_dependencies([w.assign_add(increment)]):
          train_op = step.assign_add(1).op
      last = None
      config = config_lib.Train(
          train_dir=self.train_dir,
          max_steps=max_steps,
          profile_steps=tuple(profile_steps),
          **settings,
      )
      with (
          contextlib.redirect_stdout(io.StringIO()) as printed,
          training_session.MonitoredTrainingSession(
              config,
              self.stop,
              types.SimpleNamespace(check=check_input, fingerprint=''),
              saver=tf.train.Saver(tf.global_variables()),
              summary_op=tf.summary.merge_all(),
              hooks=[
                  tf.train.StopAtStepHook(last_step=max_steps),
                  hooks.NanTensorHook(loss),
                  hooks.LoggerHook(
                      loss, lambda step, loss, _: f'step {step}, loss = {loss}'
                  ),
              ],
          ) as mon_sess,
      ):
        while not mon_sess.should_stop():
          _, last = mon_sess.run([train_op, loss])
          if run_loss_too:
            mon_sess.run(loss)
    return (mon_sess.step, last), printed.getvalue().splitlines()

  def _checkpoints(self):
    return sorted(
        int(re.search(r'ckpt-(\d+)\.index', f).group(1))
        for f in os.listdir(self.train_dir)
        if f.endswith('.index')
    )

  def _load(self, step, name):
    return tf.train.load_variable(
        os.path.join(self.train_dir, 'model.ckpt-%d' % step), name
    )

  def _summary_steps(self):
    return [
        s for s, _ in event_files.scalars(self.train_dir, 'total_loss (raw)')
    ]

  def _starts(self):
    """Returns the steps at which runs resumed, as the event files say."""
    return [
        e.step
        for e in event_files.read(self.train_dir)
        if e.session_log.status == tf.SessionLog.START
    ]

  def _list(self, step):
    """Makes the checkpoint of a step the one that is resumed."""
    pathlib.Path(self.train_dir, 'checkpoint').write_text(
        'model_checkpoint_path: "model.ckpt-%d"' % step
    )

  def _assert_ends(self, error, message, saved, *args, **kwargs):
    """Checks that a run fails with an error and leaves these checkpoints."""
    with self.assertRaisesRegex(error, message):
      self._run(*args, **kwargs)
    self.assertEqual(saved, self._checkpoints())

  def test_traces(self):
    # A link in a shared directory is not followed.
    target = self.create_tempfile(content='precious').full_path
    os.makedirs(self.train_dir, exist_ok=True)
    os.symlink(target, os.path.join(self.train_dir, 'timeline-4.json'))
    ended = {}  # The time at which each step ended, in microseconds.
    for first, end, steps in ((0, 6, [2, 4, 9]), (6, 9, [7])):
      times = []
      self._run(
          end,
          profile_steps=steps,
          check_input=lambda times=times: times.append(1e6 * time.time()),
      )
      # The input is checked while the queue fills, then after each step.
      ended.update(zip(range(first, end), times[first - end :]))
    self.assertCountEqual(
        ['timeline-2.json', 'timeline-4.json', 'timeline-7.json'],
        [f for f in os.listdir(self.train_dir) if f.startswith('timeline')],
    )
    with open(target) as f:
      self.assertEqual('precious', f.read())
    for step in (2, 4, 7):
      events = json.loads(
          pathlib.Path(self.train_dir, 'timeline-%d.json' % step).read_text()
      )['traceEvents']
      # Chrome's format: complete events ('X') with a start and a duration in
      # microseconds.
      complete = [e for e in events if e['ph'] == 'X']
      self.assertIn('shuffle_batch', [e['args']['name'] for e in complete])
      for event in complete:
        self.assertGreaterEqual(event['dur'], 0)
        # The trace is of that step, not of the one before or after it.
        self.assertBetween(event['ts'], int(ended[step - 1]), ended[step])

  def test_what_happens_at_which_step(self):
    (step, loss), lines = self._run(2345)
    self.assertEqual((2345, 5.0), (step, loss))
    self.assertEqual([0, 1000, 2000, 2345], self._checkpoints())
    # model.ckpt-N contains N updates.
    for n in self._checkpoints():
      self.assertEqual(
          (n, n), (self._load(n, 'global_step'), self._load(n, 'w'))
      )
    self.assertEqual(
        'Filling queue with 50 CIFAR images before starting to train.',
        lines[0],
    )
    self.assertEqual(
        list(range(0, 2345, 10)),
        [
            int(re.search(r'step (\d+), loss = 5\.0', l).group(1))
            for l in lines[1:]
        ],
    )
    self.assertEqual(list(range(0, 2345, 100)), self._summary_steps())

    # Resumed at a step that is not a multiple: still saves at the multiples.
    restored = os.path.join(self.train_dir, 'model.ckpt-2345.index')
    written = os.stat(restored).st_mtime_ns
    (step, _), lines = self._run(4010)
    self.assertEqual(4010, step)
    # The newest five are kept, including those of the first run.
    self.assertEqual([2000, 2345, 3000, 4000, 4010], self._checkpoints())
    self.assertEqual(written, os.stat(restored).st_mtime_ns)
    self.assertIn('step 2350,', lines[1])
    self.assertEqual(list(range(0, 4010, 100)), self._summary_steps())
    self.assertEqual([2345], self._starts())

  def test_curves_of_a_run_that_was_killed_before_its_second_checkpoint(self):
    self._run(300)
    self._list(0)
    self._run(200)
    self.assertEqual([0], self._starts())

  def test_what_a_checkpoint_holds_counts_and_not_its_name(self):
    self._run(50)
    for path in pathlib.Path(self.train_dir).glob('model.ckpt-50.*'):
      path.rename(str(path).replace('-50.', '-1500.'))
    self._list(1500)
    (step, _), _ = self._run(1600)
    self.assertEqual(1600, step)
    self.assertEqual([0, 1000, 1500, 1600], self._checkpoints())

  def test_kept_checkpoints(self):
    # Those of an earlier run count.
    for max_steps, kept, expected in (
        (4000, 3, [2000, 3000, 4000]),
        (4001, 2, [4000, 4001]),
        (6000, 9, [4000, 4001, 5000, 6000]),
    ):
      self._run(max_steps, keep_checkpoints=kept)
      self.assertEqual(expected, self._checkpoints())

  def test_what_diverges_is_named_and_not_saved(self):
    for kwargs, expected, saved in (
        (
            {'bad_loss_at': 1007},
            'bad_part = nan at step 1007',
            [0, 1000],
        ),
        # At a step that would be saved.
        ({'bad_loss_at': 999}, 'at step 999', [0]),
        ({'bad_weight_at': 555}, 'w is non-finite at step 1000', [0]),
        # The summaries find it earlier.
        (
            {'bad_weight_at': 555, 'histogram': True},
            'w of the histogram is non-finite at step 600',
            [0],
        ),
    ):
      with self.subTest(expected):
        self._assert_ends(
            errors.DivergedError, expected, saved, 2000, fresh=True, **kwargs
        )

  def test_stop_requested_saves_that_step(self):
    calls = []

    def stop_later():
      calls.append(1)
      if len(calls) > 30:
        self.stop.signum = signal.SIGINT

    (step, loss), lines = self._run(10**6, check_input=stop_later)
    self.assertEqual([0, step], self._checkpoints())
    self.assertEqual(5.0, loss)
    self.assertEqual(
        'Stopped by SIGINT after %d steps, which are saved: the '
        'same command resumes from there.' % step,
        lines[-1],
    )

  def test_nothing_is_unsaved_before_the_first_step(self):
    seen = []
    self._run(3, check_input=lambda: seen.append(self.stop.unsaved))
    self.assertEqual([True] * 3, seen[-3:])
    self.assertNotIn(True, seen[:-3])

  def test_stop_requested_before_the_first_step(self):
    self.stop.signum = signal.SIGTERM
    (step, _), lines = self._run(10**6, fresh=True)
    # The same command would remove them.
    self.assertRegex(lines[-1], 'same command without --fresh resumes from')
    self.assertLessEqual(step, 1)
    self.assertEqual(step, self._checkpoints()[-1])
    # A session without a step has nothing to lose, however long it takes to
    # close.
    self.assertFalse(self.stop.unsaved)

  def test_checkpoint_has_the_step_that_was_reached(self):
    # Each run counts as a step, so that only five steps are trained.
    self._run(10, run_loss_too=True)
    self.assertEqual([0, 5], self._checkpoints())
    self.assertEqual((5, 5), (self._load(5, 'global_step'), self._load(5, 'w')))
    self.assertFalse(self.stop.unsaved)

  def test_error_of_the_input(self):
    for error, checkpoints in (
        # The step is saved.
        (errors.DataError('it broke'), 2),
        # In a notebook, the stop button.
        (KeyboardInterrupt('it broke'), 2),
        # An unforeseen error is left alone.
        (KeyError('it broke'), 1),
    ):
      fail_later = mock.Mock(
          side_effect=itertools.chain([None] * 30, itertools.repeat(error))
      )
      with self.assertRaisesRegex(type(error), 'it broke'):
        self._run(10**6, check_input=fail_later, fresh=True)
      self.assertLen(self._checkpoints(), checkpoints)

  def test_second_ctrl_c_does_not_save(self):
    def insist():
      if self.stop.unsaved:
        self.stop.signum = signal.SIGINT
        raise KeyboardInterrupt

    with self.assertRaises(KeyboardInterrupt):
      self._run(10**6, check_input=insist)
    self.assertEqual([0], self._checkpoints())

  def test_line_that_does_not_arrive(self):
    class Closed(io.StringIO):

      def write(self, text):
        if 'step 1230,' in text:
          raise BrokenPipeError(32, 'Broken pipe')
        return super().write(text)

    with mock.patch.object(io, 'StringIO', Closed):
      self._assert_ends(BrokenPipeError, '', [0, 1000, 1231], 2000)
    self.assertEqual(1231, self._load(1231, 'w'))

  def test_damaged_input_while_the_queue_fills(self):
    self._assert_ends(
        errors.DataError,
        'it broke',
        [0],
        10**6,
        check_input=mock.Mock(side_effect=errors.DataError('it broke')),
    )
    self.assertNotIn(
        'QueueRunner', str([t.name for t in threading.enumerate()])
    )

  def test_first_cause_of_a_reader_error(self):
    path = pathlib.Path(self.create_tempdir().full_path, 'gone.bin')
    path.write_bytes(bytes(100))

    def read():
      queue = tf.train.string_input_producer([str(path)])
      _, value = tf.FixedLengthRecordReader(record_bytes=1).read(queue)
      return tf.cast(tf.strings.length(value), tf.float32)

    with self.assertRaisesRegex(
        errors.DataError, 'reading the images failed: .*gone.bin'
    ):
      self._run(
          10**6,
          read=read,
          check_input=lambda: path.unlink(missing_ok=True),
      )
    # The steps until then, which are kept.
    self.assertLen(self._checkpoints(), 2)

  def test_input_that_ends_is_an_error(self):
    def read():
      numbers = tf.train.input_producer(
          tf.ones([100]), num_epochs=1, shuffle=False
      )
      return tf.reshape(numbers.dequeue(), [])

    with self.assertRaisesRegex(errors.DataError, 'the images ended'):
      self._run(10**6, read=read)

  def test_op_that_fails_for_damaged_input(self):
    failed = []
    real = training_session.TrainingSession.run

    def run(session, fetches):
      try:
        return real(session, fetches)
      except tf.errors.OpError:
        failed.append(session.step)
        raise

    def check():
      if failed:
        raise errors.DataError('it changed')

    # If the input has not changed, the op's own error is reported.
    for check_input, error, message in (
        (lambda: None, tf.errors.InvalidArgumentError, 'a label of 200'),
        (check, errors.DataError, 'it changed'),
    ):
      failed.clear()
      with (
          mock.patch.object(training_session.TrainingSession, 'run', run),
          self.assertRaisesRegex(error, message),
      ):
        self._run(10**6, bad_label_at=1500, check_input=check_input)
    self.assertEqual([0, 1000, 1500], self._checkpoints())

  def test_checkpoint_that_cannot_be_written(self):
    in_the_way = os.path.join(self.train_dir, 'model.ckpt-1000.index')
    with self.assertRaisesRegex(
        errors.WriteError,
        r'cannot save step 1000 as \S+/model.ckpt-1000 \(.+\)',
    ):
      self._run(
          2000, check_input=lambda: os.makedirs(in_the_way, exist_ok=True)
      )
    os.rmdir(in_the_way)
    self.assertEqual([0], self._checkpoints())
    self.assertEqual((1500, 5.0), self._run(1500)[0])

  def test_directory_that_is_renamed_meanwhile(self):
    calls = []

    def rename():
      calls.append(1)
      if len(calls) == 30:
        os.rename(self.train_dir, self.train_dir + '_2')

    with self.assertRaisesRegex(errors.WriteError, 'removed or renamed'):
      self._run(2000, check_input=rename)
    self.assertFalse(os.path.exists(self.train_dir))

  def test_checkpoint_of_another_model(self):
    self._run(1)
    with train_dirs.opened(
        config_lib.Train(train_dir=self.train_dir)
    ) as directory:
      pass
    for name, shape, expected in (
        (
            'other',
            [],
            'ckpt-1 is missing other: .* choose another --model or --train_dir$',
        ),
        ('w', [3], r'w has shape \[\], but shape \[3\] in this model'),
    ):
      with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        tf.get_variable(name, shape)
        with self.assertRaisesRegex(errors.CheckpointError, expected):
          directory.resuming_saver(tf.train.Saver())

  def test_the_graph_gets_no_op_of_tensorflow_s_hook(self):
    self._run(1)
    meta_graph = pathlib.Path(self.train_dir, 'model.ckpt-1.meta').read_bytes()
    nodes = tf.MetaGraphDef.FromString(meta_graph).graph_def.node
    self.assertNotIn('global_step/cond', [node.name for node in nodes])

  def test_what_a_session_recovers_from_does_not_end_the_training(self):
    # A thread of a recoverable session reports an AbortedError while the loop
    # asks whether to stop, as a worker's queue runner once did.
    real = tf.train.MonitoredSession.should_stop
    asked = []

    def should_stop(session):
      asked.append(session)
      if len(asked) == 3:
        raise tf.errors.AbortedError(None, None, 'received twice')
      return real(session)

    with mock.patch.object(
        tf.train.MonitoredSession, 'should_stop', should_stop
    ):
      (step, _), _ = self._run(5)
    self.assertEqual(5, step)
    self.assertEqual(5, self._load(5, 'w'))

  def test_nothing_left_to_train(self):
    self._run(5)
    for max_steps in (5, 4):
      result, lines = self._run(max_steps)
      self.assertEqual((5, None), result)
      self.assertEqual(
          [
              '%s already has step 5 and --max_steps is %d: nothing to train.'
              % (self.train_dir, max_steps)
          ],
          lines,
      )
    self.assertEqual([0, 5], self._checkpoints())
    # The stored step counts, not that of the name.
    for name in os.listdir(self.train_dir):
      if name.startswith('model.ckpt-5.'):
        os.rename(
            os.path.join(self.train_dir, name),
            os.path.join(self.train_dir, name.replace('-5', '-100')),
        )
    tf.train.update_checkpoint_state(
        self.train_dir, os.path.join(self.train_dir, 'model.ckpt-100')
    )
    (step, _), _ = self._run(7)
    self.assertEqual(7, step)
