"""LiteRT files, run by its interpreter in a process without anything else."""

import os
import subprocess
import sys

from absl.testing import absltest
import numpy as np

from cifar10_compat import config as config_lib
from cifar10_compat.formats import saved_model
from tests.helpers import random_network

_RUN = """
import sys
import numpy as np
import tensorflow as tf
runner = tf.lite.Interpreter(sys.argv[1]).get_signature_runner('run')
np.savez('outputs', **runner(crops=np.load(sys.argv[2])))
assert not [m for m in sys.modules if 'cifar10_compat' in m]
"""


class LitertTest(absltest.TestCase):

  def test_networks(self):
    for model in (config_lib.CIFAR10, config_lib.CONV_LOCAL):
      network = random_network.make(model)
      directory = self.create_tempdir(model).full_path
      path = os.path.join(directory, 'model.tflite')
      saved_model.write_litert(
          path,
          network.graph_def,
          {'run': random_network.signature(network.graph_def)},
      )
      crops = os.path.join(directory, 'crops.npy')
      np.save(crops, network.crops)
      process = subprocess.run(
          [sys.executable, '-c', _RUN, path, crops],
          env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
          cwd=directory,
          capture_output=True,
          text=True,
      )
      self.assertEqual(0, process.returncode, process.stderr)
      found = np.load(os.path.join(directory, 'outputs.npz'))
      self.assertEqual(['logits'], found.files)
      np.testing.assert_allclose(
          found['logits'],
          network.logits,
          rtol=1e-5,
          atol=1e-5 * abs(network.logits).max(),
      )

  def test_what_cannot_be_written(self):
    graph_def = random_network.make(config_lib.CIFAR10).graph_def
    with self.assertRaises(OSError):
      saved_model.write_litert(
          '/dev/null/model.tflite',
          graph_def,
          {'run': random_network.signature(graph_def)},
      )
