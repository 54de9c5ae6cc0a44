"""The settings of the programs: as flags, and their constraints."""

import dataclasses
import math
import os
import re
import typing
from unittest import mock

from absl import flags
from absl.testing import absltest
import numpy as np

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from cifar10_compat.data import datasets
from tests.helpers import main_program

_PROGRAMS = {
    cifar10_train: config_lib.Train,
    cifar10_multi_gpu_train: config_lib.MultiGpuTrain,
    cifar10_distributed_train: config_lib.DistributedTrain,
    cifar10_eval: config_lib.Eval,
    cifar10_predict: config_lib.Predict,
    cifar10_export: config_lib.Export,
}

# Settings that some settings require.
_WITH = {'deterministic': {'seed': 1}}


def _settings():
  """Yields each program's dataclass with each setting's name and field."""
  for config in _PROGRAMS.values():
    for name, field in settings.fields(config).items():
      yield config, name, field


class FlagsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.dict(os.environ))
    os.environ.pop('BUILD_WORKING_DIRECTORY', None)

  def test_each_program_has_its_settings_as_flags(self):
    for module, config in _PROGRAMS.items():
      self.assertIs(config, main_program.config_of(module))
      # --helpfull shows it.
      self.assertEqual(module.__name__.rpartition('.')[2] + '.', config.__doc__)
      flag_values = flags.FlagValues()
      before = set(flag_values)
      settings.define_flags(config, flag_values)
      names = tuple(settings.fields(config))
      self.assertEqual(set(names), set(flag_values) - before)
      self.assertEqual(config(), main_program.parsed(config))
      # The first flags come first.
      self.assertEqual(config.FIRST, names[: len(config.FIRST)])

  def test_a_setting_of_a_base_class_is_one(self):
    # As a field of another base class, it would be lost.
    for config in _PROGRAMS.values():
      declared = set()
      for base in config.__mro__:
        declared |= {
            name
            for name in base.__dict__.get('__annotations__', ())
            if name in getattr(base, '__dataclass_fields__', ())
            and base.__dataclass_fields__[name].metadata
        }
      self.assertEqual(declared, set(settings.fields(config)), config.__name__)

  def test_each_setting_takes_its_flags_value(self):
    for config, name, field in _settings():
      default, choices = field.default, field.metadata['choices']
      if name == 'dataset':
        text, value = 'svhn', datasets.SVHN
      elif name == 'views':
        text, value = '5', 5
      elif choices:
        value = text = [c for c in choices if c != default][0]
      elif isinstance(default, bool) or name in ('fast_network', 'fast_input'):
        value = not default
        text = str(value)
      elif name in ('seed', 'num_examples', 'replicas_to_aggregate'):
        text, value = '7', 7
      elif typing.get_type_hints(config)[name] is float:
        value = default / 2 + 0.5
        text = str(value)
      elif isinstance(default, int):
        value = default - 1 if name == 'white' else default + 1
        text = str(value)
      elif name == 'profile_steps':
        text, value = '7', (7,)
      elif isinstance(default, tuple):
        text, value = 'a:1,b:2', ('a:1', 'b:2')
      else:
        value = text = '/some/where'
      with self.subTest('%s of %s' % (name, config.__name__)):
        others = _WITH.get(name, {})
        args = ['--%s=%s' % item for item in others.items()]
        found = main_program.parsed(config, '--%s=%s' % (name, text), *args)
        self.assertEqual(
            config(given=frozenset({name, *others}), **{name: value} | others),
            found,
        )
        self.assertIs(type(value), type(getattr(found, name)))

  def test_steps_to_trace_are_collected(self):
    self.assertEqual(
        (3, 5),
        main_program.parsed(
            config_lib.Train, '--profile_steps=3', '--profile_steps=5'
        ).profile_steps,
    )

  def test_paths_are_the_users(self):
    os.environ['BUILD_WORKING_DIRECTORY'] = '/home/user'
    for config, names in (
        (config_lib.Train, ('data_dir', 'train_dir')),
        (config_lib.DistributedTrain, ('data_dir', 'train_dir', 'eval_dir')),
        (config_lib.Eval, ('data_dir', 'checkpoint_dir', 'eval_dir')),
        (config_lib.Export, ('checkpoint_dir', 'export_dir')),
    ):
      for name in names:
        for path, expected in (
            ('here', '/home/user/here'),
            ('/there', '/there'),
            ('~', os.path.expanduser('~')),
        ):
          self.assertEqual(
              expected,
              getattr(
                  main_program.parsed(config, '--%s=%s' % (name, path)), name
              ),
          )

  def test_dataset_is_a_name_or_a_directory(self):
    parent = self.create_tempdir()
    parent.create_file('cifar10/image_set.json', '[]')
    parent.create_file('own/image_set.json', '[]')
    os.environ['BUILD_WORKING_DIRECTORY'] = parent.full_path
    self.assertIs(datasets.SVHN, config_lib.get_dataset('svhn'))
    self.assertIs(
        datasets.CIFAR10,
        main_program.parsed(config_lib.Train, '--dataset=cifar10').dataset,
    )
    for name in ('own', './cifar10'):
      with self.assertRaisesRegex(errors.DataError, 'version is missing'):
        main_program.parsed(config_lib.Train, '--dataset=' + name)
    with self.assertRaisesRegex(errors.UsageError, 'a directory written by'):
      main_program.parsed(config_lib.Train, '--dataset=missing')

  def test_arguments(self):
    config = main_program.parsed(config_lib.Predict, 'a.png', '--json', 'b.png')
    self.assertEqual(('a.png', 'b.png'), config.arguments)
    self.assertEqual({'json'}, config.given)
    for config in _PROGRAMS.values():
      self.assertEqual(
          config is config_lib.Predict, config.TAKES_ARGUMENTS, config
      )


