"""Runs trainer and evaluator side by side until the network knows the classes.

Takes some minutes, and so is in //tests:slow.
"""

import os
import re
import signal

from absl.testing import absltest

from tests.helpers import event_files
from tests.helpers import program


class EndToEndTest(absltest.TestCase):

  def test_synthetic_set_is_learned_through_a_kill(self):
    root = self.create_tempdir().full_path
    train_dir = os.path.join(root, 'train')
    eval_dir = os.path.join(root, 'eval')
    common = ['--dataset=synthetic', '--data_dir=' + root]
    train = ['cifar10_train', '--train_dir=' + train_dir] + common
    evaluator = None
    trainer = program.Program(*train)
    try:
      trainer.wait_for_line('step 30,')
      evaluator = program.Program(
          'cifar10_eval',
          '--checkpoint_dir=' + train_dir,
          '--eval_dir=' + eval_dir,
          '--eval_interval_secs=1',
          *common,
      )
      # The untrained network guesses: 0.1.
      evaluator.wait_for_line('precision @ 1 = 0.1')
      trainer.process.send_signal(signal.SIGTERM)
      _, out, _ = trainer.finish()
      steps = int(re.search(r'after (\d+) steps', out).group(1))

      # SIGKILL: the steps since the last save are lost.
      trainer = program.Program(*train)
      first = trainer.wait_for_line('step')
      self.assertGreaterEqual(
          int(re.search(r'step (\d+)', first).group(1)), steps
      )
      trainer.process.kill()
      trainer.finish()

      trainer = program.Program(*train, '--max_steps=700')
      code, out, err = trainer.finish()
      self.assertEqual((0, ''), (code, err))
      first = int(re.search(r'step (\d+)', out).group(1))
      self.assertBetween(first, steps, steps + 9)
      evaluator.wait_for_line(r'precision @ 1 = (0\.[5-9]|1)')
      evaluator.process.send_signal(signal.SIGTERM)
      code, _, err = evaluator.finish()
      self.assertEqual((128 + signal.SIGTERM, ''), (code, err))
    finally:
      for running in (trainer, evaluator):
        if running:
          running.process.kill()
          running.finish()
    precisions = dict(event_files.scalars(eval_dir, 'Precision @ 1'))
    self.assertGreater(precisions[700], 0.5)
    self.assertIn(steps, precisions)
