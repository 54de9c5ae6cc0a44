"""The input of an old TensorFlow: the question, and what the tests find."""

import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tools.base import training_graph
from tools.editions import calls
from tools.editions import environments
from tools.parity import coded_images
from tools.parity import distortions
from tools.parity import old_input
from tools.parity import plots

_COUNT = 1000
_ENVIRONMENT = environments.Environment(fake_runtime.RUNTIME, '/environment')


def _drawn(seed, **values):
  """Returns what a pipeline draws from coded images, as the tutorial does."""
  random = np.random.RandomState(seed)
  labels = random.randint(0, 10, _COUNT).astype(np.int32)
  distortion = {
      'y': random.randint(0, 9, _COUNT),
      'x': random.randint(0, 9, _COUNT),
      'flipped': random.randint(0, 2, _COUNT),
      'contrast': random.uniform(0.2, 1.8, _COUNT),
  }
  distortion.update((k, v) for k, v in values.items() if k in distortion)
  images = coded_images.distort(coded_images.originals()[labels], **distortion)
  return {
      'images': images.astype(np.float32),
      'labels': labels,
      'brightness': values.get('brightness', random.uniform(-63, 63, _COUNT)),
  }


def _sampled(drawn):
  batch = drawn['images'], drawn['labels']
  return distortions.sampled(batch, drawn['brightness'], batch)


class OldInputTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(2)
    )
    self.asked = []

  def section(self, drawn):
    """Returns the section where an old interpreter draws this."""

    def call(environment, name, arguments, *, scratch, what):
      self.assertEqual(
          ('/environment', 'distorted'), (environment.directory, name)
      )
      self.assertIn('--runtime=0.12.1: the input of a test', what)
      self.assertEqual(scratch, arguments['out'])
      path = os.path.join(
          arguments['data_dir'], 'cifar-10-batches-bin', 'data_batch_1.bin'
      )
      self.asked.append((arguments, os.path.getsize(path)))
      np.savez(os.path.join(scratch, 'drawn.npz'), **drawn)

    def sample(meta_graph, coded_meta_graph, count):
      self.assertEqual(
          ('ours', 'coded', _COUNT), (meta_graph, coded_meta_graph, count)
      )
      return _sampled(_drawn(1))

    with (
        mock.patch.object(calls, 'call', call),
        mock.patch.object(distortions, 'sample', sample),
        mock.patch.object(training_graph, 'ours', return_value='coded'),
        # They take long, and are tested by themselves.
        mock.patch.object(plots, 'bars', return_value=''),
        mock.patch.object(plots, 'histogram', return_value=''),
    ):
      return old_input.section(
          'some/source',
          _ENVIRONMENT,
          historical_fixture.OLD,
          self.data_dir,
          count=_COUNT,
          our_meta_graph='ours',
      )

  def test_the_same_input(self):
    section = self.section(_drawn(2))
    self.assertEqual('Input of TensorFlow 0.12.1', section['title'])
    self.assertEqual(0, section['unexplained'], section['tables'][0])
    # First the coded files, then those of --data_dir: two records in each.
    (coded, coded_size), (real, real_size) = self.asked
    self.assertEqual((1000 * 3073, 2 * 3073), (coded_size, real_size))
    for arguments in (coded, real):
      self.assertEqual(os.path.abspath('some/source'), arguments['source'])
      self.assertEqual(historical_fixture.OLD.package, arguments['package'])
      self.assertEqual(_COUNT, arguments['count'])

  def differs(self, **values):
    rows = self.section(_drawn(2, **values))['tables'][0]['rows']
    return [row[0] for row in rows if row[-1] == 'yes']

  def test_what_is_found(self):
    random = np.random.RandomState(3)
    self.assertIn('flipped', self.differs(flipped=np.zeros(_COUNT, int)))
    self.assertEqual(
        ['crop, x'], self.differs(x=random.randint(0, 8, _COUNT))[:1]
    )
    self.assertIn(
        'contrast', self.differs(contrast=random.uniform(0.5, 1.5, _COUNT))
    )
    self.assertEqual(
        ['brightness'],
        self.differs(brightness=random.uniform(-50, 50, _COUNT)),
    )
