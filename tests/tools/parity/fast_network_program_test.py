"""The program, on a training run of one step."""

import json
import os

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_train
from cifar10_compat import published
from tests.helpers import main_program
from tests.helpers import tool_program
from tests.tools.parity import side_fixture
from tools.parity import fast_network


class FastNetworkProgramTest(tf.test.TestCase):

  def test_checkpoint_of_averages_alone(self):
    root = side_fixture.data_dir(self, 128)
    tool_program.assert_refused(
        self,
        fast_network.main,
        ['--data_dir=' + root, '--checkpoint_dir=' + published.DIRECTORY],
        'model.ckpt-100000 is missing conv1/biases and ',
        'specify a checkpoint of cifar10_train',
    )

  def test_a_run(self):
    root = side_fixture.data_dir(self, 128)
    train_dir = os.path.join(root, 'train')
    flags = ['--data_dir=' + root]
    main_program.run(
        cifar10_train,
        *flags,
        '--train_dir=' + train_dir,
        '--max_steps=1',
        '--queue_fraction=0.01',
    )
    path = os.path.join(root, 'result.json')
    flags += ['--checkpoint_dir=' + train_dir, '--json=' + path]
    code = fast_network.main(flags + ['--steps=1'])
    with open(path) as f:
      result = json.load(f)
    # The program's bound of 1e-5 is for trained networks.  Gradients of noise
    # at random weights may exceed it, but only a wrong op exceeds 1e-4.
    self.assertEqual(0 if fast_network.is_within_bounds(result) else 1, code)
    for row in result['parts']:
      self.assertLess(row['fast'], 1e-4, row)
    # After one step, all losses are still on the plateau and agree.
    self.assertEqual(
        {'one thread', 'without oneDNN', 'fast'}, set(result['losses'])
    )
    for curve in result['losses'].values():
      self.assertLess(curve['1'], 1e-6)
    self.assertEqual(
        {'steps': 1, 'checkpoint_step': 1}, result['manifest']['flags']
    )
