"""Each flag of the trainers of one process, through their own main()."""

import os
import re
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.training import watchdog
from tests.helpers import flag_case
from tests.helpers import main_program


def _ancestors(graph, name):
  """Returns the set of names of all nodes that a node waits for.

  Args:
    graph: dict from name to NodeDef.
    name: str.
  """
  seen, left = set(), [name]
  while left:
    for source in graph[left.pop()].input:
      source = source.lstrip('^').partition(':')[0]
      if source not in seen:
        seen.add(source)
        left.append(source)
  return seen


class TrainTest(flag_case.FlagCase):
  """The trainers that run in one process."""

  program = cifar10_train
  # Flags that keep a run of this program small.
  small = ('--queue_fraction=0.001', '--batch_size=4')

  def _run(self, *args):
    return main_program.run(
        self.program,
        '--data_dir=' + self.data_dir,
        '--train_dir=' + self.train_dir,
        *args,
    )

  @flag_case.covers(
      cifar10_train, 'data_dir', 'train_dir', 'max_steps', 'batch_size'
  )
  @flag_case.covers(cifar10_train, 'queue_fraction', 'model', 'profile_steps')
  def test_a_run(self):
    lines = self._run(
        *self.small, '--max_steps=2', '--model=conv_local', '--profile_steps=1'
    )
    # 0.001 of CIFAR-10's 50,000 images.
    self.assertStartsWith(lines[0], 'Filling queue with 50 CIFAR images')
    self.assertEqual([0, 2], self.steps())
    self.assertEqual(
        4,
        flag_case.constant(
            flag_case.graph(self.train_dir, 2)['shuffle_batch/n']
        ),
    )
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))
    self.assertEqual(
        ['timeline-1.json'],
        [n for n in os.listdir(self.train_dir) if n.startswith('timeline')],
    )

  @flag_case.covers(cifar10_train, 'dataset', 'fresh')
  @flag_case.covers(
      cifar10_multi_gpu_train, 'dataset', 'fresh', 'data_dir', 'train_dir'
  )
  @flag_case.covers(cifar10_multi_gpu_train, 'max_steps', 'batch_size')
  def test_own_set_and_a_fresh_start(self):
    own = ('--dataset=' + self.own, '--batch_size=4')
    self._run(*own, '--max_steps=2')
    self.assertEqual([0, 2], self.steps())
    self.assertEqual([3], self.shape('softmax_linear/biases'))
    self._run(*own, '--max_steps=1', '--fresh')
    self.assertEqual([0, 1], self.steps())

  @flag_case.covers(cifar10_train, 'keep_checkpoints')
  @flag_case.covers(cifar10_multi_gpu_train, 'keep_checkpoints')
  def test_kept_checkpoints(self):
    own = ('--dataset=' + self.own, '--batch_size=4')
    self._run(*own, '--max_steps=2', '--keep_checkpoints=1')
    self.assertEqual([2], self.steps())

  @flag_case.covers(cifar10_train, 'allow_growth', 'log_device_placement')
  @flag_case.covers(
      cifar10_multi_gpu_train, 'allow_growth', 'log_device_placement'
  )
  def test_session_config(self):
    small = ('--dataset=' + self.own, '--batch_size=4', '--max_steps=1')
    for flag in ('allow_growth', 'log_device_placement'):
      config = self.session_config(
          lambda flag=flag: self._run(*small, '--fresh', '--' + flag)
      )
      self.assertEqual(flag == 'allow_growth', config.gpu_options.allow_growth)
      self.assertEqual(
          flag == 'log_device_placement', config.log_device_placement
      )

  @flag_case.covers(cifar10_train, 'seed')
  @flag_case.covers(cifar10_multi_gpu_train, 'seed')
  def test_initial_weights_of_a_seed(self):
    weights = []
    for seed in ('--seed=1', '--seed=2', '--seed=1', '--max_steps=1'):
      self._run(
          '--dataset=' + self.own,
          '--batch_size=4',
          '--max_steps=1',
          '--fresh',
          seed,
      )
      path = os.path.join(self.train_dir, 'model.ckpt-0')
      reader = tf.train.load_checkpoint(path)
      weights.append(reader.get_tensor('local3/weights'))
    self.assertAllEqual(weights[0], weights[2])
    self.assertNotAllClose(weights[0], weights[1])
    self.assertNotAllClose(weights[0], weights[3])

  @flag_case.covers(cifar10_train, 'deterministic')
  @flag_case.covers(cifar10_multi_gpu_train, 'deterministic')
  def test_deterministic(self):
    small = ('--dataset=' + self.own, '--batch_size=4', '--deterministic')
    with self.assertRaisesRegex(errors.UsageError, 'add --seed=1'):
      self._run(*small, '--max_steps=3')
    weights = []
    for _ in range(2):
      self._run(*small, '--max_steps=3', '--seed=5', '--fresh')
      path = os.path.join(self.train_dir, 'model.ckpt-3')
      weights.append(tf.train.load_variable(path, 'local3/weights'))
    self.assertAllEqual(*weights)
    graph = flag_case.graph(self.train_dir, 3)
    [queue] = [n for n in graph.values() if n.op == 'RandomShuffleQueueV2']
    self.assertEqual(
        queue.attr['min_after_dequeue'].i + 1, queue.attr['capacity'].i
    )
    # Two runs do not reveal an order that threads hardly ever change: an
    # average reads its variable after the update, and the update comes after
    # the loss.
    updates = {
        name for name, n in graph.items() if n.op == 'ApplyGradientDescent'
    }
    averages = [
        name
        for name in graph
        if re.fullmatch(
            r'ExponentialMovingAverage/AssignMovingAvg(_\d+)?', name
        )
    ]
    self.assertLen(averages, 10)
    for name in averages:
      self.assertContainsSubset(updates, _ancestors(graph, name))
    # The sum of loss and weight decay, which no gradient needs.
    losses = {n for n in graph if re.fullmatch(r'(.*/)?total_loss(_1)?', n)}
    for name in updates:
      self.assertNotEmpty(losses & _ancestors(graph, name))

  @flag_case.covers(cifar10_train, 'fast', 'fast_network', 'fast_input')
  @flag_case.covers(cifar10_multi_gpu_train, 'fast', 'fast_network')
  @flag_case.covers(cifar10_multi_gpu_train, 'fast_input')
  def test_fast_and_its_parts(self):
    for args, network, chunks in (
        (('--fast',), True, True),
        (('--fast_input',), False, True),
        (('--fast_network',), True, False),
    ):
      self._run(
          '--dataset=' + self.own,
          '--batch_size=4',
          '--max_steps=1',
          '--fresh',
          *args,
      )
      types = {n.op for n in flag_case.graph(self.train_dir, 1).values()}
      self.assertEqual(not network, 'LRN' in types, args)
      self.assertEqual(chunks, 'ReaderReadUpToV2' in types, args)

  @flag_case.covers(cifar10_train, 'precision')
  @flag_case.covers(cifar10_multi_gpu_train, 'precision')
  def test_precision(self):
    small = ('--dataset=' + self.own, '--batch_size=4', '--max_steps=1')
    self._run(*small, '--fast', '--precision=bfloat16')
    types = {
        n.attr['T'].type
        for n in flag_case.graph(self.train_dir, 1).values()
        if n.op == 'Conv2D'
    }
    self.assertEqual({tf.bfloat16.as_datatype_enum}, types)
    with self.assertRaisesRegex(errors.UsageError, 'add --fast_network'):
      self._run(*small, '--precision=bfloat16')

  @flag_case.covers(cifar10_train, 'learning_rate')
  @flag_case.covers(cifar10_multi_gpu_train, 'learning_rate')
  def test_learning_rate(self):
    small = ('--dataset=' + self.own, '--batch_size=4')
    self._run(*small, '--max_steps=1')
    lines = self._run(*small, '--max_steps=2', '--learning_rate=0.025')
    self.assertIn('From step 1, the learning rate is 0.025 (was 0.1).', lines)
    self.assertEqual(
        np.float32(0.025),
        flag_case.constant(
            flag_case.graph(self.train_dir, 2)[
                'ExponentialDecay/initial_learning_rate'
            ]
        ),
    )

  @flag_case.covers(cifar10_train, 'stall_secs')
  @flag_case.covers(cifar10_multi_gpu_train, 'stall_secs')
  def test_training_that_stands_still(self):
    # A check every millisecond sees every step stall.
    small = ('--dataset=' + self.own, '--batch_size=16', '--max_steps=30')
    with mock.patch.object(watchdog, '_TICK_SECS', 0.001):
      with self.assertRaisesRegex(errors.StalledError, 'stalled for 0 s'):
        self._run(*small, '--stall_secs=0.001')
      self._run(*small, '--stall_secs=0')
    self.assertEqual(30, self.steps()[-1])

  @flag_case.covers(cifar10_train, 'data_url')
  @flag_case.covers(cifar10_multi_gpu_train, 'data_url')
  def test_mirrors_are_asked_first(self):
    urls = self.fetched_from(self.program, '--data_url=http://a/x,http://b')
    self.assertEqual(
        [
            'http://a/x/cifar-10-binary.tar.gz',
            'http://b/cifar-10-binary.tar.gz',
            datasets.CIFAR10.sources[0].url,
        ],
        urls,
    )


