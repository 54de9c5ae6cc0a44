"""Four scores of one checkpoint, and how far two of them may differ."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.tools.parity import side_fixture
from tools.base import processes
from tools.parity import evaluators


def _scores(original, port):
  return [
      evaluators.Score('original', original, True, True),
      evaluators.Score('port, historical count', port, True, False),
      evaluators.Score('port, exact count', 0.5, False, False),
      evaluators.Score('port, raw', 0.4, False, False),
  ]


class EvalTest(tf.test.TestCase):

  def test_deviation_is_that_of_10112_draws(self):
    original, port, exact, _ = _scores(0.5, 0.51)
    # The root of .5 * .5 / 10112.
    self.assertAlmostEqual(0.0049722, evaluators.deviation(original), 7)
    self.assertEqual(0, evaluators.deviation(exact))
    # .01 / (.0049722 ** 2 + .0049712 ** 2) ** .5
    self.assertAlmostEqual(1.4223, evaluators.apart(original, port), 3)

  def test_scores_that_are_certain(self):
    for precision in 0.0, 1.0:
      original, port, _, _ = _scores(precision, precision)
      self.assertEqual(0, evaluators.apart(original, port))
    self.assertGreater(evaluators.apart(*_scores(0.0, 1.0)[:2]), 3)

  def test_section(self):
    # 3 standard deviations are 0.0211.
    for port, unexplained in ((0.52, 0), (0.4795, 0), (0.522, 1), (0.478, 1)):
      section = evaluators.section(_scores(0.5, port), 'model.ckpt-7')
      self.assertEqual(unexplained, section['unexplained'], port)
      self.assertIn('model.ckpt-7', section['text'][0])
      self.assertLen(section['tables'][0]['rows'], 4)
      self.assertLen(section['plots'], 1)

  def test_precision(self):
    self.assertEqual(
        0.779,
        evaluators.precision(
            'x\n2026-11-24 09:02:01.431676: precision @ 1 = 0.779\n', 'original'
        ),
    )
    with self.assertRaisesRegex(
        errors.UsageError, 'original.*No checkpoint file found'
    ):
      evaluators.precision('No checkpoint file found\n', 'original')

  def test_programs(self):
    calls = []

    def run(module, args, what):
      calls.append((module, args, what))
      (eval_dir,) = [a for a in args if a.startswith('--eval_dir=')]
      # The old evaluator would delete an existing one.
      self.assertFalse(os.path.exists(eval_dir.partition('=')[2]))
      return 'precision @ 1 = 0.%d' % len(calls)

    original, port = side_fixture.both(self)
    port.data_dir = '/data'
    with mock.patch.object(processes, 'run', run):
      scores = evaluators.evaluate(original, port, '/train')
      original.runtime = '1.15.5'
      evaluators.evaluate(original, port, '/train')
    self.assertEqual([0.1, 0.2, 0.3, 0.4], [s.precision for s in scores])
    self.assertEqual(
        [True, True, False, False], [s.is_historical for s in scores]
    )
    self.assertEqual(
        [True, False, False, False], [s.is_original for s in scores]
    )
    # The second time, only the original runs on another TensorFlow.
    self.assertEqual(
        ['--runtime=1.15.5', '--source=/source', 'cifar10_eval'],
        calls[4][1][:3],
    )
    self.assertEqual([c[0] for c in calls[1:4]], [c[0] for c in calls[5:]])
    modules, args, whats = zip(*calls[:4])
    self.assertEqual(
        ('tools.editions.scripts',) + 3 * ('cifar10_compat.cifar10_eval',),
        modules,
    )
    self.assertEqual(['--source=/source', 'cifar10_eval'], args[0][:2])
    for one in args:
      self.assertContainsSubset(
          ['--data_dir=/data', '--checkpoint_dir=/train', '--run_once'], one
      )
    self.assertEqual(
        ['--count=historical', '--count=exact', '--averaged=false'],
        [a[-1] for a in args[1:]],
    )
    self.assertIn('/train', whats[0])
