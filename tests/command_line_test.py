"""Command lines, --help and wrong flags; TensorFlow is not loaded."""

import os
import re
from unittest import mock

from absl import flags
from absl.testing import absltest

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat.base import settings
from tests.helpers import main_program
from tests.helpers import program as program_lib

# Reads a command line as a program does, and prints the settings.
_READ = """
import sys
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
sys.argv[0] = '/some/where/prog.py'
config = entry_points.read(config_lib.%s, 'What it is for.')
print(config.arguments, sorted(config.given), config.dataset.name)
assert 'tensorflow' not in sys.modules
"""


def _read(config, *args):
  return program_lib.python('-c', _READ % config, *args)


def _page(config, docstring):
  before = set(flags.FLAGS)
  settings.define_flags(config)
  try:
    return entry_points.help_page(config, docstring)
  finally:
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)


class ReadTest(absltest.TestCase):

  def test_flags_and_arguments(self):
    self.assertEqual(
        (0, "('a.png', 'b') ['dataset', 'json'] svhn\n", ''),
        _read('Predict', '--json', 'a.png', '--dataset=svhn', 'b'),
    )
    self.assertEqual((0, '() [] cifar10\n', ''), _read('Train'))

  def test_mistakes_are_one_line(self):
    for args, expected in (
        (['stray'], r'unexpected argument: stray \(--help explains\)'),
        (['--bogus'], r"Unknown command line flag 'bogus' \(--help explains\)"),
        (['--batch_size=x'], r'flag --batch_size=x: .* \(--help explains\)'),
        (['--batch_size=1.5'], r'flag --batch_size=1.5: .* explains\)'),
        (['--model=resnet'], r'flag --model=resnet: .*conv_local.* explains\)'),
        (['--fast=perhaps'], r'flag --fast=perhaps: .* explains\)'),
        (['--batch_size=0'], 'batch_size is 0: it must be at least 1'),
        (['--train_dir='], '--train_dir is empty: specify a value, .*'),
        (['--deterministic'], 'a deterministic run needs a seed: .*'),
        (['--dataset=imagenet'], "no data set is called 'imagenet': .*"),
        (['--flagfile=/none'], r'.*/none.*'),
    ):
      code, out, err = _read('Train', *args)
      self.assertEqual((1, ''), (code, out), args)
      self.assertRegex(err, r'\Aprog\.py: error: %s\n\Z' % expected)

  def test_determinism_needs_a_seed(self):
    with mock.patch.dict(os.environ, TF_DETERMINISTIC_OPS='1'):
      self.assertEqual(0, _read('Train', '--seed=0')[0])
      for config, remedy in (
          ('Train', 'add --seed=1, or unset the variable'),
          ('Eval', 'unset the variable'),
      ):
        code, _, err = _read(config)
        self.assertEqual(1, code)
        self.assertEndsWith(err, 'without a seed: %s\n' % remedy)
    with mock.patch.dict(os.environ, TF_DETERMINISTIC_OPS='0'):
      self.assertEqual(0, _read('Train')[0])

  def test_nothing_of_tensorflow_is_loaded(self):
    for args, code in (
        (['--help'], 0),
        (['--bogus'], 1),
        (['--batch_size=0'], 1),
    ):
      found, _, err = program_lib.python(
          '-X', 'importtime', '-m', 'cifar10_compat.cifar10_train', *args
      )
      self.assertEqual(code, found)
      self.assertRegex(err, r'\| +absl\b')
      self.assertNotRegex(err, r'\| +tensorflow\b')

  def test_absls_own_help(self):
    for flag in ('--helpfull', '--helpxml'):
      code, out, _ = program_lib.python(
          '-m', 'cifar10_compat.cifar10_train', flag
      )
      self.assertIn(code, (0, 1))
      for expected in ('queue_fraction', 'only_check_args'):
        self.assertIn(expected, out)


class HelpTest(absltest.TestCase):

  def test_help_of_a_module_and_of_an_installed_command(self):
    for command in (
        ['-m', 'cifar10_compat.cifar10_train'],
        [
            '-c',
            'from cifar10_compat import cifar10_train; '
            'cifar10_train.console_main()',
        ],
    ):
      for flag in ('--help', '-h', '-help', '--helpshort'):
        if flag != '--help' and command[0] == '-c':
          continue  # It loads TensorFlow, which takes time.
        # Other flags, and mistakes in them, do not matter.
        code, out, _ = program_lib.python(*command, '--batch_size=0', flag)
        self.assertEqual(0, code)
        self.assertStartsWith(out, 'Trains the CIFAR-10 network')
        self.assertIn('--dataset=synthetic', out)
        self.assertIn(
            '\n  --train_dir=/tmp/cifar10_train\n      Directory for', out
        )
        self.assertIn('Default: no.', out)

  def test_help_is_a_page(self):
    for module in (
        cifar10_train,
        cifar10_multi_gpu_train,
        cifar10_distributed_train,
        cifar10_eval,
        cifar10_predict,
        cifar10_export,
    ):
      program = module.__name__.rpartition('.')[2]
      config = main_program.config_of(module)
      with self.subTest(program):
        page = _page(config, module.__doc__)
        self.assertStartsWith(page, module.__doc__.splitlines()[0] + '\n')
        lines = page.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        # An example, and a paragraph per flag: the first ones, then the others.
        self.assertIn('\n  %s --' % program, page)
        shown = [
            re.match(r'  --(?:\[no\])?(\w+)', l)[1]
            for l in lines
            if l.startswith('  --')
        ]
        self.assertEqual(list(config.FIRST), shown[: len(config.FIRST)])
        self.assertCountEqual(settings.fields(config), shown)
        self.assertBetween(len(config.FIRST), 5, 12)

  def test_what_is_said_of_a_flag(self):
    page = _page(config_lib.Train, '')
    for line in (
        '  --batch_size=128\n      Number of images per batch.\n',
        '  --dataset=cifar10\n      Image set: cifar10, cifar100, ',
        # A default of None: the help text describes it.
        '  --seed=...\n',
        '  --data_url=...\n',
        '  --profile_steps=...\n',
        '  --[no]fast\n',
        '  --[no]fast_input\n      Read and distort images in chunks of 32. '
        'Default: the value of --fast.\n',
        '  --[no]fresh\n      Start from step 0 instead of resuming: removes '
        'the checkpoints and event\n      files in --train_dir. Default: no.\n',
    ):
      self.assertIn(line, page)
