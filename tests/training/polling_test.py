"""Which checkpoints an evaluator evaluates, how often, and what it says."""

import contextlib
import io
import os
import re

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.training import polling


class _Stop(signals.StopRequest):
  """A request that comes after what happens between two looks has happened."""

  def __init__(self, *happenings):
    super().__init__()
    self._happenings = list(happenings)

  def wait(self, secs):
    if self._happenings:
      self._happenings.pop(0)()
    else:
      self.signum = 15
    return self.requested


class PollingTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.evaluated = []

  def _name(self, step):
    """Lets the directory's list name the checkpoint of a step."""
    with open(os.path.join(self.directory, 'checkpoint'), 'w') as f:
      f.write('model_checkpoint_path: "model.ckpt-%d"' % step)

  def _evaluate(self, path):
    """Finds a precision of 0.5, but in the checkpoints 30 and 40."""
    step = int(path.rpartition('-')[2])
    self.evaluated.append(step)
    if step in (30, 40):
      raise errors.UnusableCheckpointError('%s is damaged' % path)
    return 0.5

  def _poll(self, *happenings):
    """Returns the last precision, and what was printed on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
      precision = polling.repeatedly(
          self._evaluate,
          self.directory,
          interval_secs=300,
          stop=_Stop(*happenings),
      )
    return precision, out.getvalue(), err.getvalue()

  def test_each_checkpoint_once(self):
    precision, out, err = self._poll(
        lambda: None,  # Still none.
        lambda: self._name(10),
        lambda: None,
        lambda: self._name(20),
    )
    self.assertEqual(
        (0.5, 'Waiting for a first checkpoint in %s.\n' % self.directory, ''),
        (precision, out, err),
    )
    self.assertEqual([10, 20], self.evaluated)

  def test_another_checkpoint_of_the_same_name(self):
    def save():
      # As a Saver does: under another name first.
      path = os.path.join(self.directory, 'model.ckpt-10.index')
      with open(path + '.tmp', 'w') as f:
        f.write('weights')
      os.rename(path + '.tmp', path)

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
    # At once again, since a newer one may be there; then at each look.
    self.assertEqual([30, 30, 30, 40, 40, 50], self.evaluated)
    self.assertRegex(
        err,
        r'\Anot evaluated, still waiting: \S+-30 is damaged\n'
        r'not evaluated, still waiting: \S+-40 is damaged\n\Z',
    )

  def test_unreadable_list_is_named_each_time_it_becomes_so(self):
    def spoil():
      with open(os.path.join(self.directory, 'checkpoint'), 'w') as f:
        f.write('no list')

    spoil()
    _, _, err = self._poll(lambda: None, lambda: self._name(10), spoil)
    self.assertEqual([10], self.evaluated)
    # TensorFlow may add its own lines.
    told = re.findall('^still waiting: .*/checkpoint names no', err, re.M)
    self.assertLen(told, 2)

  def test_once(self):
    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      polling.once(self._evaluate, self.directory)
    self._name(10)
    self.assertEqual(0.5, polling.once(self._evaluate, self.directory))

  def test_once_where_it_is_removed_for_a_newer_one(self):
    self._name(30)

    def evaluate(path):
      self._name(50)  # Meanwhile.
      return self._evaluate(path)

    self.assertEqual(0.5, polling.once(evaluate, self.directory))
    self.assertEqual([30, 50], self.evaluated)

  def test_once_unusable(self):
    self._name(30)
    with self.assertRaisesRegex(errors.UnusableCheckpointError, '-30 is dam'):
      polling.once(self._evaluate, self.directory)
    self.assertEqual([30], self.evaluated)


if __name__ == '__main__':
  tf.test.main()
