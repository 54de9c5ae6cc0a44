"""Detects whether other work used the processor during a measurement.

A run is disturbed if other processes, and other guests of a virtual machine's
host, used more than THRESHOLD of the processor's time during the run.
"""

import os
import pathlib
from typing import Dict, NamedTuple, Optional

# Fraction of the processor time of all hardware threads usable by this process.
THRESHOLD = 0.05

# Indices of the columns of /proc/stat that count the time in which a hardware
# thread works.  `steal` counts the time in which the host ran another guest.
_BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq
_STEAL = 7


class Reading(NamedTuple):
  """The counters at one moment, in seconds since the machine started."""

  total: float  # working time of all hardware threads that this process may use
  busy: float
  steal: float
  load: float  # mean number of running or waiting processes in the last minute


class Disturbance(NamedTuple):
  """The processor use of other processes and guests between two readings."""

  others: float  # 0 to 1, other processes' share of the processor's time
  steal: float  # 0 to 1, other guests' share
  load: float  # load average at the first reading

  @property
  def disturbed(self):
    return self.others + self.steal > THRESHOLD

  def to_json(self) -> Dict[str, object]:
    """Returns the disturbance's entry in a results file."""
    return {
        'others': round(self.others, 4),
        'steal': round(self.steal, 4),
        'load': self.load,
        'disturbed': self.disturbed,
    }


def read() -> Optional[Reading]:
  """Returns the current Reading, or None if the system lacks the counters."""
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
  """Parses the text of /proc/stat.

  Args:
    stat: str.
    threads: ints, the numbers of the hardware threads to count.
    ticks: int, the counters' units per second.
    load: float.

  Returns:
    Reading.
  """
  total = busy = steal = 0
  for line in stat.splitlines():
    name, *columns = line.split()
    if name[:3] == 'cpu' and name[3:].isdigit() and int(name[3:]) in threads:
      # The two columns after `steal` are included in user and nice.
      counts = [int(column) for column in columns[: _STEAL + 1]]
      total += sum(counts)
      busy += sum(counts[column] for column in _BUSY)
      steal += counts[_STEAL]
  return Reading(total / ticks, busy / ticks, steal / ticks, load)


def between(before, after, own_seconds):
  """Computes the Disturbance between two readings.

  Args:
    before, after: Reading, or None.
    own_seconds: float, the processor time of the timed process and of this
      process.

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
