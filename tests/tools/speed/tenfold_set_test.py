"""A set with ten times the records of a small one."""

import pathlib

from absl.testing import absltest

from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tools.speed import tenfold_set


class TenfoldSetTest(absltest.TestCase):

  def test_records_and_their_number(self):
    data_dir = self.create_tempdir().full_path
    path = record_fixture.write_batches(
        data_dir, *record_fixture.random_images(3)
    )
    directory = self.create_tempdir().full_path
    tenfold_set.write(directory, datasets.CIFAR10, data_dir)
    found = datasets.get(directory)
    self.assertEqual('cifar10_x10', found.name)
    self.assertEqual(10 * 5 * 3, found.num_examples_per_epoch_for_train)
    self.assertEqual(3, found.num_examples_per_epoch_for_eval)
    self.assertEqual(10 * 5 * 3, checks.check(found, '', False))
    self.assertEqual(3, checks.check(found, '', True))
    fourth = pathlib.Path(path, 'data_batch_4.bin').read_bytes()
    copies = [f for f in found.filenames('', False) if 'data_batch_4' in f]
    self.assertLen(copies, 10)
    for copy in copies:
      self.assertEqual(fourth, pathlib.Path(copy).read_bytes())
