"""The image sets known by name."""

import errno
import os
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.data import description


class DatasetsTest(absltest.TestCase):

  def test_facts(self):
    facts = {
        name: (
            d.num_classes,
            d.record_bytes,
            d.flip,
            d.num_examples_per_epoch_for_train,
            d.num_examples_per_epoch_for_eval,
        )
        for name, d in datasets.DATASETS.items()
    }
    self.assertEqual(
        {
            'cifar10': (10, 3073, True, 50000, 10000),
            'cifar100': (100, 3074, True, 50000, 10000),
            'cifar100_coarse': (20, 3074, True, 50000, 10000),
            'svhn': (10, 3073, False, 73257, 26032),
            'synthetic': (10, 3073, True, 50000, 10000),
        },
        facts,
    )
    for dataset in datasets.DATASETS.values():
      description.check_class_names(dataset.class_names)
    for dataset in (datasets.CIFAR100, datasets.CIFAR100_COARSE):
      self.assertEqual(sorted(dataset.class_names), list(dataset.class_names))
    self.assertEqual(
        ['/d/cifar-10-batches-bin/data_batch_%d.bin' % i for i in range(1, 6)],
        datasets.CIFAR10.filenames('/d', False),
    )
    self.assertEqual(
        ['/d/cifar-10-batches-bin/test_batch.bin'],
        datasets.CIFAR10.filenames('/d', True),
    )
    self.assertEqual(170052171, datasets.CIFAR10.sources[0].size)

  def test_get(self):
    self.assertIs(datasets.CIFAR10, datasets.get('cifar10'))
    with self.assertRaisesRegex(
        errors.UsageError, "'x': choose .*synthetic, or a directory written"
    ):
      datasets.get('x')
    directory = self.create_tempdir().full_path
    error = PermissionError(errno.EACCES, 'Permission denied')
    with (
        mock.patch.object(os, 'lstat', side_effect=error),
        self.assertRaisesRegex(
            errors.UsageError, r'cannot search \S+ \(Permission denied\): ask'
        ),
    ):
      datasets.get(directory)
