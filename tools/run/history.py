"""Reads the history of a training run from the run's files."""

import glob
import json
import os
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import files

from ..base import event_files
from ..base import training_log

Points = List[Tuple[int, float]]
_EVAL_DIRS = {'averaged': '--eval_dir', 'raw': '--raw_eval_dir'}
# The tag of the precision that cifar10_eval writes.
_PRECISION = 'Precision @ 1'


class History(NamedTuple):
  """The history of a training run.

  Attributes:
    scalars: dict from tag to a list of (step, value), from the trainer's
      summaries.
    precision: dict from 'averaged' and 'raw' to a list of (step, value); the
      key is missing if the precisions are unknown.
    lines: list of training_log.Line.
    record: dict, the content of a results file of //tools:reproduce, or
      None.
  """

  scalars: Dict[str, Points]
  precision: Dict[str, Points]
  lines: List[training_log.Line]
  record: Optional[dict]


def read(train_dir, *, eval_dirs=None, log=None, record=None):
  """Reads the files of a run.

  Args:
    train_dir: str.
    eval_dirs: dict from 'averaged' and 'raw' to the eval_dir of the evaluator
      that scores the averaged or raw weights, or None.
    log: str or None, a file with the trainer's output.
    record: str or None, a results file of //tools:reproduce, which also
      contains the precisions.

  Returns:
    History.

  Raises:
    UsageError: a file is missing or damaged.
  """
  content, precision = _record(record) if record else (None, {})
  for name, directory in (eval_dirs or {}).items():
    if directory:
      found = event_files.read(directory, _EVAL_DIRS[name]).scalars.get(
          _PRECISION
      )
      precision.update({name: found} if found else {})
  lines = []
  if log:
    try:
      with files.open_regular(log) as f:
        printed = f.read().decode(errors='replace')
    except OSError as e:
      raise errors.UsageError(
          '--log=%s cannot be read (%s)' % (log, e.strerror)
      ) from e
    # Remove the name of the process, which //tools:launch prints before each
    # line.
    lines = training_log.parse(
        ''.join(
            line.rpartition('| ')[2]
            for line in printed.splitlines(keepends=True)
        )
    )
  # The directory has a checkpoint, but its event files were not copied.
  events = glob.glob(os.path.join(glob.escape(train_dir), 'events.out.*'))
  scalars = event_files.read(train_dir).scalars if events else {}
  return History(
      {tag: _last(p) for tag, p in scalars.items()},
      {name: _last(points) for name, points in precision.items() if points},
      lines,
      content,
  )


def _record(path):
  """Returns the content of a results file, and the precisions in it."""
  try:
    with files.open_regular(path) as f:
      content = json.load(f)
    if not isinstance(content['manifest'], dict):
      raise ValueError('the manifest is not a dictionary')
    # NumPy, which the plots use, limits the size of a step.
    return content, {
        name: [
            (int(np.int64(p['step'])), float(p[name]))
            for p in content['precision']
        ]
        for name in ('averaged', 'raw')
    }
  except (
      OSError,
      ValueError,
      KeyError,
      TypeError,
      OverflowError,
      RecursionError,
  ) as e:
    raise errors.UsageError(
        '--record=%s is not a results file of //tools:reproduce (%s)'
        % (path, e if isinstance(e, (OSError, ValueError)) else repr(e))
    ) from e


def _last(points):
  """Returns points sorted by step; of a repeated step, only the last point."""
  return sorted(dict(points).items())


def conv1_filters(path):
  """Returns the filters of the first layer, or None if they cannot be drawn.

  Args:
    path: str, the path of a checkpoint.

  Returns:
    float32 array of shape [height, width, 3, filters]: the moving averages if
    the checkpoint contains them, otherwise the weights.
  """
  reader = tf.train.load_checkpoint(path)
  for key in ('conv1/weights/ExponentialMovingAverage', 'conv1/weights'):
    if reader.has_tensor(key) and reader.get_tensor(key).shape[2] == 3:
      return reader.get_tensor(key)
  return None
