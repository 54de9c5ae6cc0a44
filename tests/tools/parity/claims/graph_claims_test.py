"""Claims about the port's training graph, after known changes."""

import functools
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from tests.helpers import record_fixture
from tools.base import training_graph
from tools.parity.claims import graph_claims
from tools.parity.claims import layers


def _unexplained(found):
  return {claim.what for claim in found if claim.unexplained}


class GraphClaimsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(2)
    )

  def claims(self, inference=cifar10.inference):
    """Returns the Claims about the port's graph for the layers of a network."""
    with tf.Graph().as_default():
      counted = layers.count(inference(tf.zeros([1, 24, 24, 3])))
    with training_graph.Training(
        training_graph.ours(self.data_dir)
    ) as training:
      return graph_claims.claims(training, counted)

  def test_unchanged(self):
    found = self.claims()
    self.assertEmpty(_unexplained(found))
    self.assertEqual(
        {
            'multiply-adds of one image',
            'ops of the training graph (approximate)',
        },
        {claim.what for claim in found if not claim.same},
    )

  def test_a_changed_constant(self):
    with (
        mock.patch.object(cifar10, 'MOVING_AVERAGE_DECAY', 0.999),
        mock.patch.object(cifar10_input, 'NUM_PREPROCESS_THREADS', 8),
        mock.patch.object(
            config_lib,
            'Train',
            functools.partial(config_lib.Train, learning_rate=0.2),
        ),
        mock.patch.object(cifar10, 'NUM_EPOCHS_PER_DECAY', 300.0),
    ):
      found = self.claims()
    self.assertEqual(
        {
            'decay of the averaged weights',
            'threads that fill the queue',
            'initial learning rate',
            'learning rate factor after 350 epochs (at steps 136,717 and 136,718)',
        },
        _unexplained(found),
    )
    self.assertEqual(
        ['8'],
        [c.found for c in found if c.what == 'threads that fill the queue'],
    )

  def test_a_reason_holds_for_its_value_only(self):
    inference = cifar10.inference

    def padded(images, *args):
      return inference(tf.pad(images, [[0, 0], [0, 2], [0, 2], [0, 0]]), *args)

    found = self.claims(padded)
    self.assertContainsSubset(
        {'multiply-adds of one image', 'parameters'}, _unexplained(found)
    )

  def test_first_loss(self):
    self.assertAlmostEqual(
        4.676,
        graph_claims.first_loss(
            weights=884736 + 73728, stddev=0.04, decay=0.004
        ),
        places=3,
    )
    self.assertAlmostEqual(
        0.6931,
        graph_claims.first_loss(weights=10, stddev=0.0, decay=1.0, classes=2),
        places=4,
    )
