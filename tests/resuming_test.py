"""Resumes from checkpoints of other trainers and of v0.7.0."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train
from tests.helpers import main_program
from tests.helpers import record_fixture
from tests.helpers import saved_network


class ResumingTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    record_fixture.write_batches(self.root, *record_fixture.random_images(200))

  def _train(self, module, name, max_steps, *flags):
    """Trains in a directory of that name; returns the printed lines."""
    return main_program.run(
        module,
        '--data_dir=' + self.root,
        '--train_dir=' + os.path.join(self.root, name),
        f'--max_steps={max_steps}',
        '--batch_size=8',
        *flags,
    )

  def _values(self, name, step):
    reader = tf.train.load_checkpoint(
        os.path.join(self.root, name, f'model.ckpt-{step}')
    )
    return {
        key: reader.get_tensor(key)
        for key in reader.get_variable_to_shape_map()
    }

  def _save_old(self, values, name, step):
    """Saves values in the format of 2016."""
    saved_network.save(
        os.path.join(self.root, name),
        step,
        build=lambda: [
            tf.get_variable(key, initializer=value)
            for key, value in values.items()
        ],
        write_version=tf.train.SaverDef.V1,
    )

  def test_towers_and_one_device(self):
    self._train(cifar10_train, 'one', 2)
    saved = self._values('one', 2)
    lines = self._train(
        cifar10_multi_gpu_train, 'one', 3, '--num_gpus=2', '--tower_devices=cpu'
    )
    self.assertIn('From step 2, num_gpus is 2 (was 1).', lines)
    held = self._values('one', 3)
    self.assertIn('tower_1/total_loss_1/avg', held)
    self.assertEqual((2, 3), (saved['global_step'], held['global_step']))
    lines = self._train(cifar10_train, 'one', 4)
    self.assertIn('From step 3, num_gpus is 1 (was 2).', lines)
    self.assertEqual(4, self._values('one', 4)['global_step'])
    # Now nothing is missing.
    lines = self._train(cifar10_train, 'one', 5)
    self.assertNotIn('loss averages', '\n'.join(lines))

  def test_v0_7_0(self):
    self._train(cifar10_train, 'new', 2)
    saved = self._values('new', 2)
    for name, key, kind, lost in (
        # v0.7.0 counts steps in a float32 with towers, in a Variable without.
        ('device', 'Variable', np.int32, 'local3/weight_loss/avg'),
        ('towers', 'global_step', np.float32, 'total_loss/avg'),
    ):
      old = {k: v for k, v in saved.items() if k not in ('global_step', lost)}
      # There, model.ckpt-1 contains two updates.
      self._save_old(old | {key: np.array(2, kind)}, name, 1)
      lines = self._train(cifar10_train, name, 3, '--learning_rate=1e-30')
      self.assertIn(
          f'is missing 1 of the loss averages, such as {lost}: ',
          '\n'.join(lines),
      )
      # The next step is the third.
      self.assertNotIn('step 0,', '\n'.join(lines))
      held = self._values(name, 3)
      self.assertEqual(
          (np.int64, 3), (held['global_step'].dtype, held['global_step'])
      )
      # At that rate, a step leaves the weights unchanged.
      weights = [k for k in held if k.endswith(('/weights', '/biases'))]
      self.assertLen(weights, 10)
      for k in weights:
        np.testing.assert_allclose(held[k], saved[k], rtol=0, atol=1e-25)
