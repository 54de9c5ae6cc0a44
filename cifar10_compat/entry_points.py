"""Runs a program: handles its flags, --help, errors and exit code.

This module does not import TensorFlow: see startup.py.
"""

from collections.abc import Callable
import contextlib
import gc
import inspect
import os
import signal
import sys
import textwrap
import threading

from absl import app
from absl import flags

from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import settings
from cifar10_compat.base import signals

# The settings of this process's program, once startup.prepare() has read its
# command line.
prepared: settings.Config | None = None

# Seconds until a stop signal ends a program that has nothing to save.
_STOP_SECS = 5.0


def run(
    config_class: type[settings.C],
    main: Callable[[settings.C, signals.StopRequest], object],
) -> None:
  """Runs a program: reads its flags, reports errors, sets the exit code.

  An expected error, including an invalid flag, becomes one line on stderr and
  exit code 1; any other exception keeps its traceback.  output.arrives()
  reports failed writes to stdout.  After SIGINT or SIGTERM the exit code is 128
  plus the signal number, as a shell expects.

  Args:
    config_class: the program's dataclass.
    main: the program, a function of the settings and a signals.StopRequest.
  """
  config = prepared
  is_prepared = isinstance(config, config_class)
  if isinstance(config, config_class):
    # Enable garbage collection again, but only for new objects: scanning
    # TensorFlow's objects takes 0.2 s and would free hardly any of them.
    gc.freeze()
    gc.enable()
  else:
    # Another program has called this program's console_main().
    from cifar10_compat.base import quiet  # noqa: F401

    config = read(config_class, sys.modules[main.__module__].__doc__)
  program = os.path.basename(sys.argv[0])
  stop = signals.NEVER

  def absl_main(unused_argv: list[str]) -> None:
    nonlocal stop
    try:
      with (
          signals.stop_on_signals() as stop,
          signals.stop_deadline(stop, _STOP_SECS, _leave_late, but_save=True),
      ):
        stop.leave = lambda message: leave(1, message)
        main(config, stop)
    except errors.StalledError as e:
      # End the process directly: a normal exit would join a thread that hangs.
      leave(128 + stop.signum if stop.signum else 1, str(e), error=True)
    except errors.Cifar10Error as e:
      print(f'{program}: error: {e}', file=sys.stderr)
      sys.exit(128 + stop.signum if stop.signum else 1)
    except RuntimeError as e:
      if "can't start new thread" not in str(e):
        raise
      print(
          f'{program}: error: no further thread can be started: allow more '
          'processes (ulimit -u, or the limit of the container)',
          file=sys.stderr,
      )
      sys.exit(1)
    if stop.signum:
      sys.exit(128 + stop.signum)

  with output.arrives(program, lambda: stop.signum):
    try:
      app.run(absl_main, flags_parser=lambda argv: argv[:1])
    finally:
      if is_prepared:
        # Skip the last garbage collection: the system frees the memory anyway.
        gc.disable()
        gc.freeze()


def _leave_late(signum: int) -> None:
  """Ends a program that has nothing to save, even if it is blocked."""
  leave(128 + signum, f'Stopped by {signal.Signals(signum).name}.')


def leave(code: int, message: str, *, error: bool = False) -> None:
  """Ends the process even if its threads hang or are printing.

  Args:
    code: the exit code.
    message: the last line to print.
    error: whether to report the message as an error; exit code 1 implies this.
  """
  stream = sys.stdout
  if error or code == 1:
    message = f'{os.path.basename(sys.argv[0])}: error: {message}'
    stream = sys.stderr
  words = (message + '\n').encode()

  def call(function: Callable[[], object]) -> None:
    # Ignore errors: the output may be closed, its reader may have exited, or
    # the disk may be full.
    with contextlib.suppress(AttributeError, OSError, ValueError):
      function()

  try:
    for say in (
        lambda: sys.stdout.flush(),
        lambda: sys.stderr.flush(),
        # Bypass the stream: another thread may hold the lock of its buffer.
        lambda: os.write(stream.fileno(), words),
    ):
      # Run the call in a thread, since it may block forever.
      thread = threading.Thread(target=call, args=[say], daemon=True)
      thread.start()
      thread.join(1)
  finally:
    os._exit(code)


def read(config: type[settings.C], description: str | None) -> settings.C:
  """Defines a program's flags and reads them from sys.argv.

  Args:
    config: the program's dataclass.
    description: the first part of --help, the docstring of the program's
      module.

  Raises:
    SystemExit: --help was printed, or the command line is invalid; one line on
      stderr then gives the reason.
  """
  program = os.path.basename(sys.argv[0])
  settings.define_flags(config)
  app.define_help_flags()  # --helpfull, --helpxml
  if {'-h', '-help', '--help', '--helpshort'} & set(sys.argv[1:]):
    with output.arrives(program):
      print(help_page(config, description or ''))
    sys.exit(0)
  try:
    _, *arguments = flags.FLAGS(sys.argv)
    if arguments and not config.TAKES_ARGUMENTS:
      raise flags.Error(f'unexpected argument: {arguments[0]}')
    values = settings.from_flags(config, tuple(arguments))
    errors.UsageError.raise_if(
        os.environ.get('TF_DETERMINISTIC_OPS', '').lower() in ('1', 'true')
        and getattr(values, 'seed', None) is None,
        'TF_DETERMINISTIC_OPS is set, and TensorFlow then rejects random ops '
        'without a seed: '
        + ('add --seed=1, or ' if hasattr(values, 'seed') else '')
        + 'unset the variable',
    )
    return values
  except flags.Error as e:
    message = ' '.join(str(e).split()) + ' (--help explains)'
  except errors.Cifar10Error as e:
    message = str(e)
  print(f'{program}: error: {message}', file=sys.stderr)
  sys.exit(1)


def help_page(config: type[settings.Config], description: str) -> str:
  """Returns the --help text.

  Args:
    config: the program's dataclass, whose flags are defined.
    description: the docstring of the program's module.
  """
  names = list(settings.fields(config))
  first, further = names[: len(config.FIRST)], names[len(config.FIRST) :]
  parts = [
      inspect.cleandoc(description),
      'Flags and their defaults, most important first:',
      '\n'.join(map(_flag_help, first)),
  ]
  if further:
    parts += ['Further flags:', '\n'.join(map(_flag_help, further))]
  parts += ["--helpfull also shows absl's flags."]
  return '\n\n'.join(parts)


def _flag_help(name: str) -> str:
  """Returns the --help text of a flag."""
  flag = flags.FLAGS[name]
  text = ' '.join(flag.help.split())
  if flag.boolean:
    shown = '[no]' + name
    if flag.default is not None:
      text += f' Default: {"yes" if flag.default else "no"}.'
  elif flag.default in (None, [], ''):
    shown = name + '=...'
  else:
    shown = f'{name}={flag.default}'
  indent = ' ' * 6
  return f'  --{shown}\n' + textwrap.fill(
      text, 79, initial_indent=indent, subsequent_indent=indent
  )
