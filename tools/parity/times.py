"""Times a step of the original on two TensorFlow versions, the port and --fast.

All contestants are real trainers, timed end to end by the time stamps in the
logs, once the queue is full.  //tools:benchmark runs more rounds, measurements
and contestants.
"""

import os
import statistics
import tempfile

from ..base import manifest
from ..speed import children
from ..speed import contestants
from . import report

_NAMES = {
    'original': 'unmodified, on TensorFlow %s',
    'tutorial': "unmodified, on today's TensorFlow",
    'literal': 'port',
    'fast': 'port, --fast',
}


def measure(original, rounds, *, steps=100):
  """Times all contestants in turn, once in each round.

  Args:
    original: sides.Side on an old TensorFlow.
    rounds: int, at least 1.
    steps: int, the number of steps to time per round, a multiple of 100.

  Returns:
    dict from a contestant, a key of _NAMES, to a list of (seconds per step,
    bool: whether other work may have disturbed the run).

  Raises:
    UsageError: a run failed.
  """
  commands = contestants.end_to_end(
      data_dir=original.data_dir,
      dataset='cifar10',
      source=original.source,
      steps=steps,
      runtime=original.runtime,
  )
  found = {name: [] for name in _NAMES if name in commands}
  for _ in range(rounds):
    for name, times in found.items():
      command = commands[name]
      with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, 'run')
        result = children.run(
            command.module,
            command.args + ['--%s=%s' % (command.directory_flag, path)],
            what='a step of %s cannot be timed' % name,
        )
      seconds = command.read(result)['seconds_per_step']
      quiet = result.disturbance and not result.disturbance.disturbed
      times.append((seconds, not quiet))
  return found


def section(original, times):
  """Returns a section of the report.

  Args:
    original: sides.Side on an old TensorFlow.
    times: dict, the result of measure().
  """
  processor = manifest.processor()
  medians = {
      name: statistics.median(seconds for seconds, _ in runs)
      for name, runs in times.items()
  }
  disturbed = sum(bad for runs in times.values() for _, bad in runs)
  return report.section(
      'Step time' + original.where,
      0,
      text=[
          'All contestants trained in turn in each of %d rounds, end to end with '
          'summaries, on %s with %d threads. Of %d '
          'runs, other work may have disturbed %d.'
          % (
              len(next(iter(times.values()))),
              processor['name'],
              processor['threads'],
              sum(map(len, times.values())),
              disturbed,
          )
      ],
      tables=[
          report.table(
              'Seconds per step',
              ('', 'median', 'all', 'relative to the port'),
              [
                  (
                      _NAMES[name].replace('%s', original.runtime),
                      '%.3f' % medians[name],
                      ' '.join(
                          '%.3f%s' % (seconds, ' (disturbed)' * bad)
                          for seconds, bad in runs
                      ),
                      '%.2f' % (medians[name] / medians['literal']),
                  )
                  for name, runs in times.items()
              ],
          )
      ],
  )
