"""Claims about the log, files, precision and speed of a run."""

import os
import re

import numpy as np

from cifar10_compat import config as config_lib

from . import measured
from . import stated

# For some GPUs, the tutorial states the hours of training, which can be checked
# against the steps and the seconds per step in the same table.
_HOURS = (
    ('hours for 60,000 steps, 1 Tesla K20m', 60000, 0.35, 0.60),
    ('hours for 100,000 steps, 1 Tesla K40m', 100000, 0.25, 0.35),
    ('hours for 30,000 steps, 2 Tesla K20m', 30000, 0.13, 0.20),
)


def claims(run, *, saved, evaluated=None):
  """Returns the Claims about a run.

  Args:
    run: measured.Run.
    saved: tuple of ints, from measured.saved_steps().
    evaluated: the result of measured.precisions() for a longer run, or None.
  """
  return _log(run, saved) + _precision(evaluated) + _speed(run)


def _log(run, saved):
  """Returns the Claims about a run's log and files."""
  losses = tuple(line.loss for line in run.log if line.step <= 50)
  filling = re.search(r'queue with (\d+) ', run.output)
  said = stated.said('losses of steps 0 to 50')
  evaluate = config_lib.Eval()
  return [
      stated.equal(
          '"Filling queue with ... images"',
          int(filling.group(1)) if filling else 0,
      ),
      stated.judged(
          'losses of steps 0 to 50',
          losses,
          same=len(losses) == len(said)
          and max(abs(a - b) for a, b in zip(said, losses)) <= 0.03 + 1e-9,
      ),
      _every(
          'steps between two lines of the log',
          tuple(line.step for line in run.log),
      ),
      _every('steps between two summaries', run.summaries),
      stated.judged(
          'steps between two checkpoints, and a final checkpoint',
          'at ' + stated.text(saved),
          same=saved == (0, 1000, 2000, 2001),
      ),
      stated.equal(
          'seconds between two evaluations',
          evaluate.eval_interval_secs,
      ),
  ]


def _every(what, steps):
  """Returns a Claim about the number of steps between two events of a run."""
  between = tuple(sorted({b - a for a, b in zip(steps, steps[1:])}))
  expected = tuple(range(0, measured.STEPS, stated.said(what)))
  return stated.judged(what, between, same=steps == expected)


def _precision(evaluated):
  """Returns the Claims about precision."""
  gain = 'precision gain of averaged weights (approximate)'
  steps = {
      'precision after 60K steps': 60000,
      'precision after 100K steps': 100000,
      '"precision @ 1" that eval prints': 60000,
  }
  if not evaluated:
    return [
        stated.not_measured(what, '(no run given)') for what in [*steps, gain]
    ]
  step, averaged, raw = evaluated
  found = '%.4f at step %s' % (averaged, stated.text(step))
  result = []
  for what, least in steps.items():
    if step < least:
      result.append(stated.not_measured(what, found))
    else:
      result.append(
          stated.judged(
              what,
              found,
              same=abs(averaged - stated.said(what)) <= 0.01,
              reason_holds=averaged >= 0.8,
          )
      )
  points = 100 * (averaged - raw)
  result.append(
      stated.judged(
          gain,
          '%.1f%% at step %s' % (points, stated.text(step)),
          same=2 <= points <= 4,
          reason_holds=points >= 0,
      )
  )
  return result


def _speed(run):
  """Returns the Claims about speed, measured without the tutorial's GPUs."""
  seconds = [line.sec_per_batch for line in run.log if line.step]
  found = '%.3f on %s CPUs, not on that GPU' % (
      np.median(seconds) if seconds else float('nan'),
      os.cpu_count(),
  )
  first = run.log[0].sec_per_batch if run.log else float('nan')
  result = [
      stated.not_measured(what, found)
      for what in stated.names()
      if what.startswith('sec/batch, ')
  ]
  for what, steps, low, high in _HOURS:
    least, most = steps * low / 3600, steps * high / 3600
    result.append(
        stated.judged(
            what,
            '%.1f-%.1f' % (least, most),
            same=least <= stated.said(what) <= most,
        )
    )
  step_0 = 'sec/batch of step 0'
  return result + [
      stated.not_measured(
          'precision after 30K steps, 2 to 4 Tesla K20m', '(not trained)'
      ),
      stated.judged(
          step_0,
          '%.3f on %s CPUs' % (first, os.cpu_count()),
          same=abs(first - stated.said(step_0)) < 10,
      ),
  ]
