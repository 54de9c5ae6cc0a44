"""The network and the input that the settings select."""

from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_input
from cifar10_compat import cifar10_local
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.base import errors
from tests.helpers import main_program


class ModelsTest(tf.test.TestCase):

  def test_models(self):
    for name, module in (
        (config_lib.CIFAR10, cifar10),
        (config_lib.CIFAR10_LATER, cifar10),
        (config_lib.CONV_LOCAL, cifar10_local),
    ):
      self.assertIs(module, models.network(config_lib.Network(model=name)))

  def test_fast_and_its_parts(self):
    for args, gpus, network, chunks in (
        ((), (), False, False),
        (('--fast',), (), True, True),
        (('--fast', '--nofast_input'), (), True, False),
        (('--fast', '--nofast_network'), (), False, True),
        (('--fast_input',), (), False, True),
        (('--fast_network',), (), True, False),
        # On a GPU, TensorFlow's own ops are faster; a flag can override this.
        (('--fast',), ('GPU',), False, True),
        (('--fast', '--fast_network'), ('GPU',), True, True),
    ):
      for name, literal in (
          (config_lib.CIFAR10, cifar10),
          (config_lib.CONV_LOCAL, cifar10_local),
      ):
        config = main_program.parsed(config_lib.Train, '--model=' + name, *args)
        self.assertEqual(name, config.model)
        with mock.patch.object(
            tf.config, 'list_physical_devices', return_value=list(gpus)
        ):
          self.assertIs(
              cifar10_fast if network else literal,
              models.network(config),
              args,
          )
        self.assertEqual(chunks, config.in_chunks, args)

  def test_input_in_chunks(self):
    for fast_input, module, other in (
        (True, cifar10_fast_input, cifar10_input),
        (False, cifar10_input, cifar10_fast_input),
    ):
      for name, call in (
          (
              'distorted_inputs',
              lambda **kwargs: cifar10.distorted_inputs(
                  config_lib.Train(**kwargs)
              ),
          ),
          (
              'inputs',
              lambda **kwargs: cifar10.inputs(False, config_lib.Eval(**kwargs)),
          ),
      ):
        with (
            mock.patch.object(module, name) as chosen,
            mock.patch.object(other, name, side_effect=AssertionError),
        ):
          call(data_dir='/data', batch_size=7, fast_input=fast_input)
          arguments = chosen.call_args.kwargs
          self.assertEqual('/data/cifar-10-batches-bin', arguments['data_dir'])
          self.assertEqual(7, arguments['batch_size'])
          with self.assertRaisesRegex(ValueError, 'supply a data_dir'):
            call(data_dir='', fast_input=fast_input)

  def test_a_precision_needs_the_fast_network(self):
    for kwargs in ({}, {'fast': True, 'fast_network': False}):
      with self.assertRaisesRegex(errors.UsageError, 'add --fast_network'):
        models.network(config_lib.Train(precision='bfloat16', **kwargs))
    self.assertIs(
        cifar10_fast,
        models.network(
            config_lib.Train(precision='bfloat16', fast_network=True)
        ),
    )

  def test_deviations_of_the_initial_weights(self):
    for fast in (False, True):
      for name, conv in (('cifar10', 1e-4), ('cifar10_5e-2', 5e-2)):
        config = config_lib.FastNetwork(model=name, fast_network=fast)
        with tf.Graph().as_default(), tf.Session() as session:
          tf.set_random_seed(1)
          models.network(config).inference(tf.zeros([1, 24, 24, 3]), config)
          session.run(tf.global_variables_initializer())
          found = {
              v.op.name.partition('/')[0]: session.run(v).std()
              for v in tf.trainable_variables()
              if v.op.name.endswith('/weights')
          }
        for layer, deviation in (
            ('conv1', conv),
            ('conv2', conv),
            ('local3', 0.04),
            ('local4', 0.04),
            ('softmax_linear', 1 / 192),
        ):
          # A normal distribution truncated at two standard deviations keeps
          # 0.8796 of its own: the square root of 1 - 4 phi(2) / (2 Phi(2) - 1).
          self.assertAllClose(0.8796 * deviation, found[layer], rtol=0.05)

  def test_unknown_name(self):
    with self.assertRaisesRegex(
        errors.UsageError,
        "model is 'resnet': it must be one of cifar10, cifar10_5e-2, conv_local",
    ):
      config_lib.Network(model='resnet')
