"""The note of what a directory's checkpoints are of: dataset.json beside them."""

import json
import os

from cifar10_compat.base import errors
from cifar10_compat.base import files

FILENAME = 'dataset.json'
# The model of notes that name none: once there was no other.
_FIRST_MODEL = 'cifar10'


def write(directory, dataset, model, rates=None):
  """Notes in a directory what its checkpoints are of.

  Args:
    directory: str, exists.
    dataset: description.Dataset.
    model: models.Model.
    rates: list of [int, float], the steps from which on training had another
      learning rate, and these; or None.
  """
  temporary = os.path.join(directory, '%s.%d' % (FILENAME, os.getpid()))
  with open(temporary, 'w') as f:
    json.dump(
        {
            'dataset': dataset.name,
            'class_names': dataset.class_names,
            'model': model.name,
            'learning_rates': rates or [],
        },
        f,
    )
  os.replace(temporary, os.path.join(directory, FILENAME))


def learning_rates(directory):
  """Returns the learning rates that a directory's note has: see write()."""
  try:
    with files.open_regular(os.path.join(directory, FILENAME)) as f:
      rates = json.load(f).get('learning_rates', [])
      return [[int(step), float(rate)] for step, rate in rates]
  # check() has told what is wrong with the note.
  except (OSError, ValueError, AttributeError, TypeError, OverflowError):
    return []


def check(directory, dataset, model):
  """Checks that a directory's checkpoints are of a data set and a model.

  A directory that does not say, as that of a historical run, passes.

  Args:
    directory: str, need not exist.
    dataset: description.Dataset.
    model: models.Model.

  Raises:
    UsageError: they are of another set or model, or of a set of that name that
      has other classes; or what says so cannot be read.
  """
  path = os.path.join(directory, FILENAME)
  try:
    with files.open_regular(path) as f:
      note = dict(json.load(f))
      trained_on = str(note['dataset'])
  except (FileNotFoundError, NotADirectoryError):
    return
  except OSError as e:
    raise errors.UsageError(
        'cannot read %s (%s), which says what the checkpoints are of: remove '
        'it, or let its owner give you the right to read it'
        % (path, e.strerror)
    ) from e
  except (ValueError, KeyError, TypeError, RecursionError) as e:
    raise errors.UsageError(
        '%s does not name a data set: remove it' % path
    ) from e
  if trained_on != dataset.name:
    raise errors.UsageError(
        '%s holds checkpoints of data set %r, not of %r: choose another '
        'directory, or the --dataset of that name'
        % (directory, trained_on, dataset.name)
    )
  # Older notes have no classes, when no set was one's own, and no model.
  names = note.get('class_names', list(dataset.class_names))
  if names != list(dataset.class_names):
    raise errors.UsageError(
        '%s holds checkpoints of a data set %r with other classes: choose '
        'another directory, or that set' % (directory, dataset.name)
    )
  trained = note.get('model', _FIRST_MODEL)
  if trained != model.name:
    raise errors.UsageError(
        '%s holds checkpoints of model %r, not of %r: choose another '
        'directory, or --model=%s' % (directory, trained, model.name, trained)
    )
