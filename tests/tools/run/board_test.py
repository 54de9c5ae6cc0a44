"""Tests what the tool adds to TensorBoard: help, paths and an install hint."""

import json
import os
import re
import signal
import subprocess
import sys
from unittest import mock
import urllib.request

from absl.testing import absltest
from tensorboard import main as tensorboard
import tensorflow.compat.v1 as tf

from tests.helpers import tool_program
from tools.base import processes
from tools.run import board


class BoardTest(absltest.TestCase):

  def test_help(self):
    code, out, _ = tool_program.run(board.main, '--help')
    self.assertEqual(0, code)
    self.assertIn('  tensorboard --logdir=/tmp/cifar10_train\n', out)

  def test_missing_package_is_one_line(self):
    with mock.patch.dict(sys.modules, {'tensorboard': None}):
      tool_program.assert_refused(
          self,
          board.main,
          ['--logdir=/tmp'],
          'tensorboard: error: TensorBoard is not installed: pip install '
          'cifar10_compat[tensorboard]\n',
      )

  def test_interrupt_at_the_start_is_no_traceback(self):
    with (
        mock.patch.object(
            tensorboard, 'run_main', side_effect=KeyboardInterrupt
        ),
        mock.patch.object(sys, 'argv', sys.argv),
    ):
      self.assertEqual(130, board.main(['--logdir=/tmp']))

  def test_named_runs_as_seen_from_the_users_directory(self):
    here = self.create_tempdir().full_path
    for run, tag in (('a', 'total_loss (raw)'), ('b', 'Precision @ 1')):
      event = tf.Event(
          step=7,
          summary=tf.Summary(
              value=[tf.Summary.Value(tag=tag, simple_value=0.5)]
          ),
      )
      os.mkdir(os.path.join(here, run))
      with tf.io.TFRecordWriter(
          os.path.join(here, run, 'events.out.tfevents.1')
      ) as writer:
        writer.write(event.SerializeToString())
    started = processes.start(
        'tools.run.board',
        ['--logdir_spec=first:a,second:b', '--port=0'],
        {'BUILD_WORKING_DIRECTORY': here},
        stderr=subprocess.PIPE,
    )
    for cleanup in (started.stderr.close, started.wait, started.kill):
      self.addCleanup(cleanup)
    # The last line that it prints before it serves.
    address = next(
        found
        for found in (
            re.search(r'http://localhost:\d+/', line) for line in started.stderr
        )
        if found
    )
    tags = {}
    while len(tags) < 2:  # It serves before it has read the runs.
      with urllib.request.urlopen(
          address[0] + 'data/plugin/scalars/tags'
      ) as response:
        tags = json.load(response)
    self.assertEqual(
        {'first/.': ['total_loss (raw)'], 'second/.': ['Precision @ 1']},
        {run: list(found) for run, found in tags.items()},
    )
    started.send_signal(signal.SIGINT)
    _, err = started.communicate()
    self.assertEqual((0, ''), (started.returncode, err))
