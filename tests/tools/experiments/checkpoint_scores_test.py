"""Several checkpoints in one process, of networks whose answers are known."""

import contextlib
import io
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from tests.helpers import biased_network
from tests.helpers import record_fixture
from tools.experiments import checkpoint_scores


class CheckpointScoresTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    root = self.create_tempdir().full_path
    self.data_dir = os.path.join(root, 'data')
    # Of ten images three are ships, 8, and five are frogs, 6.
    record_fixture.write_batches(
        self.data_dir,
        np.zeros([10, 32, 32, 3], np.uint8),
        [8, 6, 6, 8, 0, 6, 6, 1, 8, 6],
    )
    self.paths = []
    for step, averaged, raw in ((1000, 8, 6), (2000, 6, 2)):
      biased_network.save(
          root,
          step,
          averaged=biased_network.sure_of(averaged),
          raw=biased_network.sure_of(raw),
      )
      self.paths.append(os.path.join(root, 'model.ckpt-%d' % step))

  def test_the_program(self):
    for flags, expected in (
        ([], [(1000, 0.3), (2000, 0.5)]),
        (['--noaveraged'], [(1000, 0.5), (2000, 0.0)]),
        (['--fast', '--views=10'], [(1000, 0.3), (2000, 0.5)]),
    ):
      out = io.StringIO()
      with contextlib.redirect_stdout(out):
        code = checkpoint_scores.main(
            ['--data_dir=' + self.data_dir] + flags + self.paths
        )
      self.assertEqual(0, code)
      found = [
          json.loads(line)
          for line in out.getvalue().splitlines()
          if line.startswith('{')
      ]
      self.assertEqual(
          expected, [(f['step'], f['precision']) for f in found], flags
      )

  def test_a_checkpoint_that_is_damaged(self):
    os.truncate(self.paths[1] + '.data-00000-of-00001', 100)
    found = []
    with contextlib.redirect_stdout(io.StringIO()):
      with self.assertRaisesRegex(errors.CheckpointError, 'model.ckpt-2000 is'):
        for score in checkpoint_scores.scores(
            self.paths, config_lib.Eval(data_dir=self.data_dir)
        ):
          found.append(score)
    self.assertEqual([(1000, 0.3)], found)
