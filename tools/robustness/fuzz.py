r"""Checks that the package reads or rejects randomly damaged image sets.

  fuzz [--cases=10000 | --seconds=60] [--seed=0] [--search]

Each case creates a small image set of one kind (records, an archive, a
description, a folder of images), damages it, and has the package read it.  The
package must either read the set, or reject it within 10 seconds with a one-line
error.  Otherwise the program prints the failure with the number of the case,
and the exit code is 1; --first=NUMBER --cases=1 repeats the case.  The library
hypothesis, in the extra `test`, draws the cases: a case depends only on its
number, the seed and the code.

--search also tries command lines and TF_CONFIG, runs all cases in this process,
and prints the simplest failing case.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import collections
import itertools
import math
import signal
import sys
import tempfile
import time
import traceback

from cifar10_compat.base import errors

from ..base import command_line
from ..base import processes
from ..base import text_tables

_CASE_SECS = 10
# The kinds of numbered cases, which take turns.
_NUMBERED = ('records', 'descriptions', 'archives', 'images')
# Number of cases that one process draws and runs, unless a case ends the
# process.
_CASES_PER_PROCESS = 500
# Number of cases of one kind that hypothesis chooses before the next kind.
_CASES_OF_A_TURN = 50


class _Hang(BaseException):
  """A timeout; not an Exception, so that other handlers do not catch it."""


def run_case(seed, number):
  """Runs one case.

  Args:
    seed, number: int.

  Returns:
    kind: str, one of _NUMBERED.
    result: str, 'read', 'refused' or 'failed'.
    report: str, the report of a failure, or ''.
  """
  kinds = _strategies()
  part, number = divmod(number, _CASES_PER_PROCESS)
  # Draw all kinds before a case runs and loads modules: hypothesis also draws
  # the constants of loaded modules.
  values = {
      kind: kinds.drawn(
          kind, f'{seed}/{part}', _CASES_PER_PROCESS // len(_NUMBERED)
      )
      for kind in _NUMBERED
  }
  kind = _NUMBERED[number % len(_NUMBERED)]
  value = values[kind][number // len(_NUMBERED) % len(values[kind])]
  _, read = kinds.KINDS[kind]
  return (kind, *outcome(lambda directory: read(value, directory)))


def _strategies():
  """Imports fuzz_strategies; raises UsageError if hypothesis is missing."""
  try:
    from . import fuzz_strategies
  except ImportError as e:
    raise errors.UsageError(
        'hypothesis is not installed: pip install cifar10_compat[test]'
    ) from e
  return fuzz_strategies


def outcome(case):
  """Runs a case in a new directory, with a time limit.

  Args:
    case: function whose argument is the path of the directory.

  Returns:
    result, report: see run_case().
  """

  def hang(unused_signum, unused_frame):
    raise _Hang()

  previous = signal.signal(signal.SIGALRM, hang)
  with tempfile.TemporaryDirectory() as directory:
    signal.setitimer(signal.ITIMER_REAL, _CASE_SECS)
    try:
      case(directory)
      return 'read', ''
    except errors.Cifar10Error as e:
      if '\n' in str(e):
        return 'failed', 'more than one line: %s' % e
      return 'refused', ''
    except (Exception, _Hang):  # pylint: disable=broad-except
      return 'failed', traceback.format_exc()
    finally:
      signal.setitimer(signal.ITIMER_REAL, 0)
      signal.signal(signal.SIGALRM, previous)


def _parser():
  parser = command_line.Parser(
      prog='fuzz',
      description=__doc__,
  )
  parser.add_argument(
      '--cases',
      type=int,
      metavar='N',
      help='number of cases. Default: no limit except --seconds',
  )
  parser.add_argument(
      '--seconds',
      type=float,
      metavar='S',
      help='stop after S seconds. Default: 60, or no limit with --cases',
  )
  parser.add_argument(
      '--seed',
      type=int,
      default=0,
      metavar='N',
      help='seed of all cases. Default: %(default)s',
  )
  parser.add_argument(
      '--first',
      type=int,
      metavar='N',
      help='run cases in this process, starting with this number; --cases then defaults to 1',
  )
  parser.add_argument(
      '--search',
      action='store_true',
      help='also try command lines and TF_CONFIG; print the simplest failing case',
  )
  return parser


@command_line.program('fuzz')
def main(argv):
  args = _parser().parse_args(argv)
  if args.cases is not None and args.cases < 1:
    raise errors.UsageError('--cases=%d must be at least 1' % args.cases)
  if args.seconds is None:
    args.seconds = math.inf if args.cases else 60
  if args.first is not None:
    return _run_cases(
        args.seed,
        range(args.first, args.first + (args.cases or 1)),
        args.seconds,
    )

  if args.search:
    counts = _search(args.seed, args.cases or math.inf, args.seconds)
  else:
    counts = _run_in_processes(args.seed, args.cases or math.inf, args.seconds)
  results = ('read', 'refused', 'failed')
  rows = []
  for kind in dict.fromkeys([kind for kind, _ in counts]):
    found = [counts[kind, result] for result in results]
    if sum(found):
      rows.append((kind, sum(found), *found))
  print(text_tables.text(rows, heads=('kind', 'cases', *results), numbers=True))
  failed = sum(n for (_, result), n in counts.items() if result == 'failed')
  print(
      '%d cases of seed %d, %d failed'
      % (sum(counts.values()), args.seed, failed)
  )
  return 1 if failed else 0


def _search(seed, cases, seconds):
  """Runs cases that hypothesis chooses; returns a Counter of (kind, result)."""
  fuzz_strategies = _strategies()
  end = time.monotonic() + seconds
  counts = collections.Counter()
  for turn in itertools.count():
    for kind in fuzz_strategies.KINDS:
      left = min(_CASES_OF_A_TURN, cases - sum(counts.values()))
      if left < 1 or time.monotonic() > end:
        return counts
      found, report = fuzz_strategies.search(
          kind, seed=seed + turn, cases=left, outcome=outcome
      )
      counts += found
      if report:
        print(report, file=sys.stderr, flush=True)


def _run_in_processes(seed, cases, seconds):
  """Runs cases in several processes; returns a Counter of (kind, result)."""
  end = time.monotonic() + seconds
  counts = collections.Counter()
  number = 0
  while time.monotonic() < end and number < cases:
    found = _in_a_process(
        seed=seed,
        first=number,
        cases=min(_CASES_PER_PROCESS, cases - number),
        seconds=end - time.monotonic(),
    )
    counts += found
    number += sum(found.values())
  return counts


def _run_cases(seed, numbers, seconds):
  """Runs cases and prints their kinds and results; returns the exit code."""
  failed = False
  end = time.monotonic() + seconds
  for number in numbers:
    if time.monotonic() > end:
      break
    kind, result, report = run_case(seed, number)
    print('case %d %s %s' % (number, kind, result), flush=True)
    if report:
      failed = True
      print(report, file=sys.stderr, flush=True)
  print('end')
  return 1 if failed else 0


def _in_a_process(*, seed, first, cases, seconds):
  """Runs cases in a separate process; returns a Counter of (kind, result)."""
  result = processes.finish(
      processes.tool('robustness.fuzz'),
      [
          '--seed=%d' % seed,
          '--first=%d' % first,
          '--cases=%d' % cases,
          '--seconds=%f' % seconds,
      ],
  )
  counts = collections.Counter()
  *lines, last = result.stdout.splitlines() or ['']
  if last != 'end':
    lines.append(last)
  for _, number, kind, outcome in (l.split() for l in lines if l):
    counts[kind, outcome] += 1
    if outcome == 'failed':
      print(
          'case %s of %s failed: repeat it with --seed=%d --first=%s'
          % (number, kind, seed, number),
          flush=True,
      )
  if last != 'end':
    print(
        'case %d ended its process with exit code %d'
        % (first + sum(counts.values()), result.returncode),
        flush=True,
    )
    counts['crash', 'failed'] += 1
  if result.returncode:
    sys.stderr.write(result.stderr)
  return counts


if __name__ == '__main__':
  sys.exit(main())
