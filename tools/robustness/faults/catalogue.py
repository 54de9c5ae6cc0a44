"""Lists all faults, and the number of trials of each fault."""

import functools
from typing import Callable, NamedTuple

from tools.robustness.faults import cluster
from tools.robustness.faults import damage
from tools.robustness.faults import disks
from tools.robustness.faults import inputs
from tools.robustness.faults import interruptions
from tools.robustness.faults import refusals


class Fault(NamedTuple):
  """A fault to inject, and its number of trials.

  Attributes:
    name: str.
    title: str, the description in the table.
    function: function of a run.Context and a random.Random, which raises
      attempt.Failed, or returns attempt.Recovery.
    idle, loaded: int, number of trials on an idle and on a loaded machine.
  """

  name: str
  title: str
  function: Callable
  idle: int
  loaded: int


def _fault(function, idle, loaded, sync=None):
  name = function.__name__
  title = function.__doc__.partition('\n')[0].rstrip('.')
  if sync is not None:
    name += '_sync' if sync else '_async'
    title += '; synchronous' if sync else '; asynchronous'
    function = functools.partial(function, sync=sync)
  return Fault(name, title, function, idle, loaded)


FAULTS = {
    fault.name: fault
    for fault in (
        _fault(interruptions.kill, 100, 40),
        _fault(interruptions.kill_while_saving, 50, 10),
        _fault(interruptions.stop, 60, 20),
        _fault(interruptions.stop_a_program, 20, 10),
        _fault(interruptions.hang_up_under_nohup, 5, 0),
        _fault(interruptions.second_trainer, 10, 5),
        _fault(disks.full_disk, 10, 0),
        _fault(disks.read_only_disk, 5, 0),
        _fault(disks.file_size_limit, 5, 0),
        _fault(disks.full_disk_of_a_set, 10, 0),
        _fault(disks.full_disk_of_an_export, 5, 0),
        _fault(damage.damaged_checkpoint, 40, 0),
        _fault(damage.damaged_list, 16, 0),
        _fault(damage.unreadable_for_now, 20, 0),
        _fault(damage.pruned_under_evaluator, 5, 0),
        _fault(refusals.refusal, 28, 0),
        _fault(inputs.changed_images, 24, 8),
        _fault(inputs.not_finite, 12, 0),
        _fault(inputs.stuck_queue, 10, 5),
        _fault(inputs.asked_what_it_waits_for, 10, 5),
        _fault(cluster.kill_chief, 10, 60, sync=True),
        _fault(cluster.kill_chief, 10, 10, sync=False),
        _fault(cluster.kill_worker, 10, 10, sync=True),
        _fault(cluster.kill_worker, 10, 10, sync=False),
        _fault(cluster.kill_ps, 10, 10, sync=True),
        _fault(cluster.kill_ps, 10, 10, sync=False),
        _fault(cluster.stop_worker, 10, 10, sync=True),
        _fault(cluster.stop_worker, 10, 10, sync=False),
        _fault(cluster.other_settings, 20, 0, sync=True),
        _fault(cluster.other_settings, 20, 0, sync=False),
        _fault(cluster.garbage, 10, 10, sync=True),
        _fault(cluster.slow_link, 10, 0, sync=True),
        _fault(cluster.slow_link, 10, 0, sync=False),
        _fault(cluster.lose_tokens, 10, 0, sync=True),
    )
}


class Mutant(NamedTuple):
  """A deliberately broken program.

  Attributes:
    plant: str, a name in child.PLANTS.
    fault: str, a name in FAULTS, the fault whose trials must detect the mutant.
    tries: int, the maximum number of trials.
  """

  plant: str
  fault: str
  tries: int


MUTANTS = (
    Mutant('no_lock', 'second_trainer', 1),
    Mutant('torn_save', 'kill', 20),
    Mutant('no_repair', 'lose_tokens_sync', 1),
)
