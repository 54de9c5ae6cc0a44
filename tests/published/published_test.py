"""The trained network bundled with the package."""

import hashlib
import json
import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import published
from cifar10_compat.data import datasets
from tools.experiments import publish

# The programs' default directory for images.
_DATA_DIR = os.environ.get('CIFAR10_DATA_DIR', '/tmp/cifar10_data')


class PublishedTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.golden = json.loads(pathlib.Path(publish.GOLDEN).read_text())

  def test_logits(self):
    images = publish.golden_images()
    self.assertEqual((101, 32, 32, 3), images.shape)
    self.assertAllClose(
        self.golden['logits'], publish.logits(images), rtol=0, atol=1e-4
    )

  def test_it_knows_the_cat(self):
    cat = datasets.CIFAR10.class_names.index('cat')
    self.assertEqual(cat, np.argmax(self.golden['logits'][0]))

  def test_precision_on_the_real_images(self):
    files = datasets.CIFAR10.filenames(_DATA_DIR, True)
    digests = {}
    for path in files:
      if os.path.exists(path):
        digests[os.path.basename(path)] = hashlib.sha256(
            pathlib.Path(path).read_bytes()
        ).hexdigest()
    expected = {
        os.path.basename(p): self.golden['files'][os.path.basename(p)]
        for p in files
    }
    if digests != expected:
      self.skipTest(
          'the images that it was evaluated on are not in %s, nor does '
          'CIFAR10_DATA_DIR name them' % _DATA_DIR
      )
    found = publish.confusion(_DATA_DIR)
    # A few images may be on the border.
    self.assertLessEqual(np.abs(found - self.golden['confusion']).sum(), 4)

  def test_the_card_is_of_this_network(self):
    counts = np.array(self.golden['confusion'])
    self.assertEqual(10000, counts.sum())
    card = pathlib.Path(published.DIRECTORY, 'README.md').read_text()
    self.assertIn('trained for {:,} steps'.format(self.golden['step']), card)
    self.assertIn('| %.4f of the 10,000' % (np.trace(counts) / 10000), card)
    for i, name in enumerate(datasets.CIFAR10.class_names):
      self.assertIn('| %s | %.3f | ' % (name, counts[i, i] / 1000), card)
