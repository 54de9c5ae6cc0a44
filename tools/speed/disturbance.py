"""Whether other work used the processor while something was being timed.

A run is disturbed if other processes, and the other guests of a virtual
machine's host, took more than THRESHOLD of the processor's time meanwhile.
"""

import os
import pathlib
from typing import Dict, NamedTuple, Optional

# Of the time of all hardware threads that this process may use.
THRESHOLD = 0.05

# The columns of /proc/stat in which a thread works, from 0; `steal` is when
# the host gave it to somebody else.
_BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq
_STEAL = 7


class Reading(NamedTuple):
  """The counters at one moment, in seconds since the machine started."""

  total: float  # of all threads that this process may use
  busy: float
  steal: float
  load: float  # the mean number of processes that ran or waited, last minute


class Disturbance(NamedTuple):
  """What others did between two readings."""

  others: float  # 0 to 1, the share of the processor's time
  steal: float  # likewise
  load: float  # at the first reading

  @property
  def disturbed(self):
    return self.others + self.steal > THRESHOLD

  def to_json(self) -> Dict[str, object]:
    """Returns what a file of results says of it."""
    return {
        'others': round(self.others, 4),
        'steal': round(self.steal, 4),
        'load': self.load,
        'disturbed': self.disturbed,
    }


def read() -> Optional[Reading]:
  """Returns a Reading of now, or None where the system has no such counters."""
  try:
    stat = pathlib.Path('/proc/stat').read_text(encoding='ascii')
    return parse(
        stat,
        threads=os.sched_getaffinity(0),
        ticks=os.sysconf('SC_CLK_TCK'),
        load=os.getloadavg()[0],
    )
  except (OSError, AttributeError):
    return None


def parse(stat, *, threads, ticks, load):
  """Reads the text of /proc/stat.

  Args:
    stat: str.
    threads: ints, the numbers of the hardware threads that count.
    ticks: int, its unit, in a second.
    load: float.

  Returns:
    Reading.
  """
  total = busy = steal = 0
  for line in stat.splitlines():
    name, *columns = line.split()
    if name[:3] == 'cpu' and name[3:].isdigit() and int(name[3:]) in threads:
      # The two after `steal` are also in user and nice.
      counts = [int(column) for column in columns[: _STEAL + 1]]
      total += sum(counts)
      busy += sum(counts[column] for column in _BUSY)
      steal += counts[_STEAL]
  return Reading(total / ticks, busy / ticks, steal / ticks, load)


def between(before, after, own_seconds):
  """Tells what others did.

  Args:
    before, after: Reading, or None.
    own_seconds: float, the processor time of what was timed, and of us.

  Returns:
    Disturbance, or None if a reading is missing or no time passed.
  """
  if before is None or after is None or after.total <= before.total:
    return None
  total = after.total - before.total
  others = max(0.0, after.busy - before.busy - own_seconds)
  return Disturbance(
      others / total, (after.steal - before.steal) / total, before.load
  )
