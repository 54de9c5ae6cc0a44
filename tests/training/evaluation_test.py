"""Which checkpoints an evaluator evaluates, how often, and what it prints."""

import contextlib
import io
import os
import pathlib
import re
import types
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import evaluation
from tests.helpers import saved_network


class _Stop(signals.StopRequest):
  """A stop request after all events between polls have happened."""

  def __init__(self, *happenings):
    super().__init__()
    self._happenings = list(happenings)

  def sleep(self, secs):
    if self._happenings:
      self._happenings.pop(0)()
    else:
      self.signum = 15
    return self.requested


class WriterTest(tf.test.TestCase):

  def test_nothing_is_made_before_the_first_checkpoint(self):
    missing = os.path.join(self.create_tempdir().full_path, 'train')
    seen = []

    def make():
      seen.append(os.path.exists(missing))
      os.mkdir(missing)

    def save():
      seen.append(os.listdir(missing))
      saved_network.save(
          missing, 1, build=lambda: tf.get_variable('w', initializer=1.0)
      )

    for stop, is_there in (
        (_Stop(), False),
        (_Stop(lambda: None, make, save), True),
    ):
      poll = evaluation.Poll(
          config_lib.Eval(checkpoint_dir=missing), checks.CheckedFiles({})
      )
      with (
          contextlib.redirect_stdout(io.StringIO()) as printed,
          poll.event_writer(tf.Graph(), stop),
      ):
        self.assertEqual(
            is_there, os.path.exists(os.path.join(missing, 'eval'))
        )
      self.assertEqual(
          f'Waiting for the first checkpoint in {missing}.\n',
          printed.getvalue(),
      )
    self.assertEqual([False, []], seen)


class PollTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.list = pathlib.Path(self.directory, 'checkpoint')
    self.evaluated = []

  def _name(self, step):
    """Points the directory's list at the checkpoint of a step."""
    self.list.write_text('model_checkpoint_path: "model.ckpt-%d"' % step)

  def _evaluate(self, last):
    """Evaluates like eval_once(), which finds 30 and 40 damaged."""
    checkpoint = checkpoint_list.newest(self.directory)
    if last and last[0] == checkpoint:
      return last
    self.evaluated.append(checkpoint.step)
    if checkpoint.step in (30, 40):
      raise errors.UnusableCheckpointError(
          f'{checkpoint.path} is damaged', path=checkpoint.path, reason=''
      )
    return checkpoint, 0.5

  def _run(self, stop, *, run_once=False, evaluate=None):
    """Runs the loop of evaluate(); returns the last result."""
    config = config_lib.Eval(checkpoint_dir=self.directory, run_once=run_once)
    poll = evaluation.Poll(
        config, types.SimpleNamespace(check=lambda: None, fingerprint='0')
    )
    last = None
    while not stop.requested:
      with poll.attempt():
        last = (evaluate or self._evaluate)(last)
        if run_once:
          break
      if poll.secs:
        self.assertEqual(300, poll.secs)
        stop.sleep(poll.secs)
    return last and last[1]

  def _poll(self, *happenings):
    """Returns the last precision, and the output on stdout and stderr."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
      precision = self._run(_Stop(*happenings))
    return precision, out.getvalue(), err.getvalue()

  def test_each_checkpoint_once(self):
    precision, out, err = self._poll(
        lambda: None,  # Still no checkpoint.
        lambda: self._name(10),
        lambda: None,
        lambda: self._name(20),
    )
    self.assertEqual(
        (0.5, 'Waiting for the first checkpoint in %s.\n' % self.directory, ''),
        (precision, out, err),
    )
    self.assertEqual([10, 20], self.evaluated)

  def test_another_checkpoint_of_the_same_name(self):
    def save():
      # As a Saver does: under another name first.
      path = pathlib.Path(self.directory, 'model.ckpt-10.index')
      path.with_suffix('.tmp').write_text('weights')
      path.with_suffix('.tmp').rename(path)

    save()
    self._name(10)
    self._poll(lambda: None, save, lambda: None)
    self.assertEqual([10, 10], self.evaluated)

  def test_stopped_before_the_first(self):
    self.assertIsNone(self._poll()[0])
    self.assertEqual([], self.evaluated)

  def test_unusable_is_named_once_and_tried_again(self):
    self._name(30)
    precision, out, err = self._poll(
        lambda: None, lambda: self._name(40), lambda: self._name(50)
    )
    self.assertEqual((0.5, ''), (precision, out))
    # Once more at once, in case there is a newer one; then at each poll.
    self.assertEqual([30, 30, 30, 40, 40, 50], self.evaluated)
    self.assertRegex(
        err,
        r'\Anot evaluated, still waiting: \S+-30 is damaged\n'
        r'not evaluated, still waiting: \S+-40 is damaged\n\Z',
    )

  def test_unreadable_list_is_named_each_time_it_becomes_so(self):
    def spoil():
      self.list.write_text('no list')

    spoil()
    _, _, err = self._poll(lambda: None, lambda: self._name(10), spoil)
    self.assertEqual([10], self.evaluated)
    # TensorFlow may add lines.
    told = re.findall('^still waiting: .*/checkpoint lists no', err, re.M)
    self.assertLen(told, 2)

  def test_once(self):
    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      self._run(_Stop(), run_once=True)
    self._name(10)
    self.assertEqual(0.5, self._run(_Stop(), run_once=True))
    self._name(30)
    with self.assertRaisesRegex(errors.UnusableCheckpointError, '-30 is dam'):
      self._run(_Stop(), run_once=True)
    self.assertEqual([10, 30], self.evaluated)

  def test_once_where_it_is_removed_for_a_newer_one(self):
    self._name(30)

    def evaluate(last):
      try:
        return self._evaluate(last)
      finally:
        self._name(50)  # During the evaluation.

    self.assertEqual(0.5, self._run(_Stop(), run_once=True, evaluate=evaluate))
    self.assertEqual([30, 50], self.evaluated)

  def test_images_that_changed(self):
    self._name(10)
    check = mock.Mock(
        side_effect=[None, errors.DataError('it was overwritten')]
    )
    poll = evaluation.Poll(
        config_lib.Eval(checkpoint_dir=self.directory),
        types.SimpleNamespace(check=check),
    )
    with (
        self.assertRaisesRegex(errors.DataError, 'overwritten'),
        poll.attempt(),
    ):
      self._evaluate(None)
