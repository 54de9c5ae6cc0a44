"""Keras files, loaded by a process that has only Keras."""

import json
import os
import subprocess
import sys
import unittest
import zipfile

from absl.testing import absltest
import numpy as np
import tensorflow as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.formats import keras_file
from tests.helpers import random_network
from tests.helpers import versions

_LOAD = """
import sys
import keras
import numpy as np
model = keras.models.load_model(sys.argv[1])
images = np.load(sys.argv[2])
for name, outputs in (
    ('called', model(images)), ('predicted', model.predict(images, verbose=0))):
  np.savez(name, **{k: np.asarray(v) for k, v in outputs.items()})
print(sorted({type(layer).__module__.split('.')[0] for layer in model.layers}))
assert not [m for m in sys.modules if 'cifar10_compat' in m]
"""


class KerasFileTest(absltest.TestCase):

  @unittest.skipUnless(versions.has_keras_3(), 'TensorFlow has Keras 2')
  def test_networks(self):
    import keras

    # Defaults as from a user's keras.json.
    for name, value in (
        ('floatx', 'float16'),
        ('image_data_format', 'channels_first'),
        ('dtype_policy', 'float16'),
    ):
      set_value = getattr(keras.config, 'set_' + name)
      self.addCleanup(set_value, getattr(keras.config, name)())
      set_value(value)
    for model in (config_lib.CIFAR10, config_lib.CONV_LOCAL):
      network = random_network.make(model)
      want = network.logits
      directory = self.create_tempdir(model).full_path
      path = os.path.join(directory, 'model.keras')
      names = ['κατ', *'abcdefghi']
      keras_file.write(
          path,
          network.weights,
          image_size=32,
          crop_size=24,
          class_names=names,
      )
      with zipfile.ZipFile(path) as archive:
        self.assertEqual(names, json.loads(archive.read('class_names.json')))
      images = os.path.join(directory, 'images.npy')
      np.save(images, network.images)
      process = subprocess.run(
          [sys.executable, '-c', _LOAD, path, images],
          env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
          cwd=directory,
          capture_output=True,
          text=True,
      )
      self.assertEqual(0, process.returncode, process.stderr)
      self.assertEqual("['keras']\n", process.stdout)
      exponentials = np.exp(want - want.max(1, keepdims=True))
      for name in ('called', 'predicted'):
        found = np.load(os.path.join(directory, name + '.npz'))
        np.testing.assert_allclose(
            found['logits'], want, rtol=1e-5, atol=1e-5 * abs(want).max()
        )
        np.testing.assert_allclose(
            found['probabilities'],
            exponentials / exponentials.sum(1, keepdims=True),
            rtol=0,
            atol=1e-5,
        )

  @unittest.skipUnless(versions.has_keras_3(), 'TensorFlow has Keras 2')
  def test_needs_eager_execution(self):
    with (
        tf.Graph().as_default(),
        self.assertRaisesRegex(errors.UsageError, 'eager execution'),
    ):
      keras_file.write(
          'model.keras', {}, image_size=32, crop_size=24, class_names=()
      )

  @unittest.skipIf(versions.has_keras_3(), 'TensorFlow has Keras 3')
  def test_older_keras(self):
    with self.assertRaisesRegex(errors.UsageError, 'needs Keras 3'):
      keras_file.write(
          'model.keras', {}, image_size=32, crop_size=24, class_names=()
      )
