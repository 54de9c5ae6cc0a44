r"""Times the default, --fast, each part of --fast, and other programs, in turn.

  benchmark --data_dir=DIR [--source=DIR] [--checkpoint_dir=DIR]
            [--measurements=...] [--contestants=...] [--rounds=7]
            [--json=FILE] [--plot=FILE]
  benchmark --json=FILE [--plot=FILE]

Measurements:
  input       examples/s of the input alone, once its queue is full
  constant    seconds per step on one batch, and the limit set by the speed of
              the machine's matrix product
  end_to_end  seconds per step of the real trainers, once the queue is full,
              including summaries, by the time stamps of their logs
  start       seconds from the start of a trainer to the log line of its first
  step eval        seconds of the evaluator's process; needs --checkpoint_dir
  scaling     seconds per example with --fast for several batch sizes, for
              towers, and with ten times the records

Each run is a separate process.  A round runs every contestant of every
measurement once, in turn; the first round is a warm-up and does not count.
Ratios of contestants are computed pair by pair, within a round.  A run is
marked as disturbed if other work used more than 5% of the processor during the
run: the machine should be idle.

With --json, each run is saved when it finishes, and the same command resumes an
interrupted measurement.  Without --data_dir, the program measures nothing: it
prints the results in FILE as tables, and plots them.  All measurements take
about 50 minutes on two cores.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from ..base import plots

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import signal
import sys
import tempfile

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import checks

from ..base import command_line
from ..base import manifest
from ..editions import scripts
from . import children
from . import contestants
from . import plot
from . import results as results_lib
from . import schedule
from . import tables
from . import tenfold_set

_PACKAGES = ('tensorflow', 'numpy', 'keras', 'torch')


@command_line.program('benchmark')
def main(argv):
  try:
    return _main(argv)
  except KeyboardInterrupt:
    print(
        'benchmark: stopped; with --json, the same command resumes the '
        'measurement',
        file=sys.stderr,
    )
    return 128 + signal.SIGINT


def measure(commands, results, *, rounds, scratch):
  """Performs the missing runs, and saves each run when it finishes.

  Args:
    commands: dict from measurement to a dict from contestant to
      contestants.Command.
    results: results.Results.
    rounds: int, number of rounds after the warm-up.
    scratch: str, an empty directory.

  Raises:
    UsageError: a run failed.
  """
  left = schedule.left(commands, rounds, results.done())
  for count, (number, measurement, contestant) in enumerate(left, 1):
    command = commands[measurement][contestant]
    args = command.args
    if command.directory_flag:
      path = os.path.join(scratch, 'run_%d' % count)
      args = args + ['--%s=%s' % (command.directory_flag, path)]
    what = '%s of %s' % (measurement, contestant)
    result = children.run(
        command.module, args, what=what, environment=command.environment
    )
    values = command.read(result)
    results.add(number, measurement, contestant, values=values, result=result)
    _print_run(
        '%d/%d' % (count, len(left)),
        what,
        number=number,
        values=values,
        result=result,
    )


def _print_run(progress, what, *, number, values, result):
  disturbed = result.disturbance and result.disturbance.disturbed
  print(
      '%s  %s  %s: %s  (%.1f s%s)'
      % (
          progress,
          'round %d' % number if number else 'warm-up',
          what,
          ', '.join('%s %.5g' % item for item in sorted(values.items())),
          result.seconds,
          ', disturbed' if disturbed else '',
      ),
      file=sys.stderr,
      flush=True,
  )


def _parser():
  parser = command_line.Parser(
      prog='benchmark',
      description=__doc__,
  )
  add = parser.add_argument
  add(
      '--data_dir',
      metavar='DIR',
      help="directory that contains the data set's directory; the images must "
      'exist',
  )
  add(
      '--dataset',
      default='cifar10',
      metavar='NAME',
      help='image set, as for the trainers (default cifar10)',
  )
  add(
      '--source',
      metavar='DIR',
      help='directory of the unmodified historical files; adds the contestant '
      '`tutorial`',
  )
  add(
      '--checkpoint_dir',
      metavar='DIR',
      help='directory of a checkpoint for eval; without it, eval is skipped',
  )
  add(
      '--measurements',
      default=','.join(contestants.MEASUREMENTS),
      metavar='NAMES',
      help='comma-separated measurements to make (default: all)',
  )
  add(
      '--contestants',
      metavar='NAMES',
      help='comma-separated contestants to measure (default: all)',
  )
  add(
      '--towers',
      type=int,
      action='append',
      default=[],
      metavar='N',
      help='also measure, end to end, N towers on CPU devices that share the '
      'batch',
  )
  add(
      '--workers',
      type=int,
      action='append',
      default=[],
      metavar='N',
      help='also measure, end to end, N workers that share the batch, and one '
      'parameter server',
  )
  _add_sizes(add)
  add('--json', metavar='FILE', help='the results file')
  add('--plot', metavar='FILE', help='file for the chart, .svg or .png')
  return parser


def _add_sizes(add):
  """Adds the flags for the sizes of measurements; `add` is add_argument()."""
  add(
      '--rounds',
      type=int,
      default=7,
      help='number of rounds after the warm-up (default 7)',
  )
  add(
      '--steps',
      type=int,
      default=100,
      help='number of steps to time end to end, a multiple of 100 (default 100)',
  )
  add(
      '--constant_steps',
      type=int,
      default=20,
      help='number of steps to time on a constant batch (default 20)',
  )
  add(
      '--secs',
      type=float,
      default=2.0,
      help='seconds to time the input and each matrix product (default 2)',
  )


def _check(args):
  """Raises UsageError for invalid arguments."""
  if args.rounds < 1 or args.constant_steps < 1 or args.secs <= 0:
    raise errors.UsageError(
        '--rounds=%d --constant_steps=%d --secs=%g: each value must be above 0'
        % (args.rounds, args.constant_steps, args.secs)
    )
  if args.steps < 100 or args.steps % 100:
    raise errors.UsageError(
        '--steps=%d must be a multiple of 100, so that each run has the same '
        'number of summaries' % args.steps
    )
  if args.source and args.dataset != 'cifar10':
    raise errors.UsageError(
        '--source=%s --dataset=%s: the tutorial reads only CIFAR-10; omit one '
        'of the flags' % (args.source, args.dataset)
    )
  if args.plot:
    plots.check(args.plot)


def _chosen(names, known, flag):
  """Returns the names that a flag selects, in the order of the known names."""
  names = names.split(',')
  for name in names:
    if name not in known:
      raise errors.UsageError(
          '%s=%s: there is no %r; choose from %s'
          % (flag, ','.join(names), name, ', '.join(known))
      )
  return [name for name in known if name in names]


def _commands(args, *, data_dir, dataset, scratch):
  """Returns the Commands for measure(), as selected by the arguments.

  Args:
    args: the parsed arguments.
    data_dir: str, an absolute path.
    dataset: description.Dataset.
    scratch: str, an existing directory.
  """
  source = command_line.path(args.source)
  name = args.dataset
  if os.path.exists(command_line.path(name)):
    name = command_line.path(name)
  data = {'data_dir': data_dir, 'dataset': name}
  tenfold = os.path.join(scratch, 'tenfold')
  os.mkdir(tenfold)
  tenfold_set.write(tenfold, dataset, data_dir)
  found = {
      'input': contestants.inputs(source=source, secs=args.secs, **data),
      'constant': contestants.constant(
          steps=args.constant_steps,
          secs=args.secs,
          processor=manifest.processor(),
      ),
      'end_to_end': contestants.end_to_end(
          source=source,
          steps=args.steps,
          towers=args.towers,
          workers=args.workers,
          **data,
      ),
      'start': contestants.start(source=source, **data),
      'eval': contestants.evaluation(
          source=source,
          checkpoint_dir=command_line.path(args.checkpoint_dir),
          **data,
      )
      if args.checkpoint_dir
      else {},
      'scaling': contestants.scaling(tenfold=tenfold, **data),
  }
  found = {
      measurement: found[measurement]
      for measurement in _chosen(
          args.measurements, contestants.MEASUREMENTS, '--measurements'
      )
  }
  return _of_contestants(found, args.contestants)


def _of_contestants(commands, names):
  """Returns the Commands of the contestants that a flag selects."""
  if names is None:
    return commands
  known = list(dict.fromkeys(c for found in commands.values() for c in found))
  chosen = _chosen(names, known, '--contestants')
  return {
      measurement: {c: found[c] for c in found if c in chosen}
      for measurement, found in commands.items()
  }


def _manifest(args, *, data_dir, dataset):
  """Returns the manifest of the runs, without the flags that select runs."""
  edition = None
  if args.source:
    edition = scripts.find_edition(command_line.path(args.source)).name
  return manifest.manifest(
      dataset=dataset,
      data_dir=data_dir,
      flags={
          'batch_size': config_lib.BATCH_SIZE,
          'steps': args.steps,
          'constant_steps': args.constant_steps,
          'secs': args.secs,
          'edition': edition,
      },
      packages=_PACKAGES,
  )


def _measured(args):
  """Performs the selected measurements; returns the Results."""
  data_dir = command_line.path(args.data_dir)
  dataset = config_lib.get_dataset(args.dataset)
  for eval_data in (False, True):
    checks.check(dataset, data_dir, eval_data)
  with tempfile.TemporaryDirectory() as scratch:
    commands = _commands(
        args, data_dir=data_dir, dataset=dataset, scratch=scratch
    )
    results = results_lib.open_or_create(
        command_line.path(args.json),
        _manifest(args, data_dir=data_dir, dataset=dataset),
    )
    measure(commands, results, rounds=args.rounds, scratch=scratch)
  return results


def _main(argv):
  args = _parser().parse_args(argv)
  _check(args)
  if args.data_dir:
    results = _measured(args)
  elif args.json:
    results = results_lib.read(command_line.path(args.json))
  else:
    raise errors.UsageError(
        'specify the images with --data_dir, or a results file with --json'
    )
  print(tables.text(results), end='')
  if args.plot:
    plot.draw(results, command_line.path(args.plot))
  return 0


if __name__ == '__main__':
  sys.exit(main())
