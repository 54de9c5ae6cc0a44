"""Injects one fault several times, and prints a line of JSON for each trial.

  python -m tools.robustness.faults.run FAULT NUMBERS [--loaded]
  [--plants=PLANTS]

FAULT is one of catalogue.FAULTS.  NUMBERS is FIRST-LAST; each number is the
seed of its trial.  --loaded runs two busy processes per core; --plants adds
plants of child.py to every trainer.
"""

import argparse
import contextlib
import json
import random
import signal
import sys
import tempfile

import tensorflow.compat.v1 as tf

from tools.robustness.faults import attempt
from tools.robustness.faults import catalogue


class Context:
  """Resources shared by the trials of a fault.

  Attributes:
    loaded: bool, whether the machine is busy.
    plants: str, the plants of every trainer; see child.py.
    number: int, the number of the trial, from 0.
  """

  def __init__(self, loaded, plants):
    self.loaded = loaded
    self.plants = plants
    self.number = None
    self._made = {}
    self._kept = contextlib.ExitStack()
    self._try = contextlib.ExitStack()
    self._scope = self._try

  def keep(self, name, make):
    """Returns the result of make(), which is called once for each name."""
    if name not in self._made:
      self._scope = self._kept
      try:
        self._made[name] = make()
      finally:
        self._scope = self._try
    return self._made[name]

  def new_directory(self):
    """Returns a new directory, which exists until the current scope ends."""
    return self._scope.enter_context(tempfile.TemporaryDirectory())

  def on_end(self, function):
    """Registers a function to call when the current scope ends."""
    self._scope.callback(function)

  def end_kept(self):
    """Ends the scope of the kept results, and forgets the results."""
    self._kept.close()
    self._made.clear()

  def end_try(self, survived):
    """Ends the scope of a trial; after a failure, also calls end_kept()."""
    self._try.close()
    if not survived:
      self.end_kept()


def run(fault, numbers, *, loaded=False, plants='-'):
  """Injects a fault several times.

  Args:
    fault: str, one of catalogue.FAULTS.
    numbers: iterable of int, the seeds.
    loaded: bool, whether to run two busy processes per core.
    plants: str, see child.py.

  Yields:
    dict for each trial: number, survived, steps_lost, seconds, message.
  """
  context = Context(loaded, plants)
  with contextlib.ExitStack() as stack:
    stack.enter_context(attempt.load(loaded))
    stack.callback(context.end_try, False)
    for number in numbers:
      context.number = number
      try:
        recovery = catalogue.FAULTS[fault].function(
            context, random.Random('%s %d' % (fault, number))
        )
        survived = True
      except (attempt.Failed, AssertionError) as e:
        survived = False
        recovery = attempt.Recovery(message=attempt.without_paths(str(e)))
      context.end_try(survived)
      yield dict(number=number, survived=survived, **recovery._asdict())


def main(argv):
  parser = argparse.ArgumentParser(prog='faults', allow_abbrev=False)
  parser.add_argument('fault', choices=sorted(catalogue.FAULTS))
  parser.add_argument('numbers')
  parser.add_argument('--loaded', action='store_true')
  parser.add_argument('--plants', default='-')
  args = parser.parse_args(argv)
  first, _, last = args.numbers.partition('-')
  for outcome in run(
      args.fault,
      range(int(first), int(last or first) + 1),
      loaded=args.loaded,
      plants=args.plants,
  ):
    print(json.dumps(outcome), flush=True)


if __name__ == '__main__':
  # Reset ignored signals, such as nohup's SIGHUP or a background job's SIGINT,
  # because the programs would inherit them.
  for signum in (signal.SIGHUP, signal.SIGINT):
    signal.signal(signum, signal.SIG_DFL)
  tf.disable_v2_behavior()
  main(sys.argv[1:])
