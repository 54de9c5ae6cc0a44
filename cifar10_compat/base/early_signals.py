"""Ends a program quietly that is told to stop while it still loads TensorFlow.

Entry points import this module before anything that imports TensorFlow, which
takes seconds.  Until signals.stop_on_signals() is entered nothing has been
written, and there is nothing to save.  Another program that imports one of them
changes nothing.
"""

import os
import signal
import sys

from cifar10_compat.base import onednn


def _end(signum, unused_frame):
  # Not by an exception: it would be raised anywhere in a half-loaded module.
  os._exit(128 + signum)


def is_program(path):
  """Returns whether a command, sys.argv[0], is one that loads TensorFlow."""
  return onednn.is_program(path) or (
      os.path.splitext(os.path.basename(path))[0] == 'cifar10_export'
  )


if is_program(sys.argv[0]):
  for _signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_signum) != signal.SIG_IGN:
      signal.signal(_signum, _end)
