"""Cells on real TensorFlows, if their environments exist."""

import os

from absl.testing import absltest
import numpy as np

from tests.helpers import record_fixture
from tests.tools.editions import old_runtimes
from tools.editions import cells
from tools.editions import old_scripts
from tools.editions import runtimes
from tools.editions import scripts

_LIMITS = {'steps': 20, 'batch_size': 8, 'seconds': 300}


class RealCellsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    # The edition bundled with 0.12.1.
    old = old_runtimes.environment(self, '0.12.1')
    self.source = os.path.join(old.site_packages, old.runtime.bundled)
    self.edition = scripts.find_edition(self.source)
    self.directory = self.create_tempdir().full_path
    random = np.random.RandomState(1)
    given = os.path.join(self.directory, 'given')
    record_fixture.write_batches(
        given,
        random.randint(0, 256, (200, 32, 32, 3), np.uint8),
        random.randint(0, 10, 200),
    )
    self.data_dir = os.path.join(self.directory, 'data')
    old_scripts.prepare(given, self.data_dir)

  def try_cell(self, environment):
    return cells.try_cell(
        self.source,
        self.edition,
        environment,
        data_dir=self.data_dir,
        scratch=self.directory,
        limits=_LIMITS,
    )

  def check_bridged(self, cell, count):
    self.assertTrue(cells.lacks_package(cell['unmodified']))
    self.assertEqual(cells.RAN, cell['bridged']['outcome'], cell)
    self.assertLen(cell['bridged']['bridges'], count)
    # ln 10 plus the loss of the weights.
    self.assertBetween(float(cell['bridged']['losses']['0']), 4.4, 5.0)

  def test_bundled_edition(self):
    cell = self.try_cell(old_runtimes.environment(self, '0.12.1'))
    self.assertEqual(cells.RAN, cell['unmodified']['outcome'], cell)
    self.assertIsNone(cell['placed'])
    self.assertIsNone(cell['bridged'])

  def test_the_installed_one(self):
    cell = self.try_cell(cells.installed())
    self.check_bridged(cell, 9)
    self.assertEqual('tf.app', cell['placed']['error']['name'])
    self.assertEqual(
        ['import tensorflow as tf', 'import tensorflow.compat.v1 as tf'],
        cell['bridged']['bridges'][0],
    )

  def test_others(self):
    for runtime in runtimes.RUNTIMES[1:]:
      with self.subTest(runtime.version):
        environment = old_runtimes.environment(self, runtime.version)
        since_2 = not runtime.version.startswith('1.')
        self.check_bridged(self.try_cell(environment), 8 + since_2)
