"""Whole runs of both trainers, which draw their own weights and images.

The unmodified trainer runs on the TensorFlow of the time, ours on today's.  What
is compared is the mean, and the spread, of the loss that the logs print.
"""

import os
import tempfile

import numpy as np

from cifar10_compat import config as config_lib

from ..base import processes
from ..editions import old_scripts
from . import curves
from . import plots
from . import report


def model_of(edition):
  """Returns the name of our model that begins with an edition's weights.

  Args:
    edition: scripts.Edition.
  """
  later = edition.name == 'tensorflow 0.12.1' or edition.name.startswith(
      'tensorflow/models '
  )
  return config_lib.CIFAR10_LATER if later else config_lib.CIFAR10


def train(source, data_dir, *, version, edition, runs, steps):
  """Trains both sides from the start, in turn.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    version: str, of the TensorFlow of the time.
    edition: scripts.Edition of the source.
    runs: int, how many of each side.
    steps: int, the last step of each, a multiple of 10.

  Returns:
    (list of curves.Runs, list of curves.Runs), theirs and ours.

  Raises:
    UsageError: a run failed.
  """
  programs = (
      (
          processes.tool('editions.scripts'),
          old_scripts.arguments(source, 'cifar10_train', version),
      ),
      ('cifar10_compat.cifar10_train', ['--model=' + model_of(edition)]),
  )
  found = ([], [])
  for _ in range(runs):
    for side, (module, args) in zip(found, programs):
      with tempfile.TemporaryDirectory() as scratch:
        side.append(
            curves.train(
                module,
                args,
                data_dir=data_dir,
                train_dir=os.path.join(scratch, 'run'),
                steps=steps,
            )
        )
  return found


def spread(runs):
  """Returns a list of (step, mean, deviation) of the loss in some runs' logs.

  Args:
    runs: list of curves.Runs of the same length; one alone has deviation 0.
  """
  return [
      (
          step,
          float(np.mean([run.log[step] for run in runs])),
          float(np.std([run.log[step] for run in runs], ddof=len(runs) > 1)),
      )
      for step in sorted(runs[0].log)
  ]


def section(version, model, theirs, ours):
  """Returns a section of the report.

  Args:
    version: str, of the TensorFlow of the time.
    model: str, the name of our model.
    theirs, ours: lists of curves.Runs, from train().
  """
  sides = [spread(runs) for runs in (theirs, ours)]
  firsts = [side[0][1] for side in sides]
  last = sides[0][-1][0]
  return report.section(
      'Runs on TensorFlow %s' % version,
      int(not abs(firsts[0] - firsts[1]) <= curves.FIRST_LOSS_TOLERANCE),
      text=[
          'Runs of both trainers to step %d, %d of theirs and %d of ours, in '
          'turn, each with weights and images of its own; ours is --model=%s, '
          'which begins with the deviations of this edition. At step %d the '
          'mean loss of theirs is %.3f and that of ours %.3f, the deviations '
          'over the runs %.3f and %.3f.'
          % (
              last,
              len(theirs),
              len(ours),
              model,
              last,
              *(side[-1][1] for side in sides),
              *(side[-1][2] for side in sides),
          ),
          'The values are shown and not judged, but for the mean first loss: '
          '%.3f and %.3f. A difference above %g is unexplained.'
          % (*firsts, curves.FIRST_LOSS_TOLERANCE),
      ],
      tables=[
          report.table(
              'Mean and deviation of the loss that the logs print',
              ('step', 'theirs', 'deviation', 'ours', 'deviation'),
              [
                  (a[0], *('%.3f' % v for v in (*a[1:], *b[1:])))
                  for a, b in zip(*sides)
              ],
          )
      ],
      plots=[
          (
              'Mean loss; bands are one deviation over the runs.',
              plots.bands(*sides),
          )
      ],
  )
