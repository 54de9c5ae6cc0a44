r"""Times our trainer against an unmodified historical one, in turn.

  benchmark --source=DIR --data_dir=DIR [--pairs=7] [--steps=100]

DIR of --source is what tools/historical.py takes.  Each run is a process of its
own; what is compared is the time from one logged step to another, summaries
and all, as the logs' own time stamps tell it, once the queue is full.  The
machine should have nothing else to do.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import os
import statistics
import sys
import tempfile

from cifar10_compat import errors
from tools import command_line
from tools import processes
from tools import training_log

_WARM_UP_STEPS = 20


def sec_per_batch(log, first, last):
  """Returns the mean seconds of a step, from the log's time stamps.

  Args:
    log: str, what a trainer printed.
    first, last: int, two steps that are logged.

  Raises:
    UsageError: the log lacks one of them.
  """
  times = {line.step: line.time for line in training_log.parse(log)}
  if first not in times or last not in times:
    raise errors.UsageError(
        'the log has no step %d or no step %d: --steps must be a multiple of '
        '10' % (first, last))
  return (times[last] - times[first]).total_seconds() / (last - first)


def _time(module, args, data_dir, steps):
  """Runs a trainer for as many steps after its warm-up; returns sec/batch."""
  last = _WARM_UP_STEPS + steps
  with tempfile.TemporaryDirectory() as scratch:
    log = processes.run(
        module, args + ['--data_dir=' + data_dir, '--max_steps=%d' % (last + 1),
                        '--train_dir=' + os.path.join(scratch, 'train')],
        'a run of %s failed' % module)
  return sec_per_batch(log, _WARM_UP_STEPS, last)


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('benchmark', lambda: _main(argv))


def _main(argv):
  parser = command_line.Parser(prog='benchmark', allow_abbrev=False,
                               description=__doc__.partition('\n')[0])
  parser.add_argument('--source', required=True, metavar='DIR',
                      help='the unmodified historical files')
  parser.add_argument('--data_dir', required=True, metavar='DIR',
                      help='the directory above cifar-10-batches-bin')
  parser.add_argument('--pairs', type=int, default=7,
                      help='runs of each (default 7)')
  parser.add_argument('--steps', type=int, default=100,
                      help='steps that are timed, a multiple of 10 '
                           '(default 100)')
  args = parser.parse_args(argv)

  if args.pairs < 1 or args.steps < 10 or args.steps % 10:
    raise errors.UsageError(
        '--pairs=%d --steps=%d: at least one pair, and a multiple of 10 steps' %
        (args.pairs, args.steps))
  historical = ['--source=' + command_line.path(args.source), 'cifar10_train']
  data_dir = command_line.path(args.data_dir)
  ratios = []
  print('pair  historical sec/batch  ours sec/batch  historical/ours')
  for pair in range(1, args.pairs + 1):
    a = _time('tools.historical', historical, data_dir, args.steps)
    b = _time('cifar10_compat.cifar10_train', [], data_dir, args.steps)
    ratios.append(a / b)
    print('%4d  %20.4f  %14.4f  %15.3f' % (pair, a, b, ratios[-1]), flush=True)
  print('throughput against the historical trainer: median %.3f '
        '(%.3f to %.3f)' %
        (statistics.median(ratios), min(ratios), max(ratios)))
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
