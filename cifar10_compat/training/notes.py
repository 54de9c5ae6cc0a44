"""The note of what a directory's checkpoints are of: dataset.json beside them."""

from collections.abc import Callable, Sequence
import json
import os
from typing import Any, TypeVar

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files

T = TypeVar('T')

FILENAME = 'dataset.json'

# Settings that change what an update computes.
ON_UPDATES = (
    'batch_size',
    'num_gpus',
    'sync',
    'replicas_to_aggregate',
    'decay_by_examples',
    'flip',
)
# Further settings that change the bits of a run.
_ON_BITS = (
    'deterministic',
    'seed',
    'summary_steps',
    'queue_fraction',
    'tower_devices',
    'fast',
    'fast_network',
    'fast_input',
    'precision',
)

Settings = dict[str, Any]


def settings_of(config: config_lib.Training) -> Settings:
  """Returns what changes a resumed run unless it is as before.

  Returns:
    From name to value; most are flags.
  """
  return {
      'num_gpus': 1,  # Without towers.
      'flip': config.dataset.flip,
      'usable_cpus': len(os.sched_getaffinity(0)),
  } | {
      name: getattr(config, name)
      for name in (*ON_UPDATES, *_ON_BITS)
      if hasattr(config, name)
  }


def write(
    directory: str,
    config: config_lib.Network,
    rates: Sequence[tuple[int, float]] = (),
    settings: Sequence[tuple[int, Settings]] = (),
) -> None:
  """Notes in a directory what its checkpoints are of.

  Args:
    directory: exists.
    config: its data set and its model.
    rates: the steps from which on training had another learning rate, and these.
    settings: the steps from which on it had other settings, and these.

  Raises:
    OSError: it cannot be written.
  """
  temporary = os.path.join(directory, f'{FILENAME}.{os.getpid()}')
  note = {
      'dataset': config.dataset.name,
      'class_names': config.dataset.class_names,
      'label_index': config.dataset.label_index,
      'model': config.model,
      'learning_rates': rates,
      'settings': settings,
  }
  with files.open_own(temporary) as f:
    f.truncate(0)
    f.write(json.dumps(note).encode())
  os.replace(temporary, os.path.join(directory, FILENAME))


def learning_rates(directory: str) -> list[tuple[int, float]]:
  """Returns the learning rates that a directory's note has: see write()."""
  return _history(directory, 'learning_rates', float)


def settings(directory: str) -> list[tuple[int, Settings]]:
  """Returns the settings that a directory's note has: see write()."""
  return _history(directory, 'settings', dict)


def _history(
    directory: str, key: str, kind: Callable[[Any], T]
) -> list[tuple[int, T]]:
  try:
    with files.open_regular(os.path.join(directory, FILENAME)) as f:
      found = json.load(f).get(key, [])
      return [(int(step), kind(value)) for step, value in found]
  # check() has told what is wrong with the note.
  except (OSError, ValueError, AttributeError, TypeError, OverflowError):
    return []


def check(directory: str, config: config_lib.Network, flag: str) -> None:
  """Checks that a directory's contents are of a data set and a model.

  A directory that does not say, as that of a historical run, passes.

  Args:
    directory: need not exist.
    config: the data set and the model.
    flag: which names the directory.

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
        f'cannot read {path} ({e.strerror}), which says what the checkpoints are '
        'of: let its owner give you the right to read it'
    ) from e
  except (ValueError, KeyError, TypeError, RecursionError) as e:
    raise errors.UsageError(
        f'{path} does not name a data set: move it away'
    ) from e
  # Older notes have no classes, when no set was one's own, no model, when there
  # was no other, and no label_index.
  names = list(config.dataset.class_names)
  label_index = note.get('label_index', config.dataset.label_index)
  model = note.get('model', config_lib.CIFAR10)
  for same, of, remedy in (
      (
          trained_on == config.dataset.name,
          f'data set {trained_on!r}, not of {config.dataset.name!r}',
          'the --dataset of that name',
      ),
      (
          note.get('class_names', names) == names,
          f'a data set {trained_on!r} with other classes',
          'that set',
      ),
      (
          label_index == config.dataset.label_index,
          f'a data set {trained_on!r} with label_index {label_index}, not '
          f'{config.dataset.label_index}',
          'that set',
      ),
      (
          model == config.model,
          f'model {model!r}, not of {config.model!r}',
          f'--model={model}',
      ),
  ):
    if not same:
      raise errors.UsageError(
          f'{directory} is of {of}: choose another directory with {flag}, or '
          f'{remedy}'
      )
