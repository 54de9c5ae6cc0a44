"""Injects faults into the programs and records the outcomes; can be resumed.

  torture --json=FILE [--faults=NAME,...] [--minutes=N]
  torture --json=FILE --mutants
  torture --list

Starts the real programs, and at random moments, seeded by the trial number,
kills or stops them, limits their resources or damages their files.  FILE
records whether each program recovered as docs/reliability.md promises.  Trials
in FILE are not repeated unless the code has changed since then.  --mutants
shows that the harness detects deliberately broken programs.  The program needs
a checkout; some faults need permission to mount a disk.

The exit code is 1 if a trial failed, or a mutant was not detected.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import json
import queue
import subprocess
import sys
import threading
import time

from ..base import command_line
from ..base import json_files
from ..base import manifest
from ..base import processes
from ..base import text_tables
from .faults import catalogue

# Time limit, in seconds, above which a trial counts as hanging.  The slowest
# trials take two minutes.
_LIMIT_SECS = 600


class Report:
  """The outcomes of all trials, stored in a file.

  {"faults": {"kill": {"title": "...", "rounds": [{"manifest": {...}, "loaded":
  false, "tries": [{"number": 0, "survived": true, "steps_lost": 3, "seconds":
  4.2, "message": "..."}]}]}}, "mutants": [{"plant": "no_lock", "fault":
  "second_trainer", "found": true, "message": "..."}]}

  Attributes:
    content: dict with the structure shown above.
  """

  def __init__(self, path):
    """Reads the file if it exists.

    Raises:
      UsageError: the file cannot be read.
    """
    self._path = path
    self.content = json_files.read_if_there(path, {'faults': {}, 'mutants': []})

  def tries(self, fault, loaded, origin):
    """Returns the list of a fault's trials on this code, for appending.

    Args:
      fault: catalogue.Fault.
      loaded: bool, whether the machine is loaded.
      origin: dict, from manifest.origin().
    """
    entry = self.content['faults'].setdefault(fault.name, {'rounds': []})
    entry['title'] = fault.title
    for made in entry['rounds']:
      if made['loaded'] == loaded and made['manifest'] == origin:
        return made['tries']
    others = [r for r in entry['rounds'] if r['loaded'] != loaded]
    made = {'manifest': origin, 'loaded': loaded, 'tries': []}
    entry['rounds'] = others + [made]
    return made['tries']

  def save(self):
    """Writes the file atomically.

    Raises:
      UsageError: the file cannot be written.
    """
    json_files.write(self._path, self.content)


def outcomes(fault, first, last, *, loaded=False, plants='-'):
  """Injects a fault several times, in separate processes.

  Args:
    fault: str, the name of the fault.
    first, last: int, the numbers of the trials.
    loaded: bool, whether to run two busy processes per core.
    plants: str, see tools/robustness/faults/child.py.

  Yields:
    dict for each trial: see Report.  A hanging trial is killed and counts as
      failed.
  """
  while first <= last:
    with processes.start(
        'tools.robustness.faults.run',
        [fault, '%d-%d' % (first, last), '--plants=' + plants]
        + ['--loaded'] * loaded,
        # Ignore the time limit of a Bazel test.
        {'TEST_TIMEOUT': '1000000'},
        group=True,
        stdout=subprocess.PIPE,
    ) as process:
      lines = queue.Queue()
      reader = threading.Thread(target=_read, args=(process.stdout, lines))
      reader.start()
      try:
        while first <= last:
          line, trouble = None, 'the harness ended'
          try:
            line = lines.get(timeout=_LIMIT_SECS)
          except queue.Empty:
            trouble = 'did not end within %d seconds' % _LIMIT_SECS
          yield json.loads(line) if line else _failed(first, trouble)
          first += 1
          if not line:
            break  # A new process runs the remaining trials.
      finally:
        processes.kill_group(process)
        reader.join()


def _read(stream, lines):
  for line in stream:
    lines.put(line)
  lines.put(None)


def _failed(number, message):
  """Returns the outcome of a trial that the harness could not finish."""
  return {
      'number': number,
      'survived': False,
      'steps_lost': None,
      'seconds': None,
      'message': message,
  }


def try_all(report, faults, end):
  """Runs the trials that a report lacks.

  Args:
    report: Report.
    faults: list of catalogue.Fault.
    end: float, the time.monotonic() after which no trial starts.
  """
  origin = manifest.origin()
  for fault in faults:
    for loaded in (False, True):
      count = fault.loaded if loaded else fault.idle
      tries = report.tries(fault, loaded, origin) if count else []
      if len(tries) >= count:
        continue
      for outcome in outcomes(fault.name, len(tries), count - 1, loaded=loaded):
        tries.append(outcome)
        report.save()
        print(
            '%s%s %d/%d: %s'
            % (
                fault.name,
                ' under load' if loaded else '',
                len(tries),
                count,
                describe(outcome),
            ),
            flush=True,
        )
        if time.monotonic() > end:
          return


def try_mutants(report, mutants):
  """Runs each mutant of a catalogue, and records whether it was detected."""
  report.content['mutants'] = []
  for mutant in mutants:
    found = None
    for outcome in outcomes(
        mutant.fault, 0, mutant.tries - 1, plants=mutant.plant
    ):
      if not outcome['survived']:
        found = outcome
        break
    report.content['mutants'].append(
        {
            'plant': mutant.plant,
            'fault': mutant.fault,
            'found': found is not None,
            'message': found and found['message'],
        }
    )
    report.save()
    print('%s: %s' % (mutant.plant, found and found['message']), flush=True)


def describe(outcome):
  """Describes an outcome in words."""
  words = ['survived' if outcome['survived'] else 'FAILED']
  if outcome['steps_lost'] is not None:
    words.append('%d steps lost' % outcome['steps_lost'])
  if outcome['seconds'] is not None:
    words.append('%.1f s' % outcome['seconds'])
  return ', '.join(words) + ': ' + outcome['message']


def failures(content):
  """Returns the failed trials and the undetected mutants, a list of str."""
  return [
      '%s, trial %d: %s' % (name, outcome['number'], outcome['message'])
      for name, entry in content['faults'].items()
      for made in entry['rounds']
      for outcome in made['tries']
      if not outcome['survived']
  ] + [
      'mutant %s was not detected' % mutant['plant']
      for mutant in content['mutants']
      if not mutant['found']
  ]


@command_line.program('torture')
def main(argv):
  parser = command_line.Parser(
      prog='torture',
      description=__doc__,
  )
  parser.add_argument('--json', metavar='FILE', help='the results file')
  parser.add_argument(
      '--faults',
      metavar='NAME,...',
      help='comma-separated faults to inject, from --list (default: all)',
  )
  parser.add_argument(
      '--minutes',
      type=float,
      help='number of minutes after which no trial starts',
  )
  parser.add_argument(
      '--mutants',
      action='store_true',
      help='check that the harness detects the mutants',
  )
  parser.add_argument('--list', action='store_true', help='list the faults')
  args = parser.parse_args(argv)
  chosen = args.faults.split(',') if args.faults else None
  for name in chosen or ():
    if name not in catalogue.FAULTS:
      parser.error('--faults: there is no fault %r; see --list' % name)
  if args.list:
    print(
        text_tables.text(
            (f.name, f'{f.idle} idle', f'{f.loaded} under load', f.title)
            for f in catalogue.FAULTS.values()
        )
    )
    return 0
  if not args.json:
    parser.error('--json is required')
  report = Report(command_line.path(args.json))
  if args.mutants:
    try_mutants(report, catalogue.MUTANTS)
  else:
    minutes = float('inf') if args.minutes is None else args.minutes
    try_all(
        report,
        [
            fault
            for name, fault in catalogue.FAULTS.items()
            if not chosen or name in chosen
        ],
        time.monotonic() + 60 * minutes,
    )
  broken = failures(report.content)
  for line in broken:
    print(line)
  return 1 if broken else 0


if __name__ == '__main__':
  sys.exit(main())
