"""Compares the settings of tasks in a real parameter server."""

import os
from unittest import mock

from absl.testing import absltest
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.distributed import agreement
from cifar10_compat.distributed import cluster as cluster_lib
from tools.base import processes


class AgreementTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    ps, *workers = processes.free_addresses(3)
    self.chief = cluster_lib.from_flags(
        'worker', 0, ps_hosts=[ps], worker_hosts=workers
    )
    self.worker = self.chief._replace(index=1)
    self.ps = self.chief._replace(job='ps')
    self._servers = [
        cluster_lib.start_server(task) for task in (self.ps, self.worker)
    ]

  def _settle(self, task, *, chief=False, **flags):
    told = agreement.settings(config_lib.DistributedTrain(**flags), task)
    return agreement.settle(
        self._servers[1].target,
        # A limit, so that the test fails if no settings come.
        tf.ConfigProto(
            device_filters=['/job:ps'], operation_timeout_in_ms=60000
        ),
        told,
        chief=chief,
    )

  def test_what_differs_is_named(self):
    self.assertFalse(self._settle(self.worker))
    self.assertTrue(self._settle(self.chief, chief=True, batch_size=32))
    self.assertTrue(self._settle(self.worker, batch_size=32))
    self.assertTrue(self._settle(self.ps))
    for flag, value, theirs, shown in (
        ('batch_size', 64, '32', '64'),
        ('learning_rate', 0.5, '0.1', '0.5'),
        ('sync', False, 'True', 'False'),
        ('replicas_to_aggregate', 1, 'None', '1'),
        ('decay_by_examples', True, 'False', 'True'),
        ('max_steps', 5, '1000000', '5'),
        ('model', config_lib.CONV_LOCAL, 'cifar10', 'conv_local'),
        ('dataset', datasets.SVHN, 'cifar10', 'svhn'),
    ):
      with self.assertRaisesRegex(
          errors.UsageError,
          f"^--{flag} is {shown}, but {theirs} in the run .* the chief's flags$",
      ):
        self._settle(self.worker, **{'batch_size': 32, flag: value})
    names = datasets.CIFAR10.class_names
    for other, shown in (
        ({'class_names': names[::-1]}, r"class_names\) is \['truck', "),
        ({'label_index': 1}, r'label_index\) is 1, but 0'),
        ({'flip': False}, r'flip\) is False, but True'),
    ):
      with self.assertRaisesRegex(
          errors.UsageError, rf'^--dataset \({shown}.* in the run'
      ):
        self._settle(
            self.worker,
            batch_size=32,
            dataset=datasets.CIFAR10._replace(**other),
        )
    # Flags that concern only one task may differ.
    self.assertTrue(
        self._settle(self.worker, batch_size=32, seed=7, train_dir='/tmp/other')
    )

  def test_other_cluster(self):
    self._settle(self.chief, chief=True)
    for task in (self.worker, self.ps):
      tasks = dict(task.tasks, worker=task.tasks['worker'] + ['127.0.0.1:9'])
      with self.assertRaisesRegex(
          errors.UsageError, '--worker_hosts is 3 addresses, but 2 addresses in'
      ):
        self._settle(task._replace(tasks=tasks))

  def test_another_chief_may_not_take_the_training(self):
    directory = self.create_tempdir().full_path
    link = directory + '-link'
    os.symlink(directory, link)
    self._settle(self.chief, chief=True, train_dir=directory)
    self.assertTrue(self._settle(self.chief, chief=True, train_dir=link))
    with self.assertRaisesRegex(
        errors.UsageError,
        '--train_dir is /tmp/empty, but %s in the .* stop all' % directory,
    ):
      self._settle(self.chief, chief=True, train_dir='/tmp/empty')


class ProxyTest(AgreementTest):
  """The same tests behind a proxy without a server."""

  def setUp(self):
    proxy = 'http://127.0.0.1:9'
    behind = mock.patch.dict(os.environ, grpc_proxy=proxy, http_proxy=proxy)
    behind.start()
    self.addCleanup(behind.stop)
    os.environ.pop('no_proxy', None)
    os.environ.pop('no_grpc_proxy', None)
    super().setUp()
