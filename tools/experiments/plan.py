"""The training runs that docs/results.md is about: a table, and nothing else."""

from typing import NamedTuple, Tuple

from cifar10_compat.base import errors


class Experiment(NamedTuple):
  """A training, to be repeated with several seeds.

  Attributes:
    title: str, in words.
    max_steps: int.
    seeds: int, how many runs there are to be, of the seeds 1 to so many.
    flags: tuple of str, of the program that trains, beside its seed and its
      directories.
    model: str, as of --model.
    fast: bool, with --fast, evaluated with it too.
    towers, ps, workers: int, see launch.training_tasks(); 0 and no towers is a
      trainer of one process.
    views: tuple of int, how many views of each test image the last checkpoint
      is also evaluated with.
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
  """Returns the Experiment of a name.

  Raises:
    UsageError: there is none.
  """
  if name not in EXPERIMENTS:
    raise errors.UsageError(
        'no experiment is called %r: choose one of %s'
        % (name, ', '.join(EXPERIMENTS))
    )
  return EXPERIMENTS[name]
