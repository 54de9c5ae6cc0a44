"""What is counted of a network's answers, by hand."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import config as tf_config

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from tests.helpers import record_fixture
from tools.run import predictions

# Of three classes: right, right, wrong and sure, wrong and unsure.
_SHARES = np.array(
    [[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.95, 0.05, 0.0], [0.3, 0.36, 0.34]]
)
_LABELS = np.array([0, 1, 2, 0])


class PredictionsTest(tf.test.TestCase):

  def test_confusion(self):
    self.assertAllEqual(
        [[1, 1, 0], [0, 1, 0], [1, 0, 0]],
        predictions.confusion(_SHARES, _LABELS),
    )

  def test_surest_mistakes(self):
    self.assertEqual(
        [
            predictions.Mistake(2, 2, 0, 0.95),
            predictions.Mistake(3, 0, 1, 0.36),
        ],
        predictions.surest_mistakes(_SHARES, _LABELS, 5),
    )
    self.assertLen(predictions.surest_mistakes(_SHARES, _LABELS, 1), 1)
    self.assertEqual(
        [], predictions.surest_mistakes(_SHARES[:2], _LABELS[:2], 5)
    )

  def test_reliability(self):
    # 0.36 is below a half; the others are above it, and two of three right.
    bins, error = predictions.reliability(_SHARES, _LABELS, bins=2)
    self.assertEqual([1, 3], [b.count for b in bins])
    self.assertAllClose([0.36, 0.85], [b.probability for b in bins])
    self.assertAllClose([0, 2 / 3], [b.precision for b in bins])
    self.assertNear((0.36 + 3 * (0.85 - 2 / 3)) / 4, error, 1e-9)
    # A probability of 1 is in the last range.
    bins, error = predictions.reliability(np.array([[1.0, 0.0]]), np.array([0]))
    self.assertEqual(((1, 1.0, 1.0),), bins)
    self.assertEqual(0, error)

  def test_probabilities(self):
    self.assertAllClose(
        [[0.25, 0.75]],
        predictions.probabilities(np.array([[1000, 1000 + np.log(3)]])),
    )

  def test_test_images(self):
    root = self.create_tempdir().full_path
    images, labels = record_fixture.random_images(20)
    dataset = record_fixture.write_set(root, images, labels)
    found, of_images = predictions.test_images(dataset, '/anywhere')
    self.assertAllEqual(images, found)
    self.assertAllEqual(labels, of_images)

  def test_logits_are_the_network_s(self):
    root = self.create_tempdir().full_path
    images, labels = record_fixture.random_images(20)
    dataset = record_fixture.write_set(root, images, labels)
    with tf.Graph().as_default(), tf.Session() as sess:
      batch = tf.placeholder(tf.float32, [None, 24, 24, 3])
      out = cifar10.inference(batch)
      sess.run(tf.global_variables_initializer())
      tf.train.Saver().save(sess, os.path.join(root, 'model.ckpt'), 1)
      crops = images[:, 4:28, 4:28].astype(np.float64)
      crops -= crops.mean((1, 2, 3), keepdims=True)
      crops /= crops.std((1, 2, 3), keepdims=True)
      want = sess.run(out, {batch: crops})
    # As with TF_DETERMINISTIC_OPS.
    tf_config.enable_op_determinism()
    self.addCleanup(tf_config.disable_op_determinism)
    self.assertAllClose(
        want,
        predictions.logits(
            images,
            config_lib.Checkpoint(
                checkpoint_dir=root, dataset=dataset, averaged=False
            ),
        ),
        rtol=0,
        atol=1e-5,
    )
