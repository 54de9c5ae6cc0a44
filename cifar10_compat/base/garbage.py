"""Keeps Python's search for garbage out of the loading of TensorFlow.

TensorFlow makes 400,000 objects while it loads.  Python looks through them for
garbage again and again meanwhile, later on every time that many objects have been
made, and several times before it ends.

Entry points import this module before anything that imports TensorFlow.  Another
program that imports one of them, or calls its console_main(), changes nothing.
"""

import gc
import sys

from cifar10_compat.base import early_signals

_PROGRAM = early_signals.is_program(sys.argv[0])

if _PROGRAM:
  gc.disable()


def pass_over_what_is_loaded():
  """Searches again, but among new objects alone."""
  if _PROGRAM:
    # What of it is garbage is too little to be worth a search, of 0.2 s.
    gc.freeze()
    gc.enable()


def pass_over_all():
  """Searches no more: a program ends, and the system takes its memory back."""
  if _PROGRAM:
    gc.disable()
    gc.freeze()
