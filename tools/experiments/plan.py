"""Lists the training runs in docs/results.md."""

from typing import NamedTuple, Tuple

from cifar10_compat.base import errors


class Experiment(NamedTuple):
  """A training run that is repeated with several seeds.

  Attributes:
    title: str, a description.
    max_steps: int, the number of steps.
    seeds: int, the number of runs, whose seeds are 1, 2 and so on.
    flags: tuple of str, other flags of the training program.
    model: str, the value of --model.
    fast: bool, whether to train and evaluate with --fast.
    towers, ps, workers: int, see launch.training_tasks(); all 0 for a
      single-process trainer.
    views: tuple of int, the numbers of views per test image in additional
      evaluations of the last checkpoint.
  """

  title: str
  max_steps: int
  seeds: int
  flags: Tuple[str, ...] = ()
  model: str = 'cifar10'
  fast: bool = True
  towers: int = 0
  ps: int = 0
  workers: int = 0
  views: Tuple[int, ...] = ()


EXPERIMENTS = {
    'default': Experiment(
        'the network of the tutorial, default', 10000, 5, fast=False
    ),
    'fast': Experiment('the network of the tutorial, --fast', 10000, 5),
    'published': Experiment(
        'the network of the tutorial, --fast, a long run', 100000, 1
    ),
    '5e-2': Experiment(
        'conv weights with an initial standard deviation of 5e-2, as in later '
        'editions',
        10000,
        3,
        model='cifar10_5e-2',
    ),
    'conv_local': Experiment(
        'the locally connected top of the exercise',
        10000,
        3,
        model='conv_local',
        views=(10,),
    ),
    'towers': Experiment(
        'two towers of 64 images each',
        5000,
        3,
        flags=('--batch_size=64', '--tower_devices=cpu'),
        towers=2,
    ),
    'cluster': Experiment(
        'a parameter server and two synchronous workers of 64 images each',
        5000,
        3,
        flags=('--batch_size=64',),
        ps=1,
        workers=2,
    ),
}


def get(name):
  """Returns the Experiment with this name.

  Raises:
    UsageError: no experiment has this name.
  """
  if name not in EXPERIMENTS:
    raise errors.UsageError(
        'there is no experiment %r; choose one of %s'
        % (name, ', '.join(EXPERIMENTS))
    )
  return EXPERIMENTS[name]
