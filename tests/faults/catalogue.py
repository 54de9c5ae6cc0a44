"""All faults, and how often each is tried.

`python -m tests.faults.catalogue` prints it in JSON, for tools/torture.py.
"""

import functools
import json
from typing import Callable, NamedTuple

from tests.faults import cluster
from tests.faults import damage
from tests.faults import disks
from tests.faults import inputs
from tests.faults import interruptions
from tests.faults import refusals


class Fault(NamedTuple):
  """A fault.

  Attributes:
    title: str, for the table.
    function: function of a run.Context and a random.Random, which raises
      attempt.Failed, or returns attempt.Recovery.
    idle, loaded: int, how many tries are made.
  """

  title: str
  function: Callable
  idle: int
  loaded: int


def _title(function):
  return function.__doc__.partition('\n')[0].rstrip('.')


def _of_cluster(function, sync, loaded):
  name = 'synchronous' if sync else 'asynchronous'
  return function.__name__ + ('_sync' if sync else '_async'), Fault(
      '%s; %s' % (_title(function), name),
      functools.partial(function, sync=sync),
      10,
      loaded,
  )


FAULTS = {
    function.__name__: Fault(_title(function), function, idle, loaded)
    for function, idle, loaded in (
        (interruptions.kill, 100, 40),
        (interruptions.kill_while_saving, 50, 10),
        (interruptions.stop, 60, 20),
        (interruptions.hang_up_under_nohup, 5, 0),
        (interruptions.second_trainer, 10, 5),
        (disks.full_disk, 10, 0),
        (disks.read_only_disk, 5, 0),
        (disks.file_size_limit, 5, 0),
        (disks.full_disk_of_a_set, 10, 0),
        (disks.full_disk_of_an_export, 5, 0),
        (damage.damaged_checkpoint, 40, 0),
        (damage.damaged_list, 16, 0),
        (damage.pruned_under_evaluator, 5, 0),
        (refusals.refusal, 28, 0),
        (inputs.changed_images, 24, 8),
        (inputs.not_finite, 12, 0),
        (inputs.stuck_queue, 10, 5),
        (inputs.asked_what_it_waits_for, 10, 5),
    )
}
FAULTS.update(
    _of_cluster(function, sync, loaded)
    for function, sync, loaded in (
        (cluster.kill_chief, True, 60),
        (cluster.kill_chief, False, 10),
        (cluster.kill_worker, True, 10),
        (cluster.kill_worker, False, 10),
        (cluster.kill_ps, True, 10),
        (cluster.kill_ps, False, 10),
        (cluster.stop_worker, True, 10),
        (cluster.stop_worker, False, 10),
        (cluster.garbage, True, 10),
        (cluster.slow_link, True, 0),
        (cluster.slow_link, False, 0),
        (cluster.lose_tokens, True, 0),
    )
)


class Mutant(NamedTuple):
  """A program that is broken on purpose.

  Attributes:
    plant: str, of child.PLANTS.
    fault: str, of FAULTS, under which it must be reported as a failure.
    tries: int, within how many.
  """

  plant: str
  fault: str
  tries: int


MUTANTS = (
    Mutant('no_lock', 'second_trainer', 1),
    Mutant('torn_save', 'kill', 20),
    Mutant('no_repair', 'lose_tokens_sync', 1),
)


if __name__ == '__main__':
  print(
      json.dumps(
          {
              'faults': [
                  {
                      'name': name,
                      'title': fault.title,
                      'idle': fault.idle,
                      'loaded': fault.loaded,
                  }
                  for name, fault in FAULTS.items()
              ],
              'mutants': [mutant._asdict() for mutant in MUTANTS],
          }
      )
  )
