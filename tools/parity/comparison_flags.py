"""Defines the command line of //tools:compare."""

import dataclasses
import importlib.util

from cifar10_compat.base import errors

from ..base import command_line
from ..editions import runtimes
from . import sections


def parser(description):
  """Returns the Parser of //tools:compare.

  Args:
    description: str, the program's description.
  """
  found = command_line.Parser(prog='compare', description=description)
  found.add_data_dir()
  _add_today(found.add_argument)
  _add_runtime(found.add_argument)
  return found


def _add_today(add):
  """Adds the flags of the comparison on today's TensorFlow."""
  add(
      '--source',
      metavar='DIR',
      help='directory of the unmodified historical files (default: the files '
      'bundled with the TensorFlow of --runtime)',
  )
  add(
      '--out',
      required=True,
      metavar='DIR',
      help='directory for report.json and report.html; created if missing',
  )
  add(
      '--steps',
      type=int,
      default=200,
      help='number of steps to train on the same batches (default 200)',
  )
  add(
      '--curve_steps',
      type=int,
      default=200,
      help='number of steps in the two runs whose event files are compared, a '
      'multiple of 10; 0 disables this comparison (default 200)',
  )
  add(
      '--checkpoint_dir',
      metavar='DIR',
      help='directory of the checkpoint that all evaluators score '
      "(default: the original's run)",
  )
  add(
      '--their_run',
      metavar='DIR',
      help='train_dir of an existing run of the historical trainer',
  )
  add(
      '--our_run',
      metavar='DIR',
      help='train_dir of an existing run of the port',
  )


def _add_runtime(add):
  """Adds the flags of the comparison with an old TensorFlow."""
  add(
      '--runtime',
      metavar='VERSION',
      help='an old TensorFlow version, %s, on which to run the original as well'
      % ' or '.join(r.version for r in runtimes.COMPARED),
  )
  for name, text in (
      (
          'runtime_steps',
          'number of steps to train on the old TensorFlow before the second '
          'comparison',
      ),
      (
          'runtime_images',
          'number of images to draw from each input pipeline; 0 disables this '
          'comparison',
      ),
      (
          'spread_runs',
          'number of runs of each side whose losses are averaged; 0 disables '
          'these runs',
      ),
      (
          'spread_steps',
          'last step of each --spread_runs run, a multiple of 10',
      ),
      (
          'time_rounds',
          'number of timing rounds, each of which times a step of the original '
          'on each TensorFlow, of the port and of --fast; 0 disables the timing',
      ),
  ):
    default = getattr(sections.Sizes, name)
    add(
        '--' + name,
        type=int,
        default=default,
        help='%s (default %d)' % (text, default),
    )


# For each numeric flag: the minimum, the required divisor, and the remedy.
_BOUNDS = (
    *((n, 1, 1, 'at least 1') for n in ('steps', 'runtime_steps')),
    *(
        (n, 0, 1, '0 (disabled) or more')
        for n in ('runtime_images', 'spread_runs', 'time_rounds')
    ),
    *(
        (n, least, 10, 'a multiple of 10, and at least %d' % least)
        for n, least in (('curve_steps', 0), ('spread_steps', 10))
    ),
)


def check(args):
  """Raises UsageError if a flag, or a combination of flags, is invalid.

  Args:
    args: argparse.Namespace, from parser().
  """
  for name in ('jinja2', 'matplotlib', 'scipy'):
    errors.UsageError.raise_if(
        importlib.util.find_spec(name) is None,
        '%s is not installed: pip install cifar10_compat[compare]' % name,
    )
  for name, least, multiple, remedy in _BOUNDS:
    value = getattr(args, name)
    errors.UsageError.raise_if(
        value < least or value % multiple,
        '--%s=%d: it must be %s' % (name, value, remedy),
    )
  errors.UsageError.raise_if(
      not args.source and not args.runtime,
      'specify the historical files with --source=DIR, or a TensorFlow that '
      'bundles them, such as --runtime=0.12.1',
  )


def sizes(args):
  """Returns the flags' values as sections.Sizes."""
  return sections.Sizes(
      **{
          f.name: getattr(args, f.name)
          for f in dataclasses.fields(sections.Sizes)
      }
  )
