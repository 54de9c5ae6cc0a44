"""--deterministic: two runs are bit-identical, even if one was killed."""

import os
import re
import signal

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from tests.helpers import program
from tests.helpers import record_fixture

_STEPS = 300


class DeterministicTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_set(self.data_dir, *record_fixture.random_images(500))

  def _flags(self, train_dir, *flags):
    return [
        '--dataset=' + self.data_dir,
        '--train_dir=' + train_dir,
        '--batch_size=16',
        '--max_steps=%d' % _STEPS,
        *flags,
    ]

  def _values(self, train_dir):
    """Returns the bytes of all values in the last checkpoint, by name."""
    reader = tf.train.load_checkpoint(
        os.path.join(train_dir, 'model.ckpt-%d' % _STEPS)
    )
    return {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
    }

  def _losses(self, out):
    return dict(re.findall(r'step (\d+), loss = (\S+)', out))

  def _run(self, name, *flags):
    """Trains to the end; returns the losses and the values."""
    train_dir = self.create_tempdir().full_path
    out = program.output(name, *self._flags(train_dir, *flags))
    return self._losses(out), self._values(train_dir)

  def _run_interrupted(self, name, *flags):
    """Stops the trainer, resumes it, kills it, and resumes it."""
    train_dir = self.create_tempdir().full_path
    losses = {}
    for signum, step in ((signal.SIGTERM, 120), (signal.SIGKILL, 200)):
      trainer = program.Program(name, *self._flags(train_dir, *flags))
      trainer.wait_for_line(': step %d,' % step)
      trainer.process.send_signal(signum)
      losses.update(self._losses(trainer.finish()[1]))
    out = program.output(name, *self._flags(train_dir, *flags))
    # It was killed after a save, and trained the following steps again.
    self.assertRegex(
        out, r'Redrawing the batches of the 1[2-9]\d steps already trained'
    )
    losses.update(self._losses(out))
    return losses, self._values(train_dir)

  @parameterized.named_parameters(
      ('train', 'cifar10_train'),
      ('train_fast', 'cifar10_train', '--fast'),
      (
          'towers',
          'cifar10_multi_gpu_train',
          '--num_gpus=2',
          '--tower_devices=cpu',
      ),
  )
  def test_repeats(self, name, *flags):
    flags += ('--seed=7', '--deterministic')
    losses, values = self._run(name, *flags)
    self.assertLen(losses, _STEPS // 10)
    # Ten variables with their averages, the loss averages, and the step.
    self.assertGreaterEqual(len(values), 25)
    for others in (
        self._run(name, *flags),
        self._run_interrupted(name, *flags),
    ):
      self.assertEqual(losses, others[0])
      self.assertEqual(
          [], [key for key in values if values[key] != others[1][key]]
      )

  def test_another_seed_is_another_training(self):
    values = [
        self._run('cifar10_train', '--deterministic', '--seed=%d' % seed)[1]
        for seed in (1, 2)
    ]
    self.assertNotEqual(*values)