class MultiGpuTrainTest(TrainTest):
  """Flags that towers share with the trainer of one device, and their own."""

  program = cifar10_multi_gpu_train

  @flag_case.covers(
      cifar10_multi_gpu_train, 'num_gpus', 'tower_devices', 'shared_input'
  )
  @flag_case.covers(cifar10_multi_gpu_train, 'decay_by_examples', 'model')
  def test_a_run(self):
    self._run(
        '--dataset=' + self.own,
        '--batch_size=4',
        '--max_steps=1',
        '--num_gpus=2',
        '--tower_devices=cpu',
        '--shared_input',
        '--decay_by_examples',
        '--model=conv_local',
    )
    graph = flag_case.graph(self.train_dir, 1)
    self.assertEqual('/device:CPU:1', graph['tower_1/conv1/Conv2D'].device)
    self.assertNotIn('tower_2/conv1/Conv2D', graph)
    self.assertIn('prefetch_queue', graph)
    self.assertLen(
        [n for n in graph.values() if n.op == 'RandomShuffleQueueV2'], 1
    )
    # 350 epochs of 60 images in updates of 2 x 4.
    self.assertEqual(
        60 * 350 // 8, flag_case.constant(graph['ExponentialDecay/Cast/x'])
    )
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))


class CoverageTest(flag_case.FlagCase):

  def test_every_flag_of_every_program_has_a_test(self):
    self.assert_covered(cifar10_train, cifar10_multi_gpu_train)
