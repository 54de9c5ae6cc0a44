"""Flags, their defaults, and invalid ones."""

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.parity import comparison_flags
from tools.parity import sections

_NEEDED = ['--data_dir=/data', '--out=/out']


def _parse(*flags):
  return comparison_flags.parser('what it does').parse_args(
      _NEEDED + list(flags)
  )


class ComparisonFlagsTest(absltest.TestCase):

  def test_defaults(self):
    args = _parse('--runtime=0.12.1')
    comparison_flags.check(args)
    self.assertEqual(sections.Sizes(), comparison_flags.sizes(args))
    self.assertEqual((200, 200), (args.steps, args.curve_steps))

  def test_sizes(self):
    args = _parse(
        '--runtime=0.12.1',
        '--runtime_steps=7',
        '--runtime_images=0',
        '--spread_runs=5',
        '--spread_steps=300',
        '--time_rounds=3',
    )
    comparison_flags.check(args)
    self.assertEqual(
        sections.Sizes(7, 0, 5, 300, 3), comparison_flags.sizes(args)
    )

  def test_invalid_flags(self):
    for flag in (
        '--steps=0',
        '--runtime_steps=0',
        '--runtime_images=-1',
        '--spread_runs=-1',
        '--spread_steps=0',
        '--spread_steps=15',
        '--curve_steps=-10',
        '--curve_steps=5',
        '--time_rounds=-2',
    ):
      with self.assertRaisesRegex(errors.UsageError, '^' + flag + ': '):
        comparison_flags.check(_parse('--runtime=0.12.1', flag))

  def test_neither_source_nor_runtime(self):
    with self.assertRaisesRegex(errors.UsageError, '--source=DIR.*--runtime'):
      comparison_flags.check(_parse())
