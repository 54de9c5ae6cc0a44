"""The graphs that the port's trainers build."""

import inspect
import types

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.parity import golden_ops
from tools.parity import goldens
from tools.parity import mapping
from tools.parity import trainers

_EDITION = 'tensorflow v0.7.0 and v0.7.1'


def _with_an_op_more(trainer):
  """Returns a trainer's module, made from its source plus one op.

  Args:
    trainer: module that makes exactly one tf.train.Saver.
  """
  start, code, end = inspect.getsource(trainer).partition('tf.train.Saver(')
  if not code or code in end:
    raise ValueError('%s does not make one Saver' % trainer.__name__)
  module = types.ModuleType(trainer.__name__)
  exec(
      start + "(tf.no_op(name='one_more'), tf.train.Saver)[1](" + end,
      module.__dict__,
  )
  return module


class TrainersTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = side_fixture.data_dir(self)

  def _train(self):
    return training_graph.ours(self.data_dir).graph_def

  @parameterized.parameters(*trainers.TRAINERS)
  def test_another_trainer_is_train_except_listed_differences(self, name):
    found = mapping.load(name).compare(
        self._train(), trainers.build(name, self.data_dir)
    )
    self.assertEqual((), found.unexplained)
    self.assertEqual((), found.stale)

  def test_variables_are_on_the_ps_and_the_network_on_the_worker(self):
    graph = trainers.build(trainers.SYNCHRONOUS, self.data_dir)
    devices = {'VariableV2': set(), 'Conv2D': set(), 'MatMul': set()}
    for node in graph.node:
      # Each worker counts the updates that its gradients are for.
      if node.name != 'sync_rep_local_step':
        devices.get(node.op, set()).add(node.device)
    self.assertEqual({'/job:worker/task:0'}, devices['Conv2D'])
    self.assertEqual({'/job:worker/task:0'}, devices['MatMul'])
    for device in devices['VariableV2']:
      self.assertStartsWith(device, '/job:ps/task:0')

  def test_the_golden_detects_an_extra_op_in_train(self):
    module = _with_an_op_more(cifar10_train)
    tampered = training_graph.capture(
        module.train, config_lib.Train(data_dir=self.data_dir)
    )
    found = mapping.of_edition(_EDITION).compare(
        golden_ops.graph_def(goldens.read(_EDITION)['ops'], self.data_dir),
        tampered.graph_def,
    )
    self.assertEqual(['one_more'], [d.op for d in found.unexplained])

  @parameterized.parameters(
      (trainers.MULTI_GPU, cifar10_multi_gpu_train),
      (trainers.SYNCHRONOUS, cifar10_distributed_train),
      (trainers.ASYNCHRONOUS, cifar10_distributed_train),
  )
  def test_an_extra_op_in_another_trainer_is_detected(self, name, module):
    original = module.train
    try:
      module.train = _with_an_op_more(module).train
      tampered = trainers.build(name, self.data_dir)
    finally:
      module.train = original
    found = mapping.load(name).compare(self._train(), tampered)
    self.assertEqual(['one_more'], [d.op for d in found.unexplained])
