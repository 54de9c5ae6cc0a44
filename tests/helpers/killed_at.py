"""Runs cifar10_distributed_train, killed by -9 at a given point in a step.

  python -m tests.helpers.killed_at POINT RUN FLAGS

POINT is one of

  token    it has its token, but has pushed no gradient for it
  push     it has pushed half of a step's gradients
  take     the chief has taken a gradient for an update, but not applied it
  update   the chief has applied an update, but put no token for it

RUN is how often to pass the point before: 0 for the first time.
"""

# Import first: TensorFlow reads its log levels while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import itertools
import os
import signal
import sys
from unittest import mock

from absl import flags
import tensorflow.compat.v1 as tf
from tensorflow.python.ops import data_flow_ops

from cifar10_compat import cifar10_distributed_train


def _deadly(run):
  """Returns a function that passes a tensor on, and dies at its RUNth value."""
  passed = itertools.count()

  def die_or_pass(value):
    if next(passed) == run:
      os.kill(os.getpid(), signal.SIGKILL)
    return value

  def gate(tensor):
    FLAGS = flags.FLAGS
    # In this process, though the ops around it are on the ps.
    with tf.device('/job:worker/task:%d/cpu:0' % FLAGS.task_index):
      passed_on = tf.py_func(die_or_pass, [tensor], tensor.dtype)
    passed_on.set_shape(tensor.shape)
    return passed_on

  return gate


def _patches(point, run):
  """Returns the context in which to build the graph for a death."""
  gate = _deadly(run)
  accumulator = data_flow_ops.ConditionalAccumulator
  apply_grad, take_grad = accumulator.apply_grad, accumulator.take_grad
  enqueue_many = data_flow_ops.QueueBase.enqueue_many
  pushed = []

  def apply_gated(self, grad, local_step=0, name=None):
    with tf.control_dependencies(pushed):
      if len(pushed) == {'token': 0, 'push': 5}[point]:
        grad = gate(grad)
      pushed.append(apply_grad(self, grad, local_step, name))
    return pushed[-1]

  taken = []

  def take_gated(self, num_required, name=None):
    taken.append(take_grad(self, num_required, name))
    if len(taken) == 6:
      taken[-1] = gate(taken[-1])
    return taken[-1]

  def enqueue_gated(self, values, name=None):
    if self.name.endswith('sync_token_q'):
      values = [gate(values[0])]
    return enqueue_many(self, values, name)

  return mock.patch.object(
      *{
          'token': (accumulator, 'apply_grad', apply_gated),
          'push': (accumulator, 'apply_grad', apply_gated),
          'take': (accumulator, 'take_grad', take_gated),
          'update': (data_flow_ops.QueueBase, 'enqueue_many', enqueue_gated),
      }[point]
  )


if __name__ == '__main__':
  _, point_name, reached, *rest = sys.argv
  sys.argv[1:] = rest
  with _patches(point_name, int(reached)):
    cifar10_distributed_train.console_main()
