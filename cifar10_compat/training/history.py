"""Checks and records changes to the settings during a training run.

The settings are recorded in dataset.json: see notes.py.
"""

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.training import notes


def record(
    directory: str,
    step: int | None,
    config: config_lib.Training,
    now: notes.Settings,
) -> None:
  """Records a run's settings, and prints a line if they changed.

  Args:
    directory: the run's train_dir.
    step: the step at which the run resumes; None if it starts over.
    config: the trainer's settings.
    now: the current settings, from notes.settings_of(config).

  Raises:
    OSError: the file cannot be written.
  """
  rates = [(0, config.learning_rate)]
  settings = [(0, now)]
  if step is not None:
    rates = _rates(directory, step, config.learning_rate)
    settings = _settings(directory, step, config, now)
  # Write the file even if its content is unchanged, to check that the directory
  # is writable.
  notes.write(directory, config, rates, settings)


def check_repeats(directory: str, step: int, now: notes.Settings) -> None:
  """Checks that a resumed deterministic run is reproducible bit for bit.

  Args:
    directory: the run's train_dir.
    step: the step at which the run resumes.
    now: the trainer's current settings, from notes.settings_of().

  Raises:
    UsageError: a setting changed, or the earlier settings are unknown.
  """
  before = _trained_with(directory, step)
  errors.UsageError.raise_if(
      not before,
      f'the run in {directory} might not be reproducible: {notes.FILENAME} '
      'does not contain the settings of the steps already trained: restore '
      'this file, omit --deterministic, or choose another --train_dir',
  )
  changes = _changes(before, now)
  errors.UsageError.raise_if(
      changes,
      f'the run in {directory} would not be reproducible: '
      f'{", ".join(changes.values())}: restore the earlier values, omit '
      '--deterministic, or choose another --train_dir',
  )


def _rates(
    directory: str, step: int, learning_rate: float
) -> list[tuple[int, float]]:
  """Returns a directory's learning rates, including the current one."""
  # Drop the rates of steps that will be repeated.
  rates = [r for r in notes.learning_rates(directory) if r[0] <= step]
  if rates and rates[-1][1] == learning_rate:
    return rates
  if rates:
    print(
        f'From step {step}, the learning rate is {learning_rate:g} (was '
        f'{rates[-1][1]:g}).',
        flush=True,
    )
  return [r for r in rates if r[0] < step] + [(step, learning_rate)]


def _settings(
    directory: str,
    step: int,
    config: config_lib.Training,
    now: notes.Settings,
) -> list[tuple[int, notes.Settings]]:
  """Returns a directory's settings, including the current ones."""
  before = _trained_with(directory, step)
  changes = _changes(before, now)
  told = [changes[name] for name in notes.ON_UPDATES if name in changes]
  if told:
    # The changed settings determine the number of steps in 350 epochs.
    drops = {'batch_size', 'decay_by_examples'}
    if config.decay_by_examples:
      drops |= {'num_gpus', 'replicas_to_aggregate'}
    output.say(
        f'From step {step}, {", ".join(told)}'
        + ': the learning rate drops at other steps'
        * bool(drops & set(changes))
        + '.'
    )
  if before and before[-1][1] == now:
    return before
  return [s for s in before if s[0] < step] + [(step, now)]


def _trained_with(
    directory: str, step: int
) -> list[tuple[int, notes.Settings]]:
  """Returns the settings used for the steps before a checkpoint."""
  # The checkpoint of step 0 depends on the seed, so keep its settings.
  return [s for s in notes.settings(directory) if s[0] < max(step, 1)]


def _changes(
    before: list[tuple[int, notes.Settings]], now: notes.Settings
) -> dict[str, str]:
  """Returns a description of each changed setting, by name."""
  if not before:
    return {}
  unset = {
      name: notes.UNSET
      for name in (*now, *before[-1][1])
      if notes.ENVIRONMENT.fullmatch(name)
  }
  now, was = unset | now, unset | before[-1][1]
  return {
      name: f'{name} is {value} (was {was[name]})'
      for name, value in now.items()
      if was.get(name, value) != value
  }
