"""The evaluator: both ways of counting, its summaries, and its polling loop."""

import contextlib
import glob
import io
import json
import math
import os
import pathlib
import re
import signal
import types
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.training import evaluation
from cifar10_compat.training import notes
from cifar10_compat.training import train_dirs
from tests.helpers import biased_network
from tests.helpers import event_files
from tests.helpers import limits
from tests.helpers import program
from tests.helpers import record_fixture
from tests.helpers import saved_network

N = 300  # test images: two batches of 128 and one of 44


def save_checkpoint(directory, step, *, averaged_bias, raw_bias):
  """Saves a network whose averages and weights predict one label each.

  Args:
    directory: str, created if missing.
    step: int.
    averaged_bias, raw_bias: int, the labels.
  """
  biased_network.save(
      directory,
      step,
      averaged=biased_network.sure_of(averaged_bias),
      raw=biased_network.sure_of(raw_bias),
  )


class EvalTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    root = tf.test.get_temp_dir()
    cls.data_dir = os.path.join(root, 'data')
    images, _ = record_fixture.random_images(N)
    # 120 images of label 3, 90 of label 5, 90 of label 7.
    record_fixture.write_batches(
        cls.data_dir, images, [3] * 120 + [5] * 90 + [7] * 90
    )
    cls.checkpoint_dir = os.path.join(root, 'checkpoints')
    save_checkpoint(cls.checkpoint_dir, 1000, averaged_bias=3, raw_bias=5)

  def setUp(self):
    super().setUp()
    # A directory for a test's own images or checkpoints.
    self.directory = self.create_tempdir().full_path

  def _write_images(self):
    """Writes images to the directory; returns the path of the test images."""
    directory = record_fixture.write_batches(
        self.directory, *record_fixture.random_images(N)
    )
    return os.path.join(directory, 'test_batch.bin')

  def _save_untrained(self, inference):
    """Saves a network's initial weights to the directory, at step 1."""
    saved_network.save(
        self.directory,
        1,
        build=lambda: inference(tf.zeros([1, 24, 24, 3]), config_lib.Eval()),
    )

  def _evaluate(self, **kwargs):
    self.eval_dir = self.create_tempdir().full_path
    return cifar10_eval.evaluate(
        config_lib.Eval(
            **{
                'data_dir': self.data_dir,
                'eval_dir': self.eval_dir,
                'checkpoint_dir': self.checkpoint_dir,
                'run_once': True,
            }
            | kwargs
        )
    )

  def test_exact_count_of_averages(self):
    self.assertEqual(120 / 300, self._evaluate())
    self.assertEqual(
        [(1000, np.float32(0.4))],
        event_files.scalars(self.eval_dir, 'Precision @ 1'),
    )

  def test_which_weights_and_images(self):
    for kwargs, expected in (
        ({'averaged': False}, 90 / 300),
        # In file order: all 120 of label 3, then 30 of label 5.
        ({'num_examples': 150}, 120 / 150),
        ({'num_examples': 150, 'averaged': False}, 30 / 150),
        # Five training files, each with the same 300 images.
        ({'eval_data': 'train_eval'}, 0.4),
    ):
      self.assertEqual(expected, self._evaluate(**kwargs))

  def test_historical_count_rounds_up_to_batches(self):
    for size, draws in (
        # 79 batches of 128 are 10,112 draws; 3 batches are 384.
        (10000, 10112),
        (300, 384),
    ):
      precision = self._evaluate(
          count=config_lib.HISTORICAL,
          dataset=datasets.CIFAR10._replace(
              num_examples_per_epoch_for_eval=size
          ),
      )
      self.assertNear(round(precision * draws), precision * draws, 1e-6)
      if size == 10000:
        self.assertNear(0.4, precision, 0.04)
        self.assertIn(
            'queue/shuffle_batch/fraction_over_4000_of_384_full',
            self._tags(),
        )

  def _tags(self):
    """Returns the tags of the written summaries, with their steps."""
    events = event_files.read(self.eval_dir)
    return {v.tag: e.step for e in events for v in e.summary.value}

  def test_summaries_of_2016(self):
    self._evaluate()
    expected = {
        'Precision @ 1',
        'queue/input_producer/fraction_of_32_full',
        'queue/batch/fraction_of_4384_full',
    }
    for layer in ('conv1', 'conv2', 'local3', 'local4', 'softmax_linear'):
      expected |= {
          '%s/%s/%s' % (layer, layer, kind)
          for kind in ('activations', 'sparsity')
      }
    expected |= {'images/image/%d' % i for i in range(3)}
    self.assertEqual(dict.fromkeys(expected, 1000), self._tags())
    self.assertLen(
        [e for e in event_files.read(self.eval_dir) if e.HasField('graph_def')],
        1,
    )

  def test_images_that_end_too_soon(self):
    path = self._write_images()

    def truncate(unused_files):
      # TensorFlow's reader ignores an incomplete record.
      os.truncate(path, 3073 * 200 + 1)

    # The file changes just after a check.
    with (
        mock.patch.object(checks.CheckedFiles, 'check', truncate),
        self.assertRaisesRegex(errors.DataError, 'after 200 of 300'),
    ):
      self._evaluate(data_dir=self.directory)

  def test_images_that_were_overwritten(self):
    path = self._write_images()
    eval_once = cifar10_eval.eval_once

    def overwrite_and_evaluate(*args, **kwargs):
      with open(path, 'r+b') as f:
        f.write(b'\xc8')  # A label of 200.
      return eval_once(*args, **kwargs)

    with (
        mock.patch.object(cifar10_eval, 'eval_once', overwrite_and_evaluate),
        self.assertRaisesRegex(errors.DataError, 'was overwritten'),
    ):
      self._evaluate(data_dir=self.directory)

  def test_device_that_is_none(self):
    with self.assertRaisesRegex(
        errors.UsageError, "device is 'gpu0', which is not "
    ):
      self._evaluate(device='gpu0')

  def test_missing_key_is_named(self):
    self._save_untrained(cifar10.inference)
    with self.assertRaisesRegex(
        errors.CheckpointError,
        'is missing conv1/biases/ExponentialMovingAverage and 9 more keys: .*'
        '--averaged=false',
    ):
      self._evaluate(checkpoint_dir=self.directory)
    self._evaluate(checkpoint_dir=self.directory, averaged=False)

  def test_other_data_set_or_model(self):
    # Both the directory's metadata and the checkpoint's keys can reveal it.
    with self.assertRaisesRegex(errors.CheckpointError, 'another .*--model'):
      self._evaluate(model=config_lib.CONV_LOCAL)
    save_checkpoint(self.directory, 1, averaged_bias=0, raw_bias=0)
    for note, expected in (
        ('{"dataset": "synthetic"}', "'synthetic', not to"),
        (
            '{"dataset": "cifar10", "model": "conv_local"}',
            '--model=conv_local',
        ),
    ):
      pathlib.Path(self.directory, 'dataset.json').write_text(note)
      with self.assertRaisesRegex(errors.UsageError, expected):
        self._evaluate(checkpoint_dir=self.directory)

  def test_mean_of_views(self):
    # One view is certain of label 0; the other four give 1/4 and 3/4.  The mean
    # probability is (1 + 4 / 4) / 5 = 0.4 against 4 * 3 / 4 / 5 = 0.6, though
    # the mean of the logits would favor label 0.  In a second image all views
    # agree.
    ln3 = math.log(3)
    logits = [[1000, 0]] + [[0, ln3]] * 4 + [[ln3, 0]] * 5
    with tf.Graph().as_default(), self.session() as sess:
      mean = sess.run(cifar10_eval.mean_of_views(tf.constant(logits), 5))
    self.assertAllClose([[0.4, 0.6], [0.75, 0.25]], mean)

  def test_views(self):
    """A network that predicts 3 if a view's first pixel is white, 5 if dark."""

    def inference(images, config):
      weights = np.zeros([1, config.num_classes], np.float32)
      weights[0, [3, 5]] = 100, -100
      w = tf.get_variable('w', initializer=tf.constant(weights))
      return tf.matmul(images[:, 0, 0, :1], w)

    self._save_untrained(inference)
    # White images with some dark pixels, one per view.  White is then at least
    # 0.04 standard deviations above the mean, and as a logit 4 above 0.
    middle, left, corners = np.full([3, 32, 32, 3], 255, np.uint8)
    for image in (middle, left, corners):
      image[12, 12] = 0
    middle[4, 4] = 0  # The first pixel of the central view.
    for row in (0, 8):
      left[row, [0, 8]] = 0  # The first pixel of each corner view.
      corners[row, [0, 8, 23, 31]] = 0  # The same, with the flipped views.
    record_fixture.write_batches(
        self.directory, [middle, middle, middle, left, corners], [3, 3, 3, 5, 3]
    )
    # In effect each view votes.  The middle alone votes for 5 in the first
    # three images, most of the five views in the last two, most of the ten in
    # the last.  If the views of `middle` and `left`, one batch, were mixed up,
    # both images would be wrong.
    network = types.SimpleNamespace(inference=inference)
    with mock.patch.object(models, 'network', return_value=network):
      for views, expected in ((1, 1 / 5), (5, 4 / 5), (10, 3 / 5)):
        self.assertAllClose(
            expected,
            self._evaluate(
                data_dir=self.directory,
                checkpoint_dir=self.directory,
                averaged=False,
                batch_size=2,
                views=views,
            ),
        )

  def test_views_are_checked_before_images_are_fetched(self):
    code, _, err = program.run(
        'cifar10_eval',
        '--views=3',
        '--dataset=synthetic',
        '--data_dir=' + self.directory,
        forked=True,
    )
    self.assertEqual(1, code)
    self.assertIn('error: views is 3: ', err)
    self.assertEmpty(os.listdir(self.directory))

  def test_checkpoint_that_cannot_be_evaluated(self):
    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      self._evaluate(checkpoint_dir=self.directory)
    save_checkpoint(self.directory, 7, averaged_bias=0, raw_bias=0)
    path = os.path.join(self.directory, 'model.ckpt-7.data-00000-of-00001')
    with open(path, 'r+b') as f:
      f.seek(os.path.getsize(path) // 2)
      f.write(b'damage')
    with self.assertRaisesRegex(errors.CheckpointError, 'ckpt-7 is damaged'):
      self._evaluate(checkpoint_dir=self.directory, averaged=False)
    os.remove(os.path.join(self.directory, 'model.ckpt-7.index'))
    with self.assertRaisesRegex(errors.CheckpointError, 'is missing'):
      self._evaluate(checkpoint_dir=self.directory)

  def test_polling(self):
    """Waits, evaluates, skips an evaluated checkpoint, stops."""
    # A trainer is saving its first checkpoint, and will list it next.
    pathlib.Path(self.directory, 'model.ckpt-0.index').touch()
    eval_dir = os.path.join(self.directory, 'eval')
    evaluator = program.Program(
        'cifar10_eval',
        '--data_dir=' + self.data_dir,
        '--checkpoint_dir=' + self.directory,
        '--eval_interval_secs=0',
        '--eval_dir=' + eval_dir,
    )
    evaluator.wait_for_line(
        'Waiting for the first checkpoint in ' + self.directory
    )
    for step, label, precision in ((10, 3, r'0\.400'), (20, 5, r'0\.300')):
      save_checkpoint(self.directory, step, averaged_bias=label, raw_bias=0)
      evaluator.wait_for_line('precision @ 1 = ' + precision)
    evaluator.process.send_signal(signal.SIGTERM)
    code, out, err = evaluator.finish()
    self.assertEqual((128 + signal.SIGTERM, ''), (code, err))
    self.assertLen(re.findall('precision', out), 2)
    self.assertLen(re.findall('Waiting', out), 1)
    precisions = event_files.scalars(eval_dir, 'Precision @ 1')
    self.assertEqual([10, 20], [step for step, _ in precisions])


class EvalDirTest(tf.test.TestCase):
  """Tests the directory of the event files."""

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.data_dir = os.path.join(self.root, 'data')
    images, _ = record_fixture.random_images(10)
    record_fixture.write_batches(self.data_dir, images, [3] * 4 + [5] * 6)
    self.train_dir = os.path.join(self.root, 'train')
    self.eval_dir = os.path.join(self.train_dir, 'eval')
    save_checkpoint(self.train_dir, 7, averaged_bias=3, raw_bias=5)

  def _config(self, **kwargs):
    return config_lib.Eval(
        **{
            'data_dir': self.data_dir,
            'checkpoint_dir': self.train_dir,
            'run_once': True,
        }
        | kwargs
    )

  def _evaluate(self, **kwargs):
    """Returns the precision, and the printed lines."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
      precision = cifar10_eval.evaluate(self._config(**kwargs))
    return precision, printed.getvalue().splitlines()

  def _precisions(self, eval_dir=None):
    return event_files.scalars(eval_dir or self.eval_dir, 'Precision @ 1')

  def test_path(self):
    for kwargs, expected in (
        ({}, '/tmp/cifar10_eval'),
        ({'checkpoint_dir': '/runs/1'}, '/runs/1/eval'),
        ({'eval_dir': '/runs/e'}, '/runs/e'),
        ({'checkpoint_dir': '/runs/1', 'eval_dir': '/runs/e'}, '/runs/e'),
    ):
      self.assertEqual(expected, evaluation.path(config_lib.Eval(**kwargs)))
    # A cluster's evaluator uses the same directory.
    self.assertEqual(
        '/runs/2/eval',
        evaluation.path(
            config_lib.evaluator_of(
                config_lib.DistributedTrain(train_dir='/runs/2')
            )
        ),
    )

  def test_nothing_is_made_where_there_is_no_checkpoint(self):
    missing = os.path.join(self.root, 'missing')
    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      self._evaluate(checkpoint_dir=missing)
    self.assertFalse(os.path.exists(missing))

  def test_nothing_is_made_by_a_rejected_evaluation(self):
    asked_for = os.path.join(self.root, 'a', 'events')
    path = os.path.join(self.train_dir, 'model.ckpt-7.data-00000-of-00001')
    for eval_dir in (None, asked_for):
      # The evaluator does not wait if the checkpoint is of another model.
      for run_once in (False, True):
        with self.assertRaisesRegex(errors.CheckpointError, 'in this model'):
          self._evaluate(
              eval_dir=eval_dir, run_once=run_once, model=config_lib.CONV_LOCAL
          )
      os.truncate(path, 5)
      with self.assertRaisesRegex(errors.CheckpointError, 'is damaged'):
        self._evaluate(eval_dir=eval_dir)
      save_checkpoint(self.train_dir, 7, averaged_bias=3, raw_bias=5)
    self.assertNotIn('eval', os.listdir(self.train_dir))
    self.assertFalse(os.path.exists(os.path.dirname(asked_for)))
    self.assertEqual(0.4, self._evaluate()[0])

  def test_the_train_dir_itself(self):
    path = os.path.join(self.train_dir, 'dataset.json')
    notes.write(self.train_dir, config_lib.Train(), [(0, 0.1)])
    with open(path) as f:
      before = f.read()
    self._evaluate(eval_dir=self.train_dir)
    with open(path) as f:
      self.assertEqual(before, f.read())

  def test_beside_the_checkpoints(self):
    self.assertEqual(0.4, self._evaluate()[0])
    self.assertEqual([(7, np.float32(0.4))], self._precisions())
    note = json.loads(pathlib.Path(self.eval_dir, 'dataset.json').read_text())
    self.assertEqual(('cifar10', 'cifar10'), (note['dataset'], note['model']))
    # The trainer still resumes in its directory.
    with train_dirs.opened(
        config_lib.Train(train_dir=self.train_dir)
    ) as directory:
      self.assertEqual(7, directory.newest.step)

  def test_of_the_default_directory(self):
    eval_dir = os.path.join(self.root, 'cifar10_eval')
    with mock.patch.multiple(
        config_lib, TRAIN_DIR=self.train_dir, EVAL_DIR=eval_dir
    ):
      self._evaluate()
    self.assertEqual([(7, np.float32(0.4))], self._precisions(eval_dir))
    self.assertNotIn('eval', os.listdir(self.train_dir))

  def test_of_the_published_network(self):
    before = sorted(os.listdir(published.DIRECTORY))
    precision, _ = self._evaluate(checkpoint_dir=published.DIRECTORY)
    self.assertIsNotNone(precision)
    self.assertEqual(before, sorted(os.listdir(published.DIRECTORY)))
    eval_dir = os.path.join(self.root, 'asked for')
    self._evaluate(checkpoint_dir=published.DIRECTORY, eval_dir=eval_dir)
    self.assertLen(self._precisions(eval_dir), 1)
    self.assertEqual(before, sorted(os.listdir(published.DIRECTORY)))

  def test_of_another_user(self):
    eval_dir = os.path.join(self.root, 'theirs')
    os.mkdir(eval_dir)
    os.chmod(self.root, 0o1777)  # Like /tmp.
    with (
        limits.owned_by(4711, eval_dir),
        self.assertRaisesRegex(
            errors.UsageError, 'it belongs to another user, 4711'
        ),
    ):
      self._evaluate(eval_dir=eval_dir)
    self.assertEqual([], os.listdir(eval_dir))

  def test_that_cannot_be_written(self):
    pathlib.Path(self.eval_dir).touch()
    # The user need not own the directory: they may evaluate another user's run.
    precision, lines = self._evaluate()
    self.assertEqual(0.4, precision)
    self.assertEqual(
        self.eval_dir
        + ' cannot be written (File exists): no event files are written; '
        'choose another directory with --eval_dir.',
        lines[0],
    )
    # But an explicit --eval_dir must be usable.
    expected = (
        r'cannot write to eval_dir %s \(File exists\): .*--eval_dir'
        % self.eval_dir
    )
    with self.assertRaisesRegex(errors.UsageError, expected):
      self._evaluate(eval_dir=self.eval_dir)
    with (
        mock.patch.multiple(
            config_lib, TRAIN_DIR=self.train_dir, EVAL_DIR=self.eval_dir
        ),
        self.assertRaisesRegex(errors.UsageError, expected),
    ):
      self._evaluate()

  def test_of_another_set_or_model(self):
    other_set = datasets.CIFAR10._replace(
        name='other', directory='cifar-10-batches-bin'
    )
    for eval_dir in (None, os.path.join(self.root, 'events')):
      self._evaluate(eval_dir=eval_dir)
      path = evaluation.path(self._config(eval_dir=eval_dir))
      before = sorted(os.listdir(path))
      for kwargs, expected in (
          ({'dataset': other_set}, "to data set 'cifar10', not to 'other'"),
          (
              {'model': config_lib.CIFAR10_LATER},
              "to model 'cifar10', not to 'cifar10_5e-2'",
          ),
      ):
        with self.assertRaisesRegex(
            errors.UsageError,
            '^%s belongs %s: choose another directory with --eval_dir'
            % (path, expected),
        ):
          self._evaluate(eval_dir=eval_dir, **kwargs)
      self.assertEqual(before, sorted(os.listdir(path)))
      # Existing points are not written again; new ones are.
      self._evaluate(eval_dir=eval_dir)
      self.assertLen(self._precisions(path), 1)
      self._evaluate(eval_dir=eval_dir, averaged=False)
      self.assertEqual(
          [(7, np.float32(0.4)), (7, np.float32(0.6))], self._precisions(path)
      )

  def test_two_evaluators(self):
    poll = evaluation.Poll(self._config(), checks.CheckedFiles({}))
    with poll.event_writer(tf.Graph(), signals.NEVER):
      precision, lines = self._evaluate()
      self.assertEqual(0.4, precision)
      self.assertStartsWith(
          lines[0], 'Another evaluator writes to ' + self.eval_dir
      )
    self.assertEqual([], self._precisions())
    self._evaluate()
    self.assertLen(self._precisions(), 1)

  def test_damaged_event_files(self):
    self._evaluate()
    (path,) = glob.glob(os.path.join(self.eval_dir, 'events.*'))
    os.truncate(path, os.path.getsize(path) - 1)
    pipe = os.path.join(self.eval_dir, 'events.out.tfevents.1.pipe')
    os.mkfifo(pipe)
    # The incomplete point is lost.
    self._evaluate()
    os.remove(pipe)
    os.remove(path)
    self.assertLen(self._precisions(), 1)

  def test_a_fresh_start_removes_what_was_evaluated(self):
    self._evaluate()
    pathlib.Path(self.eval_dir, 'notes.txt').touch()
    for fresh, files in ((False, 3), (True, 1)):
      with train_dirs.opened(
          config_lib.Train(train_dir=self.train_dir, fresh=fresh)
      ) as directory:
        directory.begin()
        self.assertLen(os.listdir(self.eval_dir), files)
    self.assertEqual(['notes.txt'], os.listdir(self.eval_dir))
    # A later run in the directory may be of any data set.
    save_checkpoint(self.train_dir, 1, averaged_bias=5, raw_bias=5)
    os.remove(os.path.join(self.train_dir, 'dataset.json'))
    other = datasets.CIFAR10._replace(name='other')
    self.assertEqual(0.6, self._evaluate(dataset=other)[0])
    self.assertEqual([(1, np.float32(0.6))], self._precisions())
