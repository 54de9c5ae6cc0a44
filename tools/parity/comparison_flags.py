"""The command line of //tools:compare."""

import dataclasses
import importlib.util

from cifar10_compat.base import errors

from ..base import command_line
from ..editions import runtimes
from . import sections


def parser(description):
  """Returns the Parser of //tools:compare.

  Args:
    description: str, of the program.
  """
  found = command_line.Parser(prog='compare', description=description)
  _add_today(found.add_argument)
  _add_runtime(found.add_argument)
  return found


def _add_today(add):
  """Adds the flags of the comparison on today's TensorFlow."""
  add(
      '--source',
      metavar='DIR',
      help='the unmodified historical files (default: those that the TensorFlow '
      'of --runtime brings)',
  )
  add(
      '--data_dir',
      required=True,
      metavar='DIR',
      help='the directory above cifar-10-batches-bin',
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
      help='steps to train on the same batches (default 200)',
  )
  add(
      '--curve_steps',
      type=int,
      default=200,
      help='steps of two runs whose event files are compared, '
      'a multiple of 10; 0 leaves them out (default 200)',
  )
  add(
      '--checkpoint_dir',
      metavar='DIR',
      help='where the checkpoint is that all evaluators score '
      '(default: the run of the original)',
  )
  add(
      '--their_run',
      metavar='DIR',
      help='train_dir of a run of the historical trainer, in '
      'place of a new one',
  )
  add('--our_run', metavar='DIR', help='train_dir of a run of the port')


def _add_runtime(add):
  """Adds the flags of the comparison with a TensorFlow of the time."""
  add(
      '--runtime',
      metavar='VERSION',
      help='a TensorFlow of the time, %s, on which the original runs too'
      % ' or '.join(r.version for r in runtimes.COMPARED),
  )
  for name, text in (
      ('runtime_steps', 'steps to train there before the second look'),
      ('runtime_images', 'images to draw from either input; 0 leaves it out'),
      (
          'spread_runs',
          'runs of each side whose losses are averaged; 0 leaves them out',
      ),
      ('spread_steps', 'the last step of each of them, a multiple of 10'),
      (
          'time_rounds',
          'rounds in which a step of either TensorFlow, of the port and of --fast '
          'is timed; 0 leaves it out',
      ),
  ):
    default = getattr(sections.Sizes, name)
    add(
        '--' + name,
        type=int,
        default=default,
        help='%s (default %d)' % (text, default),
    )


# Of each number: its least value, what it must be a multiple of, and the remedy.
_BOUNDS = (
    *((n, 1, 1, 'at least 1') for n in ('steps', 'runtime_steps')),
    *(
        (n, 0, 1, '0, which leaves it out, or more')
        for n in ('runtime_images', 'spread_runs', 'time_rounds')
    ),
    *(
        (n, least, 10, 'a multiple of 10, and at least %d' % least)
        for n, least in (('curve_steps', 0), ('spread_steps', 10))
    ),
)


def check(args):
  """Raises UsageError if the flags by themselves make no sense.

  Args:
    args: argparse.Namespace, of parser().
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
      'name the historical files with --source=DIR, or a TensorFlow that '
      'brings some with --runtime=0.12.1',
  )


def sizes(args):
  """Returns the sections.Sizes that the flags ask for."""
  return sections.Sizes(
      **{
          f.name: getattr(args, f.name)
          for f in dataclasses.fields(sections.Sizes)
      }
  )
