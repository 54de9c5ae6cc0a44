"""launch with the real programs: a cluster with its evaluator, and Ctrl-C."""

import os
import re
import signal

from absl.testing import absltest

from tests.helpers import program
from tests.helpers import record_fixture


class LaunchProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(200)
    )

  def launch(self, *flags):
    return program.Program(
        'launch',
        '--data_dir=' + self.data_dir,
        '--train_dir=' + self.train_dir,
        '--batch_size=8',
        '--eval',
        '--eval_dir=' + os.path.join(self.train_dir, 'eval'),
        *flags,
        package='tools.run',
    )

  def test_a_cluster_trains_and_is_evaluated(self):
    code, out, err = self.launch(
        '--ps=1', '--workers=2', '--max_steps=11'
    ).finish()
    self.assertEqual(0, code, err)
    for name in ('ps 0  ', 'worker 0', 'worker 1', 'eval  '):
      self.assertRegex(out, r'(?m)^%s +\| ' % name)
    # The very last line is the last checkpoint's.
    self.assertRegex(out.splitlines()[-1], r'^eval \| .*: precision @ 1 = \d')
    self.assertTrue(
        os.path.exists(os.path.join(self.train_dir, 'model.ckpt-11.index'))
    )

  def test_ctrl_c_saves_and_ends_all(self):
    started = self.launch('--towers=2', '--tower_devices=cpu')
    line = started.wait_for_line(r'^train +\| .*: step [1-9]\d*,')
    started.process.send_signal(signal.SIGINT)
    code, out, _ = started.finish()
    self.assertEqual(128 + signal.SIGINT, code)
    stopped = re.search(
        r'Stopped by SIGTERM after (\d+) steps, which are saved', out
    )
    self.assertIsNotNone(stopped, out)
    self.assertGreater(
        int(stopped.group(1)), int(re.search(r'step (\d+)', line).group(1))
    )
    self.assertTrue(
        os.path.exists(
            os.path.join(
                self.train_dir, 'model.ckpt-%s.index' % stopped.group(1)
            )
        )
    )
