"""One run of an experiment: trains, keeps its checkpoints, evaluates them.

A run has a directory of its own:

  manifest.json  what it was begun with, and later_commits, where it went on with
                 the code of others
  train/         the trainer's train_dir, which holds the newest checkpoints
  kept/          links to the checkpoints to be evaluated
  train.log      what the trainer printed, in all its parts
  scores.json    the precisions so far

All of it can be interrupted at any moment and goes on from there.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import time

import tensorflow.compat.v1 as tf

from cifar10_compat import startup
from cifar10_compat.base import errors
from cifar10_compat.training import checkpoints

from ..base import json_files
from ..base import processes
from ..base import supervision
from ..base import training_log
from ..run import launch

# Checkpoints of these steps are evaluated; the trainers save as often.
EVERY = 1000
# A chief may see a step late that another worker made.
_LATE = 10
# The trainers keep five checkpoints, and save one a minute at most.
_LOOK_SECS = 2.0
_STOP_SECS = 120
# Of an experiment, what its runs may be continued without.
_NOT_TRAINED_WITH = ('title', 'seeds', 'views')
# Begins a part of train.log: the time between two parts is nobody's.
PART = 'reproduce: the training begins or goes on'


class Run(object):
  """A run of an experiment.

  Attributes:
    name: str, EXPERIMENT_SEED.
    experiment: experiments.Experiment.
    seed: int.
    directory: str, the run's own.
  """

  def __init__(self, out, name, experiment, seed):
    """Looks at nothing yet.

    Args:
      out: str, the directory of all runs.
      name: str, of the experiment.
      experiment: experiments.Experiment.
      seed: int.
    """
    self.name = '%s_%d' % (name, seed)
    self.experiment = experiment
    self.seed = seed
    self.directory = os.path.join(out, self.name)

  def path(self, name):
    """Returns the path of a file or a directory of the run's."""
    return os.path.join(self.directory, name)

  def flags(self):
    """Returns the flags of the program that trains, but for its directories."""
    experiment = self.experiment
    return (
        ['--fast'] * experiment.fast
        + ['--model=' + experiment.model]
        + ['--seed=%d' % self.seed, '--max_steps=%d' % experiment.max_steps]
        + list(experiment.flags)
    )

  def command(self):
    """Returns the command with which a user would train the same, a str."""
    return ' '.join(
        ['tools/bazel run //tools:launch --', *self._layout(), *self.flags()]
    )

  def _layout(self):
    return [
        '--%s=%d' % (name, number)
        for name in ('towers', 'ps', 'workers')
        if (number := getattr(self.experiment, name))
    ]

  def lines(self):
    """Returns the Lines of training_log in train.log, one list for each part."""
    try:
      with open(self.path('train.log'), encoding='utf-8') as f:
        parts = f.read().split(PART + '\n')
    except FileNotFoundError:
      return []
    # Of a launch the lines of one process that trains.
    name = 'worker 0' if self.experiment.workers else 'train'
    found = [
        training_log.parse(launch.lines_of(name, part))
        or training_log.parse(part)
        for part in parts
    ]
    return [part for part in found if part]

  def last_step(self):
    """Returns the newest step that was logged, 0 if there is none."""
    parts = self.lines()
    return parts[-1][-1].step if parts else 0

  def trained(self):
    """Returns whether its last checkpoint is there."""
    return max(self.kept(), default=0) >= self.experiment.max_steps

  def manifest(self):
    """Returns what the run was begun with, a dict, or None."""
    try:
      with open(self.path('manifest.json'), encoding='utf-8') as f:
        return json.load(f)
    except FileNotFoundError:
      return None

  def train(self, *, data_dir, manifest, stop, report=lambda line: None):
    """Trains to the end, or until it is told to stop.

    Args:
      data_dir: str, the directory that holds the set's directory.
      manifest: dict, of manifest.manifest(), for a run that has none.
      stop: signals.StopRequest.
      report: function of a str, called with the progress at each checkpoint.

    Returns:
      int, the exit code of what trained, 128 and the number of the signal if it
      was told to stop.

    Raises:
      UsageError: the run was begun with other images, flags or packages, or its
        directory cannot be written.
    """
    try:
      os.makedirs(self.path('kept'), exist_ok=True)
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be made (%s): choose another --out'
          % (self.directory, e.strerror)
      ) from e
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
      with subprocess.Popen(
          processes.command(
              processes.tool('run.launch'),
              self._layout()
              + ['--data_dir=' + data_dir, '--train_dir=' + self.path('train')]
              + self.flags(),
          ),
          stdin=subprocess.DEVNULL,
          stdout=log,
          env=processes.environment(),
          # Ctrl-C comes to us, who stop it.
          start_new_session=True,
          preexec_fn=supervision.end_with_parent(),
      ) as process:
        return self._watch(process, stop, report)

  def _write_manifest(self, manifest):
    json_files.write(self.path('manifest.json'), manifest, '--out')

  def _check_same(self, begun, manifest):
    """Raises UsageError unless a run can go on that was begun with a manifest."""
    for name, of in (
        ('images', lambda m: m['dataset']),
        ('flags', lambda m: _training_flags(m.get('flags') or {})),
        ('seed', lambda m: m.get('seed')),
        ('versions of packages', lambda m: m.get('versions')),
    ):
      if of(begun) != of(manifest):
        raise errors.UsageError(
            '%s was begun with other %s, %s instead of %s: make them as they were, '
            'or choose another --out'
            % (self.directory, name, of(begun), of(manifest))
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
          report(self.progress())
        if ended or stop.requested:
          break
        time.sleep(_LOOK_SECS)
    finally:
      if process.poll() is None:
        process.terminate()
        try:
          process.wait(_STOP_SECS)
        except subprocess.TimeoutExpired:
          process.kill()
      self.keep()
    return 128 + stop.signum if stop.requested else process.wait()

  def progress(self):
    """Returns where it is and how long it will take, a str."""
    step, left = self.last_step(), self.secs_left()
    return '%s: step %s of %s%s' % (
        self.name,
        '{:,}'.format(step),
        '{:,}'.format(self.experiment.max_steps),
        '' if left is None else ', %s left' % duration(left),
    )

  def secs_left(self, secs_per_step=None):
    """Estimates how long the training will still take.

    Args:
      secs_per_step: float, used if the run has no steps of its own.

    Returns:
      float, seconds; None if nothing tells.
    """
    if self.trained():
      return 0.0
    parts = self.lines()
    if parts and len(parts[-1]) > 1:
      lines = parts[-1][-100:]
      secs_per_step = (lines[-1].time - lines[0].time).total_seconds() / (
          lines[-1].step - lines[0].step
      )
    if secs_per_step is None:
      return None
    return secs_per_step * (self.experiment.max_steps - self.last_step())

  def keep(self):
    """Links each complete checkpoint that train/ names into kept/."""
    state = tf.train.get_checkpoint_state(self.path('train'))
    for path in state.all_model_checkpoint_paths if state else ():
      name = os.path.basename(path)
      late = _LATE if self.experiment.workers else 0
      if checkpoints.Checkpoint.at(path).step % EVERY > late:
        continue  # It was told to stop.
      for file in glob.glob(glob.escape(self.path('train/' + name)) + '.*'):
        if re.search(r'\.(index|data-\d+-of-\d+)$', file):
          _link(file, self.path('kept'))

  def kept(self):
    """Returns the kept checkpoints, a dict from step to path, by step.

    That of step 0, in which nothing has been learned, is left out.
    """
    found = {}
    for index in glob.glob(glob.escape(self.path('kept')) + '/*.index'):
      path = index[: -len('.index')]
      if os.path.exists(path + '.data-00000-of-00001'):
        found[checkpoints.Checkpoint.at(path).step] = path
    return {step: found[step] for step in sorted(found) if step}

  def scores(self):
    """Returns the precisions so far, the content of scores.json."""
    try:
      with open(self.path('scores.json'), encoding='utf-8') as f:
        return json.load(f)
    except FileNotFoundError:
      return {'averaged': {}, 'raw': {}, 'views': {}}

  def evaluate(self, *, data_dir, stop, report=lambda line: None):
    """Evaluates the kept checkpoints that have no score yet.

    Args:
      data_dir: str, the directory that holds the set's directory.
      stop: signals.StopRequest, ends it after a checkpoint.
      report: function of a str, called with each precision.

    Raises:
      UsageError: an evaluation failed.
    """
    kept = self.kept()
    for weights in ('averaged', 'raw'):
      known = self.scores()[weights]
      paths = [p for step, p in kept.items() if str(step) not in known]
      for step, precision in self._measure(
          paths, data_dir, ['--noaveraged'] * (weights == 'raw'), stop
      ):
        self._note(weights, step, precision)
        report('%s: step %d, %s: %.4f' % (self.name, step, weights, precision))
    for views in self.experiment.views:
      if self.trained() and str(views) not in self.scores()['views']:
        for _, precision in self._measure(
            [kept[max(kept)]], data_dir, ['--views=%d' % views], stop
        ):
          self._note('views', views, precision)
          report('%s: %d views: %.4f' % (self.name, views, precision))

  def _note(self, kind, key, precision):
    scores = self.scores()
    scores[kind][str(key)] = precision
    json_files.write(self.path('scores.json'), scores, '--out')

  def _measure(self, paths, data_dir, flags, stop):
    """Yields (step, precision) of checkpoints."""
    if not paths or stop.requested:
      return
    experiment = self.experiment
    env = processes.environment()
    if experiment.fast:
      env.setdefault(startup.ONEDNN, '1')  # As in cifar10_eval --fast.
    with subprocess.Popen(
        processes.command(
            processes.tool('experiments.checkpoint_scores'),
            ['--data_dir=' + data_dir, '--model=' + experiment.model]
            + ['--fast'] * experiment.fast
            + flags
            + paths,
        ),
        stdout=subprocess.PIPE,
        env=env,
        text=True,
        # Ctrl-C comes to us, who stop it.
        start_new_session=True,
        preexec_fn=supervision.end_with_parent(),
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
          '%s: the evaluation ended with exit code %d' % (self.name, code)
      )


def _training_flags(flags):
  """Returns those of a manifest's flags on which a training depends."""
  return {k: v for k, v in flags.items() if k not in _NOT_TRAINED_WITH}


def duration(secs):
  """Returns a time in words: '2 h 05 min', '7 min'."""
  minutes = round(secs / 60)
  if minutes < 60:
    return '%d min' % minutes
  return '%d h %02d min' % divmod(minutes, 60)


def _link(file, directory):
  """Links a file into a directory, or copies it where links do not work."""
  target = os.path.join(directory, os.path.basename(file))
  if os.path.exists(target):
    return
  scratch = target + '.tmp'
  if os.path.exists(scratch):  # Of a run that was killed.
    os.remove(scratch)
  try:
    try:
      os.link(file, scratch)
    except FileNotFoundError:
      raise
    except OSError:
      shutil.copyfile(file, scratch)
  except FileNotFoundError:
    return  # The trainer has just removed it.
  os.replace(scratch, target)
