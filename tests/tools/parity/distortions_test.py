"""Differing samples are detected: small ones, and those of real queues."""

import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import small_training
from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.parity import coded_images
from tools.parity import distortions
from tools.parity import today_side


class TwoSampleTest(tf.test.TestCase):

  def test_chi_squared(self):
    original = np.array([0] * 10 + [1] * 30)
    port = np.array([0] * 30 + [1] * 10)
    test = distortions.two_sample('flipped', original, port)
    self.assertEqual(distortions.CHI_SQUARED, test.test)
    # 20 are expected in each of 4 cells: 4 * 10 ** 2 / 20 = 20, and with one
    # degree of freedom p is erfc(sqrt(20 / 2)).
    self.assertAllClose(7.744e-6, test.p, rtol=1e-3)
    self.assertEqual(
        [(0, 10, 30), (1, 30, 10)], distortions.counts(original, port)
    )
    self.assertEqual(1, distortions.two_sample('x', original, original).p)
    zeros = np.zeros(9, np.int32)
    self.assertEqual(1, distortions.two_sample('x', zeros, zeros).p)

  def test_kolmogorov_smirnov(self):
    # Of the 6 ways to order two and two, 2 are as extreme as this.
    test = distortions.two_sample('x', np.array([1.0, 2]), np.array([3.0, 4]))
    self.assertEqual(distortions.KOLMOGOROV_SMIRNOV, test.test)
    self.assertAllClose(1 / 3, test.p)

  def test_level_is_shared(self):
    def result(*ps):
      return distortions.Result(
          tuple(
              distortions.Test(
                  'x', distortions.CHI_SQUARED, np.arange(2), np.arange(2), p
              )
              for p in ps
          ),
          (0, 0),
      )

    # 0.001 for one test, 0.0005 for each of two.
    self.assertEqual(1, distortions.unexplained(result(0.0009)))
    self.assertEqual(0, distortions.unexplained(result(0.0009, 0.5)))
    self.assertEqual(2, distortions.unexplained(result(0.0004, 0.0004)))
    section = distortions.section(result(0.0004, 0.5))
    self.assertEqual(1, section['unexplained'])
    self.assertIn('p < 0.001 / 2 = 0.0005', section['text'][1])
    self.assertEqual(
        ['yes', 'no'], [row[-1] for row in section['tables'][0]['rows']]
    )
    self.assertEqual(
        2, distortions.unexplained(result(1)._replace(not_codes=(1, 5)))
    )

  def test_moments(self):
    images = np.zeros((2, 24, 24, 3), np.float32)
    images[1, :12, :, 0] = 2
    images[1, :, :, 2] = -3
    moments = distortions.moments(images, np.array([4, 5], np.int32))
    self.assertEqual(
        {
            'label': [4, 5],
            'minimum': [0, -3],
            'maximum': [0, 2],
            'mean of red': [0, 1],
            'standard deviation of red': [0, 1],
            'mean of green': [0, 0],
            'standard deviation of green': [0, 0],
            'mean of blue': [0, -3],
            'standard deviation of blue': [0, 0],
        },
        {name: values.tolist() for name, values in moments.items()},
    )


_COUNT = 1000


class SampleTest(tf.test.TestCase):
  """Two sides that draw given distortions."""

  def draw(self, seed, **values):
    """Draws as a side does that distorts like the tutorial.

    Args:
      seed: int.
      **values: arrays that replace random ones.
    """
    random = np.random.RandomState(seed)
    labels = random.randint(0, 10, _COUNT).astype(np.int32)
    distortion = {
        'y': random.randint(0, 9, _COUNT),
        'x': random.randint(0, 9, _COUNT),
        'flipped': random.randint(0, 2, _COUNT),
        'contrast': random.uniform(0.2, 1.8, _COUNT),
    }
    brightness = random.uniform(-63, 63, _COUNT)
    brightness = values.pop('brightness', brightness)
    distortion.update(values)
    images = coded_images.distort(
        coded_images.originals()[labels], **distortion
    ).astype(np.float32)
    return images, labels, brightness

  def sample(self, drawn):
    """Returns the sample of a side that draws the same from any directory."""
    read = []

    def draw(data_dir, count):
      self.assertEqual(_COUNT, count)
      read.append(data_dir)
      return drawn

    side = mock.Mock(data_dir='/data', draw=draw)
    found = distortions.sample(side, _COUNT)
    # First the coded files, since deleted, then the files of --data_dir.
    coded, real = read
    self.assertEqual('/data', real)
    self.assertFalse(os.path.exists(coded))
    return found

  def differing(self, **values):
    result = distortions.compare(
        *map(self.sample, (self.draw(2, **values), self.draw(1)))
    )
    self.assertEqual((0, 0), result.not_codes)
    return [t.quantity for t in result.tests if distortions.differs(t, result)]

  def test_changed_distributions_are_detected(self):
    random = np.random.RandomState(3)
    self.assertEmpty(self.differing())
    self.assertIn('flipped', self.differing(flipped=np.zeros(_COUNT, int)))
    self.assertEqual(
        ['crop, x'], self.differing(x=random.randint(0, 8, _COUNT))[:1]
    )
    self.assertIn(
        'contrast', self.differing(contrast=random.uniform(0.5, 1.5, _COUNT))
    )
    self.assertEqual(
        ['brightness'],
        self.differing(brightness=random.uniform(-50, 50, _COUNT)),
    )


class PipelineTest(tf.test.TestCase):
  """The real queues; assertions about random values fail once in 1e9 runs."""

  def setUp(self):
    super().setUp()
    self.coded = self.create_tempdir().full_path
    coded_images.write(self.coded)

  def test_port(self):
    data_dir = side_fixture.data_dir(self, 10)
    port = self.enter_context(today_side.Today.port(data_dir, directory=''))
    drawn = distortions.sample(port, 1000)
    self.assertEqual(0, drawn.not_codes)
    for name, (low, high) in {
        'crop, y': (0, 8),
        'crop, x': (0, 8),
        'flipped': (0, 1),
        'label': (0, 9),
        'contrast': (0.2, 1.8),
        'brightness': (-63, 63),
    }.items():
      values = drawn.values[name]
      # Eight whole batches; brightness needs none.
      self.assertLen(values, 1000 if name == 'brightness' else 1024)
      self.assertBetween(values.min(), low, low + 0.1 * (high - low), name)
      self.assertBetween(
          values.max(), high - 0.1 * (high - low), high + 1e-4, name
      )

  def test_bias_is_found(self):
    fair = distortions.draw(training_graph.ours(self.coded), 1000)
    with mock.patch.object(tf.image, 'random_flip_left_right', lambda x: x):
      biased = distortions.draw(training_graph.ours(self.coded), 1000)
    result = distortions.compare(
        *(coded_images.read(*drawn) for drawn in (fair, biased))
    )
    self.assertEqual((0, 0), result.not_codes)
    self.assertIn(
        'flipped',
        [
            test.quantity
            for test in result.tests
            if distortions.differs(test, result)
        ],
    )

  def test_distortions_left_out(self):
    with self.assertRaisesRegex(errors.UsageError, 'change brightness once'):
      distortions.brightness(small_training.meta_graph(), 1)
    with mock.patch.object(tf.image, 'random_brightness', lambda x, **_: x):
      graph = training_graph.ours(self.coded)
    with self.assertRaisesRegex(errors.UsageError, 'change brightness once'):
      distortions.brightness(graph, 1)
