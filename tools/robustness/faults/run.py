"""Tries one fault several times, and prints a line of JSON for each try.

  python -m tools.robustness.faults.run FAULT NUMBERS [--loaded] [--plants=PLANTS]

FAULT is one of catalogue.FAULTS, NUMBERS is FIRST-LAST, and each number is the seed
of its try.  --loaded has two busy processes a core beside it, --plants lets every
trainer have mutants of child.py in it.
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
  """What the tries of a fault share.

  Attributes:
    loaded: bool, whether the machine is busy.
    plants: str, what every trainer has in it: see child.py.
    number: int, of the try, from 0 on.
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
    """Returns what make() returned when it was first called under this name."""
    if name not in self._made:
      self._scope = self._kept
      try:
        self._made[name] = make()
      finally:
        self._scope = self._try
    return self._made[name]

  def new_directory(self):
    """Returns a directory that is there as long as what it is made for."""
    return self._scope.enter_context(tempfile.TemporaryDirectory())

  def on_end(self, function):
    """Has a function called when what it is made for ends."""
    self._scope.callback(function)

  def end_kept(self):
    """Ends what keep() made: the next try makes it anew."""
    self._kept.close()
    self._made.clear()

  def end_try(self, survived):
    """Ends what was made for one try; after a failure nothing is kept."""
    self._try.close()
    if not survived:
      self.end_kept()


def run(fault, numbers, *, loaded=False, plants='-'):
  """Tries a fault.

  Args:
    fault: str, one of catalogue.FAULTS.
    numbers: iterable of int, the seeds.
    loaded: bool, have two busy processes a core beside it.
    plants: str, see child.py.

  Yields:
    dict of each try: number, survived, steps_lost, seconds, message.
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
  # The programs inherit what is ignored: nohup's SIGHUP, a background job's
  # SIGINT.
  for signum in (signal.SIGHUP, signal.SIGINT):
    signal.signal(signum, signal.SIG_DFL)
  tf.disable_v2_behavior()
  main(sys.argv[1:])
