"""Creates the results file of a run: docs/data/runs/EXPERIMENT_SEED.json."""

from ..base import event_files
from . import run as run_lib

# Number of steps between two points of the loss curve.
_LOSS_EVERY = 100


def record(run, images):
  """Returns the content of the results file of a finished run.

  Args:
    run: run_lib.Run.
    images: str, a description of the images.

  Returns:
    dict of JSON values: experiment, images, command; precision, a list of dict
    with step, averaged and raw; views, a list of dict with step, averaged and
    the number of views per image; loss, seconds and learning_rate, lists of
    [step, value]; manifest.  Seconds are the training time since the first
    logged step, including repeated steps.
  """
  scores = run.scores()
  seconds, losses = curve(run.lines())
  return {
      'experiment': run.experiment.title,
      'images': images,
      'command': run.command(),
      'precision': [
          {
              'step': step,
              'averaged': scores['averaged'][str(step)],
              'raw': scores['raw'][str(step)],
          }
          for step in sorted(map(int, scores['averaged']))
          if str(step) in scores['raw']
      ],
      'views': [
          {
              'step': max(run.kept()),
              'views': int(views),
              'averaged': precision,
          }
          for views, precision in sorted(scores['views'].items())
      ],
      'loss': [p for p in losses if p[0] % _LOSS_EVERY == 0],
      'seconds': [p for p in seconds if p[0] % run_lib.EVERY == 0],
      'learning_rate': _learning_rates(run.path('train')),
      'manifest': run.manifest(),
  }


def _learning_rates(train_dir):
  """Returns [step, rate] for the first step and for each change."""
  found = event_files.read(train_dir).scalars['learning_rate']
  rates = [
      [step, float('%.7g' % rate)] for step, rate in sorted(dict(found).items())
  ]
  return [
      point
      for before, point in zip([None] + rates, rates)
      if before is None or before[1] != point[1]
  ]


def curve(parts):
  """Returns the training time and the losses of a run.

  Args:
    parts: list of lists of training_log.Line, one list for each part of the
      run; a part can repeat steps of an earlier part.

  Returns:
    seconds, losses: lists of [step, value].
  """
  elapsed, points = 0.0, {}
  for part in parts:
    points = {step: p for step, p in points.items() if step < part[0].step}
    for before, line in zip([part[0]] + part, part):
      elapsed += (line.time - before.time).total_seconds()
      points[line.step] = elapsed, line.loss
  return (
      [[step, round(secs, 3)] for step, (secs, _) in points.items()],
      [[step, loss] for step, (_, loss) in points.items()],
  )
