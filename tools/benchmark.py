r"""Times our trainer against another one, in turn.

  benchmark --data_dir=DIR --source=DIR   an unmodified historical one
  benchmark --data_dir=DIR --towers=2     two CPU towers of half the batch
  benchmark --data_dir=DIR --workers=2    a parameter server and two workers,
                                          of half the batch each

DIR of --source is what tools/historical.py takes.  Each run is a process of its
own, or several; what is compared is the time from one logged step to another,
summaries and all, as the logs' own time stamps tell it, once the queue is full.
The machine should have nothing else to do.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import argparse
import os
import statistics
import sys
import tempfile

from cifar10_compat import cifar10
from cifar10_compat import errors
from tools import command_line
from tools import launch
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


def _time(module, args, data_dir, steps, name=''):
  """Runs a trainer for as many steps after its warm-up.

  Args:
    module: str.
    args: list of str.
    data_dir: str.
    steps: int, a multiple of 10.
    name: str, what //tools:launch calls the process whose lines count.

  Returns:
    float, seconds of a step.
  """
  last = _WARM_UP_STEPS + steps
  with tempfile.TemporaryDirectory() as scratch:
    log = processes.run(
        module, args + ['--data_dir=' + data_dir, '--max_steps=%d' % (last + 1),
                        '--train_dir=' + os.path.join(scratch, 'train')],
        'a run of %s failed' % module)
  if name:
    log = launch.lines_of(name, log)
  return sec_per_batch(log, _WARM_UP_STEPS, last)


def _other(args):
  """Returns _time()'s module and args, and what to call the other trainer."""
  if args.source:
    return ('tools.historical',
            ['--source=' + command_line.path(args.source), 'cifar10_train'], '',
            'historical')
  number = args.workers if args.towers is None else args.towers
  if number < 1 or cifar10.BATCH_SIZE % number:
    raise errors.UsageError(
        '%d towers or workers: they must share a batch of %d evenly' %
        (number, cifar10.BATCH_SIZE))
  batch_size = '--batch_size=%d' % (cifar10.BATCH_SIZE // number)
  if args.workers is None:
    return ('cifar10_compat.cifar10_multi_gpu_train',
            ['--num_gpus=%d' % number, '--tower_devices=cpu', batch_size], '',
            'towers')
  return ('tools.launch', ['--ps=1', '--workers=%d' % number, batch_size],
          'worker 0', 'workers')


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('benchmark', lambda: _main(argv))


def _main(argv):
  parser = command_line.Parser(prog='benchmark', allow_abbrev=False,
                               description=__doc__,
                               formatter_class=
                               argparse.RawDescriptionHelpFormatter)
  other = parser.add_mutually_exclusive_group(required=True)
  other.add_argument('--source', metavar='DIR',
                     help='the unmodified historical files')
  other.add_argument('--towers', type=int, metavar='N',
                     help='towers on as many CPU devices')
  other.add_argument('--workers', type=int, metavar='N',
                     help='workers beside one parameter server')
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
  module, flags, process, name = _other(args)
  data_dir = command_line.path(args.data_dir)
  ratios = []
  print('pair  %10s sec/batch  trainer sec/batch  %s/trainer' % (name, name))
  for pair in range(1, args.pairs + 1):
    a = _time(module, flags, data_dir, args.steps, process)
    b = _time('cifar10_compat.cifar10_train', [], data_dir, args.steps)
    ratios.append(a / b)
    print('%4d  %20.4f  %17.4f  %s' %
          (pair, a, b, ('%.3f' % ratios[-1]).rjust(len(name) + 8)), flush=True)
  print('time of a step of the %s against the trainer: median %.3f '
        '(%.3f to %.3f)' %
        (name, statistics.median(ratios), min(ratios), max(ratios)))
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
