"""Trains with towers as a user does: real processes on small batches."""

import os
import re

import tensorflow.compat.v1 as tf

from tests.helpers import event_files
from tests.helpers import program
from tests.helpers import record_fixture


class ProgramTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(200)
    )
    self.flags = [
        '--data_dir=' + self.data_dir,
        '--num_gpus=2',
        '--train_dir=' + self.train_dir,
        '--batch_size=8',
    ]

  def test_towers_on_the_cpu_train_resume_and_are_evaluated(self):
    flags = self.flags + ['--tower_devices=cpu']
    out = program.output('cifar10_multi_gpu_train', '--max_steps=2', *flags)
    self.assertIn('Filling queue with 40000 CIFAR images', out)
    self.assertNotIn('fewer GPUs', out)
    self.assertRegex(out, r'step 0, loss = 4\.6\d ')
    keys = {name for name, _ in tf.train.list_variables(self.train_dir)}
    self.assertLen(keys, 1 + 10 + 10 + 2 * 4)
    self.assertContainsSubset(
        {
            'global_step',
            'conv1/weights',
            'conv1/weights/ExponentialMovingAverage',
            'tower_0/local3/weight_loss/avg',
            'tower_1/total_loss_1/avg',
        },
        keys,
    )
    self.assertEqual(
        tf.int64, tf.train.load_variable(self.train_dir, 'global_step').dtype
    )
    tags = {
        v.tag for e in event_files.read(self.train_dir) for v in e.summary.value
    }
    # The last tower's, under the name of a queue in 2016.
    self.assertIn('queue/tower_1/input_producer/fraction_of_32_full', tags)
    self.assertIn('images/image/0', tags)

    out = program.output('cifar10_multi_gpu_train', '--max_steps=11', *flags)
    self.assertIn(': step 10, ', out)
    self.assertNotIn(': step 0, ', out)

    out = program.output(
        'cifar10_eval',
        '--run_once',
        '--data_dir=' + self.data_dir,
        '--checkpoint_dir=' + self.train_dir,
        '--eval_dir=' + self.create_tempdir().full_path,
    )
    self.assertIn('precision @ 1 = ', out)

  def test_fewer_gpus_than_towers_and_a_shared_input(self):
    out = program.output(
        'cifar10_multi_gpu_train',
        '--max_steps=1',
        '--shared_input',
        *self.flags,
    )
    self.assertIn('Filling queue with 20000 CIFAR images', out)
    if not tf.config.list_physical_devices('GPU'):
      self.assertEqual(
          [
              'There are fewer GPUs than towers: tower_0 runs on /device:CPU:0, '
              'tower_1 runs on /device:CPU:0.'
          ],
          re.findall('There are fewer.*', out),
      )
    tags = [
        v.tag for e in event_files.read(self.train_dir) for v in e.summary.value
    ]
    self.assertIn('queue/shuffle_batch/fraction_over_20000_of_24_full', tags)
    self.assertIn('images/image/0', tags)
    self.assertLen(tags, len(set(tags)))

  def test_a_directory_of_the_trainer_is_resumed(self):
    program.output(
        'cifar10_train',
        '--max_steps=1',
        '--data_dir=' + self.data_dir,
        '--train_dir=' + self.train_dir,
        '--batch_size=8',
    )
    out = program.output(
        'cifar10_multi_gpu_train', '--max_steps=2', *self.flags
    )
    self.assertIn(
        'model.ckpt-1 is missing 8 of the loss averages, such as '
        'tower_0/cross_entropy/avg: ',
        out,
    )
    self.assertEqual(2, tf.train.load_variable(self.train_dir, 'global_step'))
