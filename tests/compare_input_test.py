"""Distortions that are known, read off; samples that differ, found out."""

from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import datasets
from cifar10_compat import errors
from tests import record_fixture
from tests import small_training
from tools import compare_input
from tools import training_graph


def _distorted(image, y, x, flipped, contrast, brightness=0):
  """Distorts a [32, 32, 3] image step by step, as the tutorial does."""
  crop = image[y:y + 24, x:x + 24].astype(np.float64)
  if flipped:
    crop = np.fliplr(crop)
  crop = crop + brightness
  for channel in range(3):
    mean = crop[..., channel].mean()
    crop[..., channel] = (crop[..., channel] - mean) * contrast + mean
  return ((crop - crop.mean()) / crop.std()).astype(np.float32)


class CodesTest(tf.test.TestCase):

  def test_every_crop_is_told(self):
    images = compare_input.coded_images()
    known = [(y, x, flipped) for y in range(9) for x in range(9)
             for flipped in (0, 1)]
    labels = np.arange(len(known)) % 10
    contrasts = np.linspace(.2, 1.8, len(known))
    drawn = compare_input.read_codes(
        np.array([_distorted(images[label], *where, contrast, 60 - label)
                  for label, where, contrast in zip(labels, known, contrasts)]),
        labels)
    self.assertEqual(0, drawn.not_codes)
    self.assertEqual(known, list(zip(drawn.values['crop, y'],
                                     drawn.values['crop, x'],
                                     drawn.values['flipped'])))
    self.assertAllClose(contrasts, drawn.values['contrast'], atol=1e-4)

  def test_what_is_no_distorted_code(self):
    images = compare_input.coded_images()
    good = _distorted(images[3], 2, 5, 1, .5)
    upside_down = good[::-1]
    spoilt = good.copy()
    spoilt[7, 7, 2] += .01
    batch = np.array([good, good, upside_down, spoilt])
    # The second one has the label of another image.
    drawn = compare_input.read_codes(batch, np.array([3, 4, 3, 3]))
    self.assertEqual(3, drawn.not_codes)

  def test_files(self):
    data_dir = self.create_tempdir().full_path
    compare_input.write_codes(data_dir)
    for eval_data, records in ((False, 5000), (True, 1000)):
      self.assertEqual(records, datasets.check(datasets.CIFAR10, data_dir,
                                               eval_data))
    path = datasets.filenames(datasets.CIFAR10, data_dir, False)[4]
    with open(path, 'rb') as f:
      f.seek(7 * 3073)
      record = np.frombuffer(f.read(3073), np.uint8)
    self.assertEqual(7, record[0])
    self.assertAllEqual(compare_input.coded_images()[7].transpose(2, 0, 1),
                        record[1:].reshape(3, 32, 32))


class TwoSampleTest(tf.test.TestCase):

  def test_chi_squared(self):
    theirs = np.array([0] * 10 + [1] * 30)
    ours = np.array([0] * 30 + [1] * 10)
    test = compare_input.two_sample('flipped', theirs, ours)
    self.assertEqual(compare_input.CHI_SQUARED, test.test)
    # 20 are expected in each of 4 cells: 4 * 10 ** 2 / 20 = 20, and with one
    # degree of freedom p is erfc(sqrt(20 / 2)).
    self.assertAllClose(7.744e-6, test.p, rtol=1e-3)
    self.assertEqual([(0, 10, 30), (1, 30, 10)],
                     compare_input.counts(theirs, ours))
    self.assertEqual(1, compare_input.two_sample('x', theirs, theirs).p)
    zeros = np.zeros(9, np.int32)
    self.assertEqual(1, compare_input.two_sample('x', zeros, zeros).p)

  def test_kolmogorov_smirnov(self):
    # Of the 6 ways to order two and two, 2 are as extreme as this.
    test = compare_input.two_sample('x', np.array([1., 2]), np.array([3., 4]))
    self.assertEqual(compare_input.KOLMOGOROV_SMIRNOV, test.test)
    self.assertAllClose(1 / 3, test.p)

  def test_level_is_shared(self):
    def result(*ps):
      return compare_input.Result(tuple(
          compare_input.Test('x', compare_input.CHI_SQUARED, np.arange(2),
                             np.arange(2), p) for p in ps), (0, 0))
    # 0.001 for one test, 0.0005 for each of two.
    self.assertEqual(1, compare_input.unexplained(result(.0009)))
    self.assertEqual(0, compare_input.unexplained(result(.0009, .5)))
    self.assertEqual(2, compare_input.unexplained(result(.0004, .0004)))
    section = compare_input.section(result(.0004, .5))
    self.assertEqual(1, section['unexplained'])
    self.assertIn('p < 0.001 / 2 = 0.0005', section['text'][1])
    self.assertEqual(['yes', 'no'],
                     [row[-1] for row in section['tables'][0]['rows']])
    self.assertEqual(2, compare_input.unexplained(
        result(1)._replace(not_codes=(1, 5))))

  def test_moments(self):
    images = np.zeros((2, 24, 24, 3), np.float32)
    images[1, :12, :, 0] = 2
    images[1, :, :, 2] = -3
    moments = compare_input.moments(images, np.array([4, 5], np.int32))
    self.assertEqual({
        'label': [4, 5], 'least value': [0, -3], 'largest value': [0, 2],
        'mean of red': [0, 1], 'deviation of red': [0, 1],
        'mean of green': [0, 0], 'deviation of green': [0, 0],
        'mean of blue': [0, -3], 'deviation of blue': [0, 0],
    }, {name: values.tolist() for name, values in moments.items()})


class PipelineTest(tf.test.TestCase):
  """The real queues; what is asserted of chance holds but for one in 1e9."""

  def setUp(self):
    super().setUp()
    self.coded = self.create_tempdir().full_path
    compare_input.write_codes(self.coded)

  def test_ours(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(10))
    drawn = compare_input.sample(training_graph.ours(data_dir),
                                 training_graph.ours(self.coded), 1000)
    self.assertEqual(0, drawn.not_codes)
    for name, (low, high) in {'crop, y': (0, 8), 'crop, x': (0, 8),
                              'flipped': (0, 1), 'label': (0, 9),
                              'contrast': (.2, 1.8),
                              'brightness': (-63, 63)}.items():
      values = drawn.values[name]
      # Eight whole batches; brightness needs none.
      self.assertLen(values, 1000 if name == 'brightness' else 1024)
      self.assertBetween(values.min(), low, low + .1 * (high - low), name)
      self.assertBetween(values.max(), high - .1 * (high - low), high + 1e-4,
                         name)

  def test_bias_is_found(self):
    fair = compare_input.draw(training_graph.ours(self.coded), 1000)
    with mock.patch.object(tf.image, 'random_flip_left_right', lambda x: x):
      biased = compare_input.draw(training_graph.ours(self.coded), 1000)
    result = compare_input.compare(*(compare_input.read_codes(*drawn)
                                     for drawn in (fair, biased)))
    self.assertEqual((0, 0), result.not_codes)
    self.assertIn('flipped', [test.quantity for test in result.tests
                              if compare_input.differs(test, result)])

  def test_distortions_left_out(self):
    with self.assertRaisesRegex(errors.UsageError, 'brightness and contrast'):
      compare_input.brightness(small_training.meta_graph(), 1)
    with mock.patch.object(tf.image, 'random_brightness', lambda x, **_: x):
      graph = training_graph.ours(self.coded)
    with self.assertRaisesRegex(errors.UsageError, 'brightness and contrast'):
      compare_input.brightness(graph, 1)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
