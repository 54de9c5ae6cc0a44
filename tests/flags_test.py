"""What the command lines share."""

import contextlib
import io
import os
from unittest import mock

from absl import flags as absl_flags
from absl.testing import absltest
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import flags
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import onednn
from cifar10_compat.data import datasets


class GetModelTest(absltest.TestCase):

  def _model(self, *args, gpus=()):
    """Returns the Model of a command line on a machine with these GPUs."""
    before = set(flags.FLAGS)
    flags.define_model_flags()
    flags.define_fast_flags()
    try:
      flags.FLAGS(['program', *args])
      with mock.patch.object(
          tf.config, 'list_physical_devices', return_value=list(gpus)
      ):
        return flags.get_model(flags.FLAGS)
    finally:
      flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)

  def test_fast_and_its_parts(self):
    for args, gpus, network, chunks in (
        ((), (), False, False),
        (('--fast',), (), True, True),
        (('--fast', '--nofast_input'), (), True, False),
        (('--fast', '--nofast_network'), (), False, True),
        (('--fast_input',), (), False, True),
        (('--fast_network',), (), True, False),
        # TensorFlow's own ops are the fast ones on a GPU, unless asked for.
        (('--fast',), ('GPU',), False, True),
        (('--fast', '--fast_network'), ('GPU',), True, True),
    ):
      for name, inference in (
          ('cifar10', cifar10_fast.inference),
          ('conv_local', cifar10_fast.local_inference),
      ):
        model = self._model('--model=' + name, *args, gpus=gpus)
        self.assertEqual(name, model.name)
        self.assertEqual(
            network,
            getattr(model.inference, 'func', model.inference) is inference,
            args,
        )
        for function in ('distorted_inputs', 'inputs'):
          self.assertIs(
              getattr(cifar10_fast_input if chunks else cifar10, function),
              getattr(model, function),
              args,
          )

  def test_fast_that_was_taken_for_something_else(self):
    for found, args in ((False, ('--fast',)), (True, ())):
      with mock.patch.object(onednn, 'found', found):
        with self.assertRaisesRegex(
            errors.UsageError, 'but was taken for %s before' % found
        ):
          self._model(*args)
    with mock.patch.object(onednn, 'found', True):
      self._model('--fast')


class GetCheckpointDirTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.default = self.create_tempdir().full_path

  def _directory(self, *args, **kwargs):
    """Returns the directory of a command line, and what is said on stderr."""
    before = set(flags.FLAGS)
    flags.define_checkpoint_flags()
    flags.define_model_flags()
    flags.define_dataset_flag()
    try:
      flags.FLAGS.set_default('checkpoint_dir', self.default)
      flags.FLAGS(['program', *args])
      error = io.StringIO()
      with contextlib.redirect_stderr(error):
        return flags.get_checkpoint_dir(flags.FLAGS, **kwargs), error.getvalue()
    finally:
      flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)

  def test_by_name(self):
    for kwargs in ({}, {'or_published': True}):
      self.assertEqual(
          (published.DIRECTORY, ''),
          self._directory('--checkpoint_dir=published', **kwargs),
      )
    self.assertTrue(os.path.exists(published.DIRECTORY + '/checkpoint'))

  def test_where_nothing_was_trained(self):
    self.assertEqual(
        (
            published.DIRECTORY,
            'No checkpoint is in %s: taking the published network.\n'
            % self.default,
        ),
        self._directory(or_published=True),
    )
    # The evaluator waits, as ever; and what was named is not another.
    self.assertEqual((self.default, ''), self._directory())
    self.assertEqual(
        (self.default, ''),
        self._directory('--checkpoint_dir=' + self.default, or_published=True),
    )
    # It is not of another set or model, and has no raw weights.
    for arg in ('--dataset=svhn', '--model=conv_local', '--averaged=false'):
      self.assertEqual(
          (self.default, ''), self._directory(arg, or_published=True)
      )

  def test_where_something_was_trained(self):
    with open(os.path.join(self.default, 'checkpoint'), 'w') as f:
      f.write('model_checkpoint_path: "model.ckpt-7"')
    self.assertEqual((self.default, ''), self._directory(or_published=True))


class FlagsTest(absltest.TestCase):

  def test_numbers_that_cannot_be(self):
    self.assertGreater(65536 * 24 * 24 * 64 * 4, 9e9)
    for module, bad, expected in (
        (cifar10_train, '--queue_fraction=nan', 'must be a finite number'),
        (cifar10_multi_gpu_train, '--num_gpus=1000000000', 'at most 64'),
        (cifar10_distributed_train, '--connect_secs=inf', 'a finite number'),
        (cifar10_distributed_train, '--ps_timeout_secs=1e300', 'is a week'),
        (cifar10_distributed_train, '--chief_timeout_secs=1e9', 'is a week'),
        (cifar10_train, '--stall_secs=1e9', 'is a week'),
        (cifar10_eval, '--eval_interval_secs=%d' % 10**400, 'is a week'),
        (cifar10_eval, '--num_examples=%d' % 10**400, '64 bits'),
        (cifar10_train, '--seed=%d' % (2**31 - 1), 'begins again at 0'),
        (cifar10_train, '--max_steps=%d' % (1 << 63), '64 bits'),
        (cifar10_predict, '--batch_size=65537', 'at most 65536'),
    ):
      before = set(flags.FLAGS)
      module.define_flags()
      try:
        flags.FLAGS(['program'])
        flags.check_values(flags.FLAGS)  # The defaults pass.
        flags.FLAGS(['program', bad])
        with self.assertRaisesRegex(absl_flags.IllegalFlagValueError, expected):
          flags.check_values(flags.FLAGS)
      finally:
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)

  def test_dataset_is_a_name_or_a_directory(self):
    self.assertIs(datasets.SVHN, flags.get_dataset('svhn'))
    parent = self.create_tempdir()
    parent.create_file('cifar10/image_set.json', '[]')
    parent.create_file('own/image_set.json', '[]')
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=parent.full_path):
      self.assertIs(datasets.CIFAR10, flags.get_dataset('cifar10'))
      for name in ('own', './cifar10'):
        with self.assertRaisesRegex(errors.DataError, 'version is missing'):
          flags.get_dataset(name)
      with self.assertRaisesRegex(errors.UsageError, 'a directory written by'):
        flags.get_dataset('missing')

  def test_user_path(self):
    before = os.environ.pop('BUILD_WORKING_DIRECTORY', None)
    self.addCleanup(
        lambda: before and os.environ.update(BUILD_WORKING_DIRECTORY=before)
    )
    self.assertEqual('a/b', flags.user_path('a/b'))
    os.environ['BUILD_WORKING_DIRECTORY'] = '/home/user'
    self.addCleanup(os.environ.pop, 'BUILD_WORKING_DIRECTORY')
    self.assertEqual('/home/user/a/b', flags.user_path('a/b'))
    self.assertEqual('/a/b', flags.user_path('/a/b'))
    self.assertEqual(os.path.expanduser('~/x'), flags.user_path('~/x'))

  def test_enter_user_directory(self):
    self.addCleanup(os.chdir, os.getcwd())
    directory = os.path.realpath(self.create_tempdir().full_path)
    with mock.patch.dict(os.environ, BUILD_WORKING_DIRECTORY=directory):
      flags.enter_user_directory()
      self.assertEqual(directory, os.getcwd())


if __name__ == '__main__':
  absltest.main()