class ValuesTest(absltest.TestCase):

  def test_both_bounds(self):
    names = set()
    for config, name, field in _settings():
      bounds = field.metadata['bounds']
      is_tuple = isinstance(field.default, tuple)
      for bound, step, expected in (
          (bounds.lower, -1, 'at least'),
          (bounds.upper, 1, 'at most'),
      ):
        if math.isinf(bound):
          continue
        names.add(name)
        with self.subTest('%s of %s' % (name, config.__name__)):
          # The bound itself is allowed.
          for made in (
              config(**{name: (bound,) if is_tuple else bound}),
              main_program.parsed(config, '--%s=%s' % (name, bound)),
          ):
            self.assertEqual(
                (bound,) if is_tuple else bound, getattr(made, name)
            )
          beyond = bound + step
          message = r'^%s is %s(\.0)?: it must be %s %s' % (
              name,
              beyond,
              expected,
              bound,
          )
          with self.assertRaisesRegex(errors.UsageError, message):
            main_program.parsed(config, '--%s=%s' % (name, beyond))
          with self.assertRaisesRegex(errors.UsageError, message) as raised:
            config(**{name: (5, beyond) if is_tuple else beyond})
          if expected == 'at most' and bounds.why:
            self.assertEndsWith(str(raised.exception), '(%s)' % bounds.why)
    self.assertLen(names, 17)

  def test_bounds_of_what_would_never_end(self):
    self.assertGreater(65536 * 24 * 24 * 64 * 4, 9e9)
    for config, bad, expected in (
        (config_lib.Train, '--queue_fraction=nan', 'must be a finite number'),
        (config_lib.Train, '--queue_fraction=1.5', 'at most 1'),
        (config_lib.MultiGpuTrain, '--num_gpus=1000000000', 'at most 64'),
        (config_lib.DistributedTrain, '--connect_secs=inf', 'a finite number'),
        (config_lib.DistributedTrain, '--ps_timeout_secs=1e300', 'one week'),
        (config_lib.DistributedTrain, '--chief_timeout_secs=1e9', 'one week'),
        (
            config_lib.DistributedTrain,
            '--replicas_to_aggregate=65537',
            'no cluster has more',
        ),
        (config_lib.Train, '--stall_secs=1e9', 'one week'),
        (config_lib.Eval, '--eval_interval_secs=%d' % 10**10, 'one week'),
        (config_lib.Eval, '--eval_interval_secs=%d' % 10**400, 'one week'),
        (config_lib.Eval, '--num_examples=%d' % 10**400, '64 bits'),
        (config_lib.Train, '--seed=%d' % (2**31 - 1), 'wraps larger seeds'),
        (config_lib.Train, '--max_steps=%d' % (1 << 63), '64 bits'),
        (config_lib.Train, '--learning_rate=0', 'at least 1e-30'),
        (config_lib.Train, '--learning_rate=-inf', 'a finite number'),
        (config_lib.Train, '--max_steps=0', 'at least 1'),
        (config_lib.Eval, '--num_examples=-1', 'at least 1'),
        (config_lib.Eval, '--batch_size=0', 'at least 1'),
        (config_lib.Predict, '--batch_size=0', 'at least 1'),
        (config_lib.Predict, '--batch_size=65537', 'at most 65536'),
        (config_lib.Predict, '--top_k=0', 'at least 1'),
        (config_lib.Train, '--profile_steps=-1', 'at least 0'),
    ):
      main_program.parsed(config)  # The defaults pass.
      with self.assertRaisesRegex(errors.UsageError, expected):
        main_program.parsed(config, bad)

  def test_no_number_is_nan_or_infinite(self):
    found = set()
    for config in _PROGRAMS.values():
      hints = typing.get_type_hints(config)
      for field in dataclasses.fields(config):
        if hints[field.name] is not float:
          continue
        found.add(field.name)
        for value in (math.nan, math.inf, -math.inf):
          with self.assertRaisesRegex(
              errors.UsageError,
              '^%s is %s: it must be a finite number' % (field.name, value),
          ):
            config(**{field.name: value})
    self.assertContainsSubset(
        {'learning_rate', 'queue_fraction', 'ps_timeout_secs'}, found
    )

  def test_what_may_be_none(self):
    for config, name, field in _settings():
      if field.default is None:
        self.assertIsNone(getattr(config(**{name: None}), name))

  def test_choices(self):
    for config, name, field in _settings():
      choices = field.metadata['choices']
      if not choices:
        continue
      for value in choices:
        self.assertEqual(value, getattr(config(**{name: value}), name))
      with self.assertRaisesRegex(
          errors.UsageError,
          "^%s is 'other': it must be one of %s" % (name, ', '.join(choices)),
      ):
        config(**{name: 'other'})
      with self.assertRaisesRegex(flags.Error, 'other'):
        main_program.parsed(config, '--%s=other' % name)

  def test_settings_do_not_change(self):
    config = config_lib.Train()
    with self.assertRaises(dataclasses.FrozenInstanceError):
      config.batch_size = 0
    with self.assertRaisesRegex(errors.UsageError, 'batch_size is 0'):
      dataclasses.replace(config, batch_size=0)

  def test_what_goes_together(self):
    for config, kwargs, expected in (
        (config_lib.Train, {'deterministic': True}, 'add --seed=1'),
        (config_lib.MultiGpuTrain, {'deterministic': True}, 'add --seed=1'),
        (
            config_lib.MultiGpuTrain,
            {'deterministic': True, 'seed': 0, 'shared_input': True},
            'omit --shared_input or --deterministic',
        ),
        (
            config_lib.DistributedTrain,
            {'sync': False, 'replicas_to_aggregate': 1},
            'replicas_to_aggregate is 1, but with --sync=false',
        ),
        (config_lib.Eval, {'views': 3}, 'views is 3: it .* one of 1, 5, 10'),
        (
            config_lib.Eval,
            {'views': 10, 'dataset': datasets.SVHN},
            'data set svhn must .*--views=5',
        ),
        (
            config_lib.Eval,
            {'views': 5, 'count': config_lib.HISTORICAL},
            '--count=exact, or --views=1',
        ),
    ):
      with self.assertRaisesRegex(errors.UsageError, expected):
        config(**kwargs)
    for config, kwargs in (
        (config_lib.Train, {'deterministic': True, 'seed': 0}),
        (config_lib.MultiGpuTrain, {'deterministic': True, 'seed': 0}),
        (config_lib.MultiGpuTrain, {'shared_input': True, 'seed': 0}),
        (config_lib.DistributedTrain, {'replicas_to_aggregate': 1}),
        (config_lib.Eval, {'views': 5, 'dataset': datasets.SVHN}),
        (config_lib.Eval, {'views': 10}),
        (config_lib.Eval, {'count': config_lib.HISTORICAL}),
    ):
      config(**kwargs)

  def test_callers_in_python_are_checked_too(self):
    self.assertIs(
        datasets.SYNTHETIC, config_lib.Train(dataset='synthetic').dataset
    )
    self.assertEqual(
        published.DIRECTORY,
        config_lib.Predict(checkpoint_dir='published').checkpoint_dir,
    )
    home = os.path.expanduser('~')
    self.assertEqual(home + '/x', config_lib.Train(train_dir='~/x').train_dir)
    for kwargs, expected in (
        ({'train_dir': '/tmp/lr=[0.1]'}, 'contains one of'),
        ({'batch_size': '128'}, "batch_size is '128': it must be of type int"),
        ({'batch_size': 1.5}, 'it must be of type int'),
        ({'max_steps': None}, 'it must be of type int'),
        ({'max_steps': True}, 'it must be of type int'),
        ({'seed': 'x'}, 'of type int | None'),
        ({'data_url': 'http://a'}, 'of type tuple'),
        ({'batch_size': np.int64(0)}, 'batch_size is 0: it must be at least 1'),
    ):
      with self.assertRaisesRegex(errors.UsageError, re.escape(expected)):
        config_lib.Train(**kwargs)
    config_lib.Train(batch_size=np.int64(64), learning_rate=1, seed=None)

  def test_what_follows_from_settings(self):
    for model, expected in (
        (config_lib.CIFAR10, 1e-4),
        (config_lib.CIFAR10_LATER, 5e-2),
        (config_lib.CONV_LOCAL, 1e-4),
    ):
      self.assertEqual(expected, config_lib.Network(model=model).conv_stddev)
    self.assertEqual(
        100, config_lib.Export(dataset=datasets.CIFAR100).num_classes
    )

  def test_number_of_images_to_score(self):
    for kwargs, records, expected in (
        ({}, 10000, 10000),
        # Each image is scored once, so at most this many.
        ({}, 300, 300),
        # The training images, with eval_data='train_eval'.
        ({}, 50000, 50000),
        ({'num_examples': 150}, 300, 150),
        ({'num_examples': 1000}, 300, 300),
        ({'dataset': datasets.SVHN}, 26032, 26032),
        # Draws can be any number.
        ({'count': config_lib.HISTORICAL}, 300, 10000),
        ({'count': config_lib.HISTORICAL, 'num_examples': 1000}, 300, 1000),
    ):
      found = config_lib.Eval(**kwargs).with_num_examples(records)
      self.assertEqual(
          config_lib.Eval(**kwargs | {'num_examples': expected}), found
      )


class EvaluatorOfTest(absltest.TestCase):

  def test_common_settings_are_the_clusters(self):
    common = dict(
        data_dir='/data',
        data_url=('http://a',),
        dataset=datasets.SVHN,
        model=config_lib.CONV_LOCAL,
        batch_size=7,
        fast=True,
        fast_network=True,
        fast_input=False,
        precision='bfloat16',
        allow_growth=True,
        eval_dir='/eval',
    )
    for cluster, evaluator in (
        (
            config_lib.DistributedTrain(train_dir='/train', seed=3, **common),
            config_lib.Eval(checkpoint_dir='/train', **common),
        ),
        (config_lib.DistributedTrain(), config_lib.Eval()),
    ):
      self.assertEqual(evaluator, config_lib.evaluator_of(cluster))
