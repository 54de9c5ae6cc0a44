"""Trains the experiments of docs/results.md, and writes their results files.

  reproduce --list
  reproduce --out=DIR [--seeds=1-3] [--dry_run] EXPERIMENT...

Trains each run of the experiments, keeps a checkpoint every 1,000 steps,
evaluates the checkpoints with averaged and with raw weights, on each test image
once, and writes EXPERIMENT_SEED.json into --results.  After Ctrl-C or a kill,
the same command resumes.  --dry_run estimates the time on this machine.  DIR is
the directory of the runs with all their checkpoints, 9 MB each.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import functools
import os
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import datasets
from cifar10_compat.data import download

from ..base import command_line
from ..base import json_files
from ..base import manifest
from ..base import text_tables
from ..base import training_log
from . import plan
from . import record
from . import run as run_lib

_IMAGES = 'CIFAR-10'
# Number of steps that --dry_run times if no run exists; more than a few,
# because the first steps are slow.
_TRIAL_STEPS = 60


def seeds_of(text: str | None, experiment: plan.Experiment) -> list[int]:
  """Returns the seeds that --seeds selects.

  Args:
    text: '3' or '1-3', or None for all seeds of the experiment.
    experiment: the experiment.

  Raises:
    UsageError: the text is neither a seed nor a range of seeds.
  """
  if text is None:
    return list(range(1, experiment.seeds + 1))
  first, _, last = text.partition('-')
  try:
    seeds = list(range(int(first), int(last or first) + 1))
  except ValueError:
    seeds = []
  if not seeds:
    raise errors.UsageError(
        '--seeds=%s: it must be a seed, or FIRST-LAST' % text
    )
  return seeds


def secs_per_step(
    experiment: plan.Experiment, data_dir: str, stop: signals.StopRequest
) -> float:
  """Measures the step time, in seconds, in a short training run.

  Args:
    experiment: the experiment to train.
    data_dir: the parent directory of the set's directory.
    stop: a request to end the run.

  Raises:
    UsageError: the run fails.
  """
  with tempfile.TemporaryDirectory() as scratch:
    trial = experiment._replace(max_steps=_TRIAL_STEPS)
    run = run_lib.Run(scratch, 'trial', trial, 1)
    code = run.train(data_dir=data_dir, manifest={'dataset': None}, stop=stop)
    parts = run.lines()
    if code or not parts:
      raise errors.UsageError(f'the trial ended with exit code {code}')
    return _pace([l for l in parts[-1] if l.step >= _TRIAL_STEPS // 2])


def secs_left(
    run: run_lib.Run, secs_per_step: float | None = None
) -> float | None:
  """Estimates the remaining time of a training run.

  Args:
    run: the run, started or not.
    secs_per_step: the step time if the run has no steps yet.

  Returns:
    Seconds, or None if unknown.
  """
  if run.trained():
    return 0.0
  parts = run.lines()
  if parts and len(parts[-1]) > 1:
    secs_per_step = _pace(parts[-1][-100:])
  if secs_per_step is None:
    return None
  return secs_per_step * (run.experiment.max_steps - run.last_step())


def progress(run: run_lib.Run) -> str:
  """Describes a run's step and the remaining time."""
  step, left = run.last_step(), secs_left(run)
  return f'{run.name}: step {step:,} of {run.experiment.max_steps:,}' + (
      '' if left is None else f', {duration(left)} left'
  )


def duration(secs: float) -> str:
  """Formats a duration, for example as '2 h 05 min' or '7 min'."""
  hours, minutes = divmod(round(secs / 60), 60)
  return f'{hours} h {minutes:02} min' if hours else f'{minutes} min'


def _pace(lines: list[training_log.Line]) -> float:
  """Returns the mean seconds per step, from the first to the last log line."""
  secs = (lines[-1].time - lines[0].time).total_seconds()
  return secs / (lines[-1].step - lines[0].step)


