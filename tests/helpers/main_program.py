"""Runs a program's own main() in this process, with a user's flags."""

import contextlib
import io
import signal
from unittest import mock

from absl import flags

from cifar10_compat import entry_points
from cifar10_compat.base import settings
from cifar10_compat.base import signals


class _Printed(io.StringIO):
  """The program's sys.stdout."""

  def reconfigure(self, **unused_kwargs):
    pass  # A program may change how unencodable characters are written.


def config_of(module):
  """Returns the dataclass of a program's settings, from config.py.

  Args:
    module: module with console_main().
  """
  with mock.patch.object(entry_points, 'run') as run_program:
    module.console_main()
  config_class, main = run_program.call_args.args
  assert main is module.main, main
  return config_class


def parsed(config_class, *args):
  """Returns the settings of a command line.

  Args:
    config_class: a program's dataclass, from config.py.
    *args: str, the command line.

  Raises:
    absl.flags.Error, UsageError, DataError: the command line is wrong.
  """
  flag_values = flags.FlagValues()
  settings.define_flags(config_class, flag_values)
  _, *rest = flag_values(['program', *args])
  return settings.from_flags(config_class, tuple(rest), flag_values)


def run(module, *args, stopped=False):
  """Runs a program to its end.

  Args:
    module: module with console_main() and main().
    *args: str, its command line.
    stopped: bool, whether a stop was requested before the start.

  Returns:
    list of str, the printed lines.

  Raises:
    absl.flags.Error: the command line is wrong.
    What main() raises.
  """
  stop = signals.StopRequest()
  if stopped:
    stop.signum = signal.SIGTERM
  printed = _Printed()
  config = parsed(config_of(module), *args)
  with contextlib.redirect_stdout(printed):
    module.main(config, stop)
  return printed.getvalue().splitlines()
