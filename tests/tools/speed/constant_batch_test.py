"""Counted steps, and the real child program."""

from unittest import mock

from absl.testing import absltest

from tests.helpers import versions
from tools.speed import children
from tools.speed import constant_batch


class ConstantBatchTest(absltest.TestCase):

  def test_steps_after_the_warm_up_are_timed(self):
    now = [100.0]

    def step():
      # The warm-up takes longer.
      calls.append(now[0])
      now[0] += 10.0 if len(calls) <= 2 else 0.5
      return 5.0 - len(calls)

    calls = []
    with mock.patch('time.monotonic', lambda: now[0]):
      values = constant_batch.measure(step, warm_up=2, steps=3)
    self.assertLen(calls, 5)
    self.assertEqual(
        {'seconds_per_step': 0.5, 'first_loss': 4.0, 'last_loss': 0.0}, values
    )

  def test_the_program(self):
    losses = set()
    for name in ('literal', 'fast') + ('keras',) * versions.has_keras_3():
      values = children.run(
          'tools.speed.constant_batch',
          [name, '--batch_size=8', '--warm_up=1', '--steps=2'],
          what=name,
      ).values
      self.assertGreater(values['seconds_per_step'], 0)
      self.assertLess(values['last_loss'], values['first_loss'])
      losses.add('%.4f' % values['first_loss'])
    self.assertLen(losses, 1)
