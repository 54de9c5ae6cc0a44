"""Watches a long training run and its evaluator for leaks.

  endurance --data_dir=DIR --train_dir=DIR --json=FILE [--max_steps=20000]
      [--plot=FILE] [-- FLAGS OF THE TRAINER]
  endurance --json=FILE --plot=FILE

Starts cifar10_train, and cifar10_eval after the first checkpoint.  Every few
seconds, the program records the memory, threads and open files of each process,
and the trainer's step.  The exit code is 1 if the memory, threads, open files
or step time grew by more than 1%: growth is measured from the median over the
second tenth of the steps to the median over the last fifth.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from cifar10_compat.base import errors
from cifar10_compat.data import datasets

from ..base import command_line
from ..base import json_files
from ..base import manifest
from ..base import plots
from ..base import processes
from ..base import training_log

_INTERVAL_SECS = 5
# Seconds between two evaluations, so short that each checkpoint is evaluated
# even with --fast.
_EVAL_INTERVAL_SECS = 20
# Maximum growth of a quantity, as a fraction.
_BOUND = 0.01
_QUANTITIES = {
    'memory_bytes': ('memory, MB', 1e-6),
    'threads': ('threads', 1),
    'open_files': ('open files', 1),
}
_COLORS = {'train': '#4477aa', 'eval': '#cc6677'}


def sample(pid):
  """Returns a process's current values of _QUANTITIES, a dict.

  Args:
    pid: int, the id of a running process.

  Raises:
    OSError: the process has ended.
  """
  with open('/proc/%d/status' % pid, encoding='utf-8') as f:
    fields = dict(line.split(':', 1) for line in f)
  return {
      'memory_bytes': int(fields['VmRSS'].split()[0]) << 10,
      'threads': int(fields['Threads']),
      'open_files': len(os.listdir('/proc/%d/fd' % pid)),
  }


def watch(trainer_args, evaluator_args, *, interval_secs=_INTERVAL_SECS):
  """Runs a trainer until it ends, together with an evaluator.

  Args:
    trainer_args, evaluator_args: lists of str, the flags of the two programs.
    interval_secs: float, the time between two samples.

  Returns:
    samples: list of dict with `seconds`, `step`, and the results of sample()
      for both processes, `train` and `eval`; `eval` is None before the
      evaluator starts.
    steps: list of [step, step time in seconds] in the trainer's log.
    evaluations: int, number of evaluations.

  Raises:
    UsageError: a program failed.
  """
  samples = []
  with tempfile.TemporaryDirectory() as scratch:
    train_log, eval_log = [
        os.path.join(scratch, name) for name in ('train.log', 'eval.log')
    ]
    begin = time.monotonic()
    trainer = _start('cifar10_compat.cifar10_train', trainer_args, train_log)
    evaluator = None
    try:
      while trainer.poll() is None:
        time.sleep(interval_secs)
        lines = _lines(train_log)
        if evaluator is None and lines:
          evaluator = _start(
              'cifar10_compat.cifar10_eval', evaluator_args, eval_log
          )
        if evaluator and evaluator.poll() is not None:
          raise _failed('cifar10_eval', eval_log)
        try:
          taken = {
              'seconds': time.monotonic() - begin,
              'step': lines[-1].step if lines else 0,
              'train': sample(trainer.pid),
              'eval': evaluator and sample(evaluator.pid),
          }
        except (OSError, KeyError):  # A process has just ended.
          break
        samples.append(taken)
      if trainer.wait():
        raise _failed('cifar10_train', train_log)
    finally:
      for process in filter(None, (trainer, evaluator)):
        processes.stop(process)
    return (
        samples,
        [[line.step, line.sec_per_batch] for line in _lines(train_log)],
        _read(eval_log).count('precision @ 1'),
    )


def _start(module, args, log):
  # Open the log again, so that only the child uses the new file position.
  with open(log, 'a', encoding='utf-8') as f:
    return processes.start(module, args, stdout=f, stderr=subprocess.STDOUT)


def _read(log):
  try:
    return pathlib.Path(log).read_text(encoding='utf-8')
  except FileNotFoundError:
    return ''


def _lines(log):
  return training_log.parse(_read(log))


def _failed(name, log):
  last = (_read(log).strip().splitlines() or ['no message'])[-1]
  return errors.UsageError('%s failed: %s' % (name, last))


def medians(result):
  """Returns {name: (median at the start, median at the end)} for each quantity.

  Examples of names are "train memory_bytes" and "step time in seconds".

  Args:
    result: dict, the content of a results file.

  Raises:
    UsageError: a quantity has no samples at the start or at the end.
  """
  samples = result['samples']
  last = max((step for step, _ in result['steps']), default=0)
  series = {
      '%s %s'
      % (process, quantity): [
          (s['step'], s[process][quantity]) for s in samples if s[process]
      ]
      for process in ('train', 'eval')
      for quantity in _QUANTITIES
  }
  series['step time in seconds'] = result['steps']
  found = {}
  for name, points in series.items():
    start = [value for step, value in points if last / 10 <= step < last / 5]
    end = [value for step, value in points if step >= last * 4 / 5]
    if not start or not end:
      raise errors.UsageError(
          '%s has no samples at the start or at the end of the run: use an '
          'empty --train_dir and more --max_steps, and let the run finish'
          % name
      )
    found[name] = statistics.median(start), statistics.median(end)
  return found


def growth(result):
  """Returns a dict from each quantity's name to its growth, as a fraction.

  Args:
    result: dict, the content of a results file.
  """
  return {
      name: end / start - 1 for name, (start, end) in medians(result).items()
  }


def draw(result, path):
  """Plots each quantity of a result against the steps, in separate charts.

  Args:
    result: dict, the content of a results file.
    path: str, the file to write; its name ends with .png or .svg.

  Raises:
    UsageError: see plots.check() and plots.save().
  """
  plots.check(path)
  with plots.figure((8, 8)) as drawing:
    all_axes = drawing.subplots(len(_QUANTITIES) + 1, sharex=True)
    for axes, (quantity, (title, scale)) in zip(all_axes, _QUANTITIES.items()):
      for process, color in _COLORS.items():
        points = [
            (s['step'], s[process][quantity] * scale)
            for s in result['samples']
            if s[process]
        ]
        axes.plot(*zip(*points), color=color, label='cifar10_' + process)
      axes.set_title(title, loc='left', fontsize=10)
    all_axes[0].legend(frameon=False, loc='lower right')
    all_axes[-1].plot(
        *zip(*result['steps']), color=_COLORS['train'], linewidth=0.5
    )
    all_axes[-1].set_title('step time in seconds', loc='left', fontsize=10)
    all_axes[-1].set_xlabel('step')
    for axes in all_axes:
      axes.spines[['top', 'right']].set_visible(False)
      axes.set_ylim(bottom=0)
      axes.xaxis.set_major_formatter('{x:,.10g}')
    plots.save(drawing, path)


def table(result):
  """Returns the columns and rows of a result's table, all str."""
  rows = []
  grown = growth(result)
  for name, values in medians(result).items():
    process, _, quantity = name.partition(' ')
    if quantity in _QUANTITIES:
      title, scale = _QUANTITIES[quantity]
      title = 'cifar10_%s: %s' % (process, title)
    else:
      title, scale = name, 1
    rows.append(
        [title]
        + ['%.4g' % (value * scale) for value in values]
        + ['%+.2f%%' % (100 * grown[name])]
    )
  return ['', 'start', 'end', 'growth'], rows


