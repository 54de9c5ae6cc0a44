r"""Times our trainer against an unmodified historical one, in turn.

  benchmark --source=DIR --data_dir=DIR [--pairs=7] [--steps=100]

DIR of --source is what tools/historical.py takes.  Each run is a process of its
own; what is compared is the time from one logged step to another, summaries
and all, as the logs' own time stamps tell it, once the queue is full.  The
machine should have nothing else to do.
"""

import argparse
from datetime import datetime
import os
import re
import statistics
import subprocess
import sys
import tempfile

_WARM_UP_STEPS = 20
_LINE = re.compile(r'^(.*): step (\d+), loss = ')


def sec_per_batch(lines, first, last):
  """Returns the mean seconds of a step, from the log's time stamps.

  Args:
    lines: iterable of str, a trainer's log.
    first, last: int, two steps that are logged.

  Raises:
    ValueError: the log lacks one of them.
  """
  times = {}
  for line in lines:
    match = _LINE.match(line)
    if match:
      stamp = match.group(1)
      # Without its fraction where that happens to be zero.
      times[int(match.group(2))] = datetime.fromisoformat(stamp)
  if first not in times or last not in times:
    raise ValueError('the log has no step %d or no step %d' % (first, last))
  return (times[last] - times[first]).total_seconds() / (last - first)


def _time(command, data_dir, steps):
  """Runs a trainer for as many steps after its warm-up; returns sec/batch."""
  last = _WARM_UP_STEPS + steps
  with tempfile.TemporaryDirectory() as scratch:
    result = subprocess.run(
        [sys.executable, '-m'] + command +
        ['--data_dir=' + data_dir, '--max_steps=%d' % (last + 1),
         '--train_dir=' + os.path.join(scratch, 'train')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  if result.returncode:
    sys.stderr.write(result.stderr)
    raise subprocess.CalledProcessError(result.returncode, command)
  return sec_per_batch(result.stdout.splitlines(), _WARM_UP_STEPS, last)


def main(argv):
  parser = argparse.ArgumentParser(
      prog='benchmark', description=__doc__.partition('\n')[0])
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

  here = os.environ.get('BUILD_WORKING_DIRECTORY', '')
  historical = ['tools.historical', '--source=' + os.path.abspath(
      os.path.join(here, args.source)), 'cifar10_train']
  ours = ['cifar10_compat.cifar10_train']
  data_dir = os.path.abspath(os.path.join(here, args.data_dir))
  ratios = []
  print('pair  historical sec/batch  ours sec/batch  historical/ours')
  for pair in range(1, args.pairs + 1):
    a = _time(historical, data_dir, args.steps)
    b = _time(ours, data_dir, args.steps)
    ratios.append(a / b)
    print('%4d  %20.4f  %14.4f  %15.3f' % (pair, a, b, ratios[-1]), flush=True)
  print('throughput against the historical trainer: median %.3f '
        '(%.3f to %.3f)' %
        (statistics.median(ratios), min(ratios), max(ratios)))


if __name__ == '__main__':
  main(sys.argv[1:])