def _parser():
  parser = command_line.Parser(
      prog='reproduce',
      description=__doc__,
  )
  parser.add_argument('experiments', nargs='*', metavar='EXPERIMENT')
  parser.add_argument('--list', action='store_true', help='list experiments')
  parser.add_argument('--out', metavar='DIR', help='the directory of the runs')
  parser.add_argument(
      '--seeds', metavar='N-M', help='(default: all seeds of the experiment)'
  )
  parser.add_argument(
      '--dry_run', action='store_true', help='estimate the time'
  )
  parser.add_argument(
      '--data_dir',
      default='/tmp/cifar10_data',
      metavar='DIR',
      help='directory above the images, which are downloaded if missing '
      '(default %(default)s)',
  )
  parser.add_argument(
      '--images',
      default=_IMAGES,
      metavar='TEXT',
      help='description of the images (default %(default)s)',
  )
  parser.add_argument(
      '--results',
      default=os.path.join(manifest.ROOT, 'docs', 'data', 'runs'),
      metavar='DIR',
      help='directory for the results files (default: docs/data/runs in the '
      'checkout)',
  )
  return parser


@command_line.program('reproduce')
def main(argv):
  parser = _parser()
  args = parser.parse_args(argv)
  if args.list:
    print(
        text_tables.text(
            (name, f'{e.max_steps:,} steps', f'{e.seeds} seeds', e.title)
            for name, e in plan.EXPERIMENTS.items()
        )
    )
    return 0
  if not args.out or not args.experiments:
    parser.error('specify an experiment and --out, or use --list')
  out = command_line.path(args.out)
  runs = [
      run_lib.Run(out, name, plan.get(name), seed)
      for name in args.experiments
      for seed in seeds_of(args.seeds, plan.get(name))
  ]
  data_dir = command_line.path(args.data_dir)
  results = command_line.path(args.results)
  with command_line.writing(results, '--results'):
    os.makedirs(results, exist_ok=True)
  tf.disable_v2_behavior()
  with signals.stop_on_signals() as stop:
    download.maybe_download_and_extract(
        data_dir=data_dir, dataset=datasets.CIFAR10, stop=stop
    )
    if args.dry_run:
      return _estimate(runs, data_dir, stop)
    for run in runs:
      code = _finish(run, args, data_dir=data_dir, stop=stop)
      if code:
        return code
  return 0


def _estimate(runs, data_dir, stop):
  """Prints the estimated time of each run."""
  measured, total = {}, 0.0
  for run in runs:
    secs = secs_left(run)
    if secs is None:
      if run.experiment not in measured:
        measured[run.experiment] = secs_per_step(run.experiment, data_dir, stop)
      secs = secs_left(run, measured[run.experiment])
    total += secs
    print(f'{run.name}: {duration(secs)}', flush=True)
  print(f'all: {duration(total)}')
  return 0


def _finish(run, args, *, data_dir, stop):
  """Trains and evaluates a run; writes its results; returns the exit code."""
  report = functools.partial(print, flush=True)

  def report_progress():
    report(progress(run))

  report_progress()
  if not run.trained():
    code = run.train(
        data_dir=data_dir,
        manifest=manifest.manifest(
            dataset=datasets.CIFAR10,
            data_dir=data_dir,
            flags=dict(
                run.experiment._asdict(), flags=list(run.experiment.flags)
            ),
            seed=run.seed,
        ),
        stop=stop,
        report=report_progress,
    )
    if code:
      return code
    if not run.trained():
      raise errors.UsageError(
          '%s ended without a checkpoint of its last step: see %s, and run the '
          'command again' % (run.name, run.path('train.log'))
      )
  run.evaluate(data_dir=data_dir, stop=stop, report=report)
  if stop.requested:
    return 128 + stop.signum
  path = os.path.join(command_line.path(args.results), run.name + '.json')
  json_files.write(path, record.record(run, args.images), '--results')
  report(f'{run.name}: {path}')
  return 0


if __name__ == '__main__':
  sys.exit(main())
