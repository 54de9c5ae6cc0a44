"""Performs one run of an experiment: trains, keeps and evaluates checkpoints.

  run [--data_dir=DIR and other flags of cifar10_eval] CHECKPOINT...

A run has a separate directory:

  manifest.json  the initial conditions, and later_commits, the commits with
                 which the run was resumed
  train/         the trainer's train_dir, with the newest checkpoints
  kept/          links to the checkpoints to evaluate
  train.log      the trainer's output from all parts of the run
  scores.json    the precisions so far

A run can be interrupted at any time, and then resumed.

Run as a program, this module evaluates checkpoints like cifar10_eval, so that
TensorFlow is loaded with the training run's settings.  For each checkpoint, the
program prints a line, {"step": 1000, "precision": 0.3141}, after the output of
cifar10_eval.
"""

# Import first: TensorFlow reads its log levels at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

from collections.abc import Callable, Iterable, Iterator
import contextlib
import dataclasses
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from absl import flags as absl_flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_eval
from cifar10_compat import config as config_lib
from cifar10_compat import startup
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from cifar10_compat.base import signals
from cifar10_compat.training import checkpoints

from ..base import command_line
from ..base import json_files
from ..base import processes
from ..base import training_log
from ..run import launch
from . import plan

# Checkpoints at multiples of this number of steps are evaluated; the trainers
# save at these steps.
EVERY = 1000
# Maximum number of steps by which a chief's save can be late, because the chief
# notices other workers' steps with a delay.
_LATE = 10
# The trainers keep five checkpoints, and save at most one per minute.
_LOOK_SECS = 2.0
_STOP_SECS = 120
# Attributes of an experiment that can change before a run is resumed.
_NOT_TRAINED_WITH = ('title', 'seeds', 'views')
# The line that starts a part of train.log.  Time between parts does not count.
PART = 'reproduce: training starts or resumes'
# The line that earlier versions wrote.
_PART_LINE = re.compile(r'^reproduce: .*\n', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
  """A run of an experiment."""

  out: str  # the directory of all runs
  kind: str  # the name of the experiment
  experiment: plan.Experiment
  seed: int

  @property
  def name(self) -> str:
    """The name of the run, EXPERIMENT_SEED."""
    return f'{self.kind}_{self.seed}'

  @property
  def directory(self) -> str:
    """The directory of the run."""
    return os.path.join(self.out, self.name)

  def path(self, name: str) -> str:
    """Returns the path of a file or a directory of the run."""
    return os.path.join(self.directory, name)

  def flags(self) -> list[str]:
    """Returns the flags of the training program, except its directories."""
    experiment = self.experiment
    return (
        ['--fast'] * experiment.fast
        + ['--model=' + experiment.model]
        + ['--seed=%d' % self.seed, '--max_steps=%d' % experiment.max_steps]
        + list(experiment.flags)
    )

  def command(self) -> str:
    """Returns the command that repeats the training run."""
    return ' '.join(
        ['tools/bazel run //tools:launch --', *self._layout(), *self.flags()]
    )

  def _layout(self):
    return [
        '--%s=%d' % (name, number)
        for name in ('towers', 'ps', 'workers')
        if (number := getattr(self.experiment, name))
    ]

  def lines(self) -> list[list[training_log.Line]]:
    """Returns the lines of train.log, one list per part."""
    try:
      text = pathlib.Path(self.path('train.log')).read_text(encoding='utf-8')
    except FileNotFoundError:
      return []
    # If there were several training processes, use the lines of only one
    # process.
    name = 'worker 0' if self.experiment.workers else 'train'
    found = [
        training_log.parse(launch.lines_of(name, part))
        or training_log.parse(part)
        for part in _PART_LINE.split(text)
    ]
    return [part for part in found if part]

  def last_step(self) -> int:
    """Returns the last logged step, or 0 if there is none."""
    parts = self.lines()
    return parts[-1][-1].step if parts else 0

  def trained(self) -> bool:
    """Returns whether the checkpoint of the last step exists."""
    return max(self.kept(), default=0) >= self.experiment.max_steps

  def manifest(self) -> dict | None:
    """Returns the initial conditions of the run; None if it has not started."""
    return json_files.read_if_there(self.path('manifest.json'), None)

  def train(
      self,
      *,
      data_dir: str,
      manifest: dict,
      stop: signals.StopRequest,
      report: Callable[[], None] | None = None,
  ) -> int:
    """Trains until the last step, or until a stop is requested.

    Args:
      data_dir: the parent directory of the set's directory.
      manifest: the result of manifest.manifest(), for a new run.
      stop: a request to end the training.
      report: a function that is called at each checkpoint.

    Returns:
      The exit code of the training program; 128 plus the signal number after a
      stop.

    Raises:
      UsageError: the run was started with other images, flags or packages, or
        its directory cannot be written.
    """
    with command_line.writing(self.directory, '--out'):
      os.makedirs(self.path('kept'), exist_ok=True)
    begun = self.manifest()
    if begun is None:
      self._write_manifest(manifest)
    else:
      self._check_same(begun, manifest)
      commits = [begun.get('commit')] + begun.get('later_commits', [])
      if manifest.get('commit') != commits[-1]:
        later = commits[1:] + [manifest['commit']]
        self._write_manifest(dict(begun, later_commits=later))
    with open(self.path('train.log'), 'a', encoding='utf-8') as log:
      log.write(PART + '\n')
      log.flush()
      process = processes.start(
          processes.tool('run.launch'),
          self._layout()
          + ['--data_dir=' + data_dir, '--train_dir=' + self.path('train')]
          + self.flags(),
          group=True,  # Keep Ctrl-C from reaching the trainer.
          stdout=log,
      )
      return self._watch(process, stop, report)

  def _write_manifest(self, manifest):
    json_files.write(self.path('manifest.json'), manifest, '--out')

  def _check_same(self, begun, manifest):
    """Raises UsageError if a run cannot be resumed under these conditions."""
    now = _conditions(manifest)
    for name, then in _conditions(begun).items():
      if then != now[name]:
        raise errors.UsageError(
            f'{self.directory} was started with other settings ({name}: {then} '
            f'instead of {now[name]}): restore the settings, or choose another '
            '--out'
        )

  def _watch(self, process, stop, report):
    """Keeps checkpoints until a process ends; returns its exit code."""
    reported = self.last_step() // EVERY
    try:
      while True:
        ended = process.poll() is not None
        self.keep()
        if self.last_step() // EVERY > reported:
          reported = self.last_step() // EVERY
          if report:
            report()
        if ended or stop.requested:
          break
        time.sleep(_LOOK_SECS)
    finally:
      code = processes.stop(process, _STOP_SECS)
      self.keep()
    return 128 + stop.signum if stop.requested else code

  def keep(self) -> None:
    """Links each complete checkpoint listed in train/ into kept/."""
    state = tf.train.get_checkpoint_state(self.path('train'))
    for path in state.all_model_checkpoint_paths if state else ():
      name = os.path.basename(path)
      late = _LATE if self.experiment.workers else 0
      if checkpoints.Checkpoint.at(path).step % EVERY > late:
        continue  # The checkpoint was saved after a stop signal.
      for file in glob.glob(glob.escape(self.path('train/' + name)) + '.*'):
        if re.search(r'\.(index|data-\d+-of-\d+)$', file):
          _link(file, self.path('kept'))

  def kept(self) -> dict[int, str]:
    """Returns a dict from step to the path of the kept checkpoint, in order.

    Step 0 is skipped.
    """
    found = {}
    for index in glob.glob(glob.escape(self.path('kept')) + '/*.index'):
      path = index[: -len('.index')]
      if os.path.exists(path + '.data-00000-of-00001'):
        found[checkpoints.Checkpoint.at(path).step] = path
    return {step: found[step] for step in sorted(found) if step}

  def scores(self) -> dict[str, dict[str, float]]:
    """Returns the precisions so far, the content of scores.json."""
    return json_files.read_if_there(
        self.path('scores.json'), {'averaged': {}, 'raw': {}, 'views': {}}
    )

  def evaluate(
      self,
      *,
      data_dir: str,
      stop: signals.StopRequest,
      report: Callable[[str], None],
  ) -> None:
    """Evaluates the kept checkpoints that have no score yet.

    Args:
      data_dir: the parent directory of the set's directory.
      stop: a request to end the evaluation after a checkpoint.
      report: a function that is called with each precision.

    Raises:
      UsageError: an evaluation failed.
    """
    kept = self.kept()
    for weights in ('averaged', 'raw'):
      known = self.scores()[weights]
      paths = [p for step, p in kept.items() if str(step) not in known]
      for step, precision in self._measure(
          paths, data_dir, f'--averaged={weights == "averaged"}', stop
      ):
        self._note(weights, step, precision)
        report(f'{self.name}: step {step}, {weights}: {precision:.4f}')
    for views in self.experiment.views:
      if self.trained() and str(views) not in self.scores()['views']:
        for _, precision in self._measure(
            [kept[max(kept)]], data_dir, f'--views={views}', stop
        ):
          self._note('views', views, precision)
          report(f'{self.name}: {views} views: {precision:.4f}')

  def _note(self, kind, key, precision):
    scores = self.scores()
    scores[kind][str(key)] = precision
    json_files.write(self.path('scores.json'), scores, '--out')

  def _measure(self, paths, data_dir, flag, stop):
    """Evaluates checkpoints in a process; yields (step, precision) for each."""
    if not paths or stop.requested:
      return
    env = {}
    if self.experiment.fast and startup.ONEDNN not in os.environ:
      env[startup.ONEDNN] = '1'  # Use the environment of cifar10_eval --fast.
    with processes.start(
        processes.tool('experiments.run'),
        ['--data_dir=' + data_dir, '--model=' + self.experiment.model, flag]
        + ['--fast'] * self.experiment.fast
        + paths,
        env,
        group=True,
        stdout=subprocess.PIPE,
    ) as process:
      try:
        for line in process.stdout:
          if line.startswith('{'):
            score = json.loads(line)
            yield score['step'], score['precision']
          if stop.requested:
            return
        code = process.wait()
      finally:
        process.terminate()
    if code:
      raise errors.UsageError(
          f'{self.name}: the evaluation ended with exit code {code}'
      )


def _conditions(manifest):
  """Returns the conditions that must not change when a run is resumed."""
  flags = manifest.get('flags') or {}
  return {
      'images': manifest['dataset'],
      'flags': {k: v for k, v in flags.items() if k not in _NOT_TRAINED_WITH},
      'seed': manifest.get('seed'),
      'versions of packages': manifest.get('versions'),
  }


def _link(file, directory):
  """Links a file into a directory, or copies it if links fail."""
  target = os.path.join(directory, os.path.basename(file))
  if os.path.exists(target):
    return
  scratch = target + '.tmp'
  if os.path.exists(scratch):  # A killed run left this link.
    os.remove(scratch)
  with contextlib.suppress(
      FileNotFoundError
  ):  # The trainer has just removed the file.
    try:
      os.link(file, scratch)
    except FileNotFoundError:
      raise
    except OSError:
      shutil.copyfile(file, scratch)
    os.replace(scratch, target)


def scores(
    paths: Iterable[str], config: config_lib.Eval
) -> Iterator[tuple[int, float]]:
  """Evaluates checkpoints, with paths that end in -STEP, one after another.

  Yields:
    step, precision: for each checkpoint; precision is from 0 to 1.

  Raises:
    UsageError, DataError, CheckpointError: see cifar10_eval.evaluate().
  """
  for path in paths:
    # The evaluator uses the newest checkpoint of a directory.
    with tempfile.TemporaryDirectory() as alone:
      for file in glob.glob(glob.escape(os.path.abspath(path)) + '.*'):
        os.symlink(file, os.path.join(alone, os.path.basename(file)))
      name = os.path.join(alone, os.path.basename(path))
      tf.train.update_checkpoint_state(alone, name)
      alone_config = dataclasses.replace(
          config, checkpoint_dir=alone, run_once=True
      )
      precision = cifar10_eval.evaluate(alone_config)
    yield checkpoints.Checkpoint.at(path).step, precision


@command_line.program('run')
def main(argv):
  flag_values = absl_flags.FlagValues()
  settings.define_flags(config_lib.Eval, flag_values)
  _, *paths = flag_values(['run', *(sys.argv[1:] if argv is None else argv)])
  config = settings.from_flags(config_lib.Eval, flag_values=flag_values)
  tf.disable_v2_behavior()
  for step, precision in scores(paths, config):
    print(json.dumps({'step': step, 'precision': precision}), flush=True)
  return 0


if __name__ == '__main__':
  sys.exit(main())
