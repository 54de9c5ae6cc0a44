"""Runs a program's own main() in this process, with a user's flags."""

import contextlib
import io
import signal

from absl import flags

from cifar10_compat.base import signals


class _Printed(io.StringIO):
  """What sys.stdout is for the program."""

  def reconfigure(self, **unused_kwargs):
    pass  # A program may ask for another way to write odd names.


def run(module, *args, stopped=False):
  """Runs a program to its end.

  Args:
    module: module with define_flags() and main().
    *args: str, its command line.
    stopped: bool, whether a stop was requested before it began.

  Returns:
    list of str, the lines that it printed.

  Raises:
    What main() raises.
  """
  before = set(flags.FLAGS)
  module.define_flags()
  stop = signals.StopRequest()
  if stopped:
    stop.signum = signal.SIGTERM
  printed = _Printed()
  try:
    _, *rest = flags.FLAGS(['program', *args])
    with contextlib.redirect_stdout(printed):
      module.main(stop, *([rest] if rest else []))
  finally:
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
  return printed.getvalue().splitlines()


def flags_of(module):
  """Returns the names of the flags that a program defines, a set."""
  before = set(flags.FLAGS)
  module.define_flags()
  defined = set(flags.FLAGS) - before
  flags.FLAGS.remove_flag_values(defined)
  return defined
