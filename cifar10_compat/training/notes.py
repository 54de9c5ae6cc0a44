"""The metadata file dataset.json in a directory of checkpoints."""

from collections.abc import Callable, Sequence
import json
import os
import re
from typing import Any, TypeVar

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files

T = TypeVar('T')

FILENAME = 'dataset.json'

# Settings that affect the updates.
ON_UPDATES = (
    'images',
    'batch_size',
    'num_gpus',
    'sync',
    'replicas_to_aggregate',
    'decay_by_examples',
    'flip',
)
# Further settings that must be equal for bit-identical runs.
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
# Environment variables that can affect this too, such as numbers of threads,
# and the value recorded for a missing variable.  Other programs' variables also
# start with TF_, and can contain secrets.
ENVIRONMENT = re.compile(
    r'(TF_(AUTOTUNE|CONV|CUBLAS|CUDNN|DETERMINISTIC|DISABLE|ENABLE|FORCE|GPU|'
    r'LAYOUT|MKL|NUM|ONEDNN|OVERRIDE|SET|USE|XLA)|XLA|ONEDNN|DNNL|OMP|KMP|MKL)'
    r'_(?!LEGACY_KERAS$).*'
)
UNSET = 'unset'

Settings = dict[str, Any]


def settings_of(
    config: config_lib.Training, images: str | None = None
) -> Settings:
  """Returns the settings that affect the result of a training run.

  Args:
    config: the trainer's settings.
    images: CheckedFiles.fingerprint of the training images, if known.

  Returns:
    dict from name to value; most names are flags.
  """
  return (
      ({'images': images} if images else {})
      | {
          'num_gpus': 1,  # For a trainer without towers.
          'flip': config.dataset.flip,
          'usable_cpus': len(os.sched_getaffinity(0)),
          **{n: v for n, v in os.environ.items() if ENVIRONMENT.fullmatch(n)},
      }
      | {
          name: getattr(config, name)
          for name in (*ON_UPDATES, *_ON_BITS)
          if hasattr(config, name)
      }
  )


def write(
    directory: str,
    config: config_lib.Network,
    rates: Sequence[tuple[int, float]] = (),
    settings: Sequence[tuple[int, Settings]] = (),
) -> None:
  """Writes a directory's metadata file.

  Args:
    directory: an existing directory.
    config: the data set and model of the checkpoints.
    rates: a pair (first step, learning rate) for each learning rate used.
    settings: a pair (first step, settings) for each set of settings used.

  Raises:
    OSError: the file cannot be written.
  """
  note = {
      'dataset': config.dataset.name,
      'class_names': config.dataset.class_names,
      'label_index': config.dataset.label_index,
      'model': config.model,
      'learning_rates': rates,
      'settings': settings,
  }
  files.replace(os.path.join(directory, FILENAME), json.dumps(note).encode())


def learning_rates(directory: str) -> list[tuple[int, float]]:
  """Returns the learning rates in a directory's metadata file: see write()."""
  return _history(directory, 'learning_rates', float)


def settings(directory: str) -> list[tuple[int, Settings]]:
  """Returns the settings in a directory's metadata file: see write()."""
  return _history(directory, 'settings', dict)


def _history(
    directory: str, key: str, kind: Callable[[Any], T]
) -> list[tuple[int, T]]:
  try:
    with files.open_regular(os.path.join(directory, FILENAME)) as f:
      found = json.load(f).get(key, [])
      return [(int(step), kind(value)) for step, value in found]
  # check() has already rejected a damaged file.
  except (OSError, ValueError, AttributeError, TypeError, OverflowError):
    return []


def check(directory: str, config: config_lib.Network, flag: str) -> None:
  """Checks that a directory belongs to the given data set and model.

  A directory without a metadata file, as from a historical run, passes.

  Args:
    directory: need not exist.
    config: the data set and the model.
    flag: the flag that sets the directory.

  Raises:
    UsageError: the directory belongs to another model or data set, or to a data
      set with the same name but other classes; or the file cannot be read.
  """
  note = read(directory)
  if note is None:
    return
  trained_on = note['dataset']
  # Files of older versions contain no classes (there were no custom data sets),
  # no model (there was only one) and no label_index.
  names = list(config.dataset.class_names)
  label_index = note.get('label_index', config.dataset.label_index)
  model = note.get('model', config_lib.CIFAR10)
  for same, of, remedy in (
      (
          trained_on == config.dataset.name,
          f'data set {trained_on!r}, not to {config.dataset.name!r}',
          'the --dataset of that name or directory',
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
          f'model {model!r}, not to {config.model!r}',
          f'--model={model}',
      ),
  ):
    if not same:
      raise errors.UsageError(
          f'{directory} belongs to {of}: choose another directory with {flag}, '
          f'or {remedy}'
      )


def read(directory: str) -> dict[str, Any] | None:
  """Returns the content of a directory's metadata file; None if it is missing.

  Raises:
    UsageError: the file cannot be read, or is not a metadata file.
  """
  path = os.path.join(directory, FILENAME)
  try:
    with files.open_regular(path) as f:
      note = dict(json.load(f))
      return note | {'dataset': str(note['dataset'])}
  except (FileNotFoundError, NotADirectoryError):
    return None
  except OSError as e:
    remedy = 'try again' if files.is_passing(e) else 'move it away'
    if isinstance(e, PermissionError):
      remedy = files.remedy(e)
    raise errors.UsageError(
        f'cannot read {path} ({e.strerror}), which records the data set of the '
        f'checkpoints: {remedy}'
    ) from e
  except (ValueError, KeyError, TypeError, RecursionError) as e:
    raise errors.UsageError(f'{path} records no data set: move it away') from e