@command_line.program('endurance')
def main(argv):
  parser = command_line.Parser(
      prog='endurance',
      description=__doc__,
  )
  parser.add_argument('--data_dir', metavar='DIR')
  parser.add_argument('--train_dir', metavar='DIR')
  parser.add_argument('--json', metavar='FILE', required=True)
  parser.add_argument('--plot', metavar='FILE.svg')
  parser.add_argument('--max_steps', type=int, default=20000)
  parser.add_argument('flags', nargs='*', metavar='FLAG')
  args = parser.parse_args(argv)
  path = command_line.path(args.json)
  if args.data_dir:
    if not args.train_dir:
      parser.error('--train_dir is required')
    data_dir = command_line.path(args.data_dir)
    train_dir = command_line.path(args.train_dir)
    shared = ['--data_dir=' + data_dir]
    samples, steps, evaluations = watch(
        shared
        + ['--train_dir=' + train_dir, '--max_steps=%d' % args.max_steps]
        + args.flags,
        shared
        + [
            '--checkpoint_dir=' + train_dir,
            '--eval_dir=%s/eval' % train_dir,
            '--eval_interval_secs=%d' % _EVAL_INTERVAL_SECS,
        ],
    )
    result = {
        'manifest': manifest.manifest(
            dataset=datasets.CIFAR10,
            data_dir=data_dir,
            flags={'max_steps': args.max_steps, 'trainer': args.flags},
        ),
        'evaluations': evaluations,
        'samples': samples,
        'steps': steps,
    }
    medians(
        result
    )  # Raise any error before FILE is overwritten with an incomplete result.
    json_files.write(path, result)
  else:
    result = json_files.read(path, remedy='add --data_dir to train')
  if args.plot:
    draw(result, command_line.path(args.plot))
  grown = growth(result)
  for name, by in grown.items():
    print('%-20s %+.2f%%' % (name, 100 * by))
  return 0 if all(by <= _BOUND for by in grown.values()) else 1


if __name__ == '__main__':
  sys.exit(main())
