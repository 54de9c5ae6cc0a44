"""How a program runs: its flags and its --help, its errors, its exit code.

Nothing here needs TensorFlow: see startup.py.
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

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import signals

# The settings of the program that this process is, once startup.prepare() has
# read them.
prepared: config_lib.Config | None = None

# How long a program that has nothing to save may take to end by itself.
_STOP_SECS = 5.0


def run(
    config_class: type[config_lib.C],
    main: Callable[[config_lib.C, signals.StopRequest], object],
) -> None:
  """Runs a program: its flags, its exit code, its errors.

  A foreseen mistake, in the flags too, becomes one line on stderr and exit code
  1; any other exception keeps its traceback.  For output that does not arrive
  see output.arrives().  After SIGINT or SIGTERM the exit code is 128
  and the signal's number, as a shell expects.

  Args:
    config_class: the program's dataclass.
    main: function of the settings and a signals.StopRequest that does the work.
  """
  config = prepared
  is_prepared = isinstance(config, config_class)
  if isinstance(config, config_class):
    # Python searches for garbage again, but among new objects alone: what of
    # TensorFlow's is garbage is too little to be worth a search, of 0.2 s.
    gc.freeze()
    gc.enable()
  else:
    # Another program calls this one's console_main().
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
      # A thread that stands still would be waited for.
      leave(128 + stop.signum if stop.signum else 1, str(e), error=True)
    except errors.Cifar10Error as e:
      print(f'{program}: error: {e}', file=sys.stderr)
      sys.exit(128 + stop.signum if stop.signum else 1)
    if stop.signum:
      sys.exit(128 + stop.signum)

  with output.arrives(program, lambda: stop.signum):
    try:
      app.run(absl_main, flags_parser=lambda argv: argv[:1])
    finally:
      if is_prepared:
        # The system takes the memory back.
        gc.disable()
        gc.freeze()


def _leave_late(signum: int) -> None:
  """Ends a program that has nothing to save, in whatever it is busy with."""
  leave(128 + signum, f'Stopped by {signal.Signals(signum).name}.')


def leave(code: int, message: str, *, error: bool = False) -> None:
  """Ends the process, whatever its threads wait for or are printing.

  Args:
    code: the exit code.
    message: the last words.
    error: whether it is an error, as that of the code 1 always is.
  """
  stream = sys.stdout
  if error or code == 1:
    message = f'{os.path.basename(sys.argv[0])}: error: {message}'
    stream = sys.stderr
  words = (message + '\n').encode()

  def call(function: Callable[[], object]) -> None:
    # No output: it is closed, its reader is gone, its disk is full.
    with contextlib.suppress(AttributeError, OSError, ValueError):
      function()

  try:
    for say in (
        lambda: sys.stdout.flush(),
        lambda: sys.stderr.flush(),
        # Not through the stream, whose buffer another thread may have in its hands.
        lambda: os.write(stream.fileno(), words),
    ):
      # It may wait for ever.
      thread = threading.Thread(target=call, args=[say], daemon=True)
      thread.start()
      thread.join(1)
  finally:
    os._exit(code)


def read(config: type[config_lib.C], description: str | None) -> config_lib.C:
  """Defines a program's flags and reads them from sys.argv.

  Args:
    config: the program's dataclass.
    description: what --help says first, the docstring of the program's module.

  Raises:
    SystemExit: --help has been answered; or the command line is wrong, which one
      line on stderr has said.
  """
  program = os.path.basename(sys.argv[0])
  config_lib.define_flags(config)
  app.define_help_flags()  # --helpfull, --helpxml
  if {'-h', '-help', '--help', '--helpshort'} & set(sys.argv[1:]):
    with output.arrives(program):
      print(help_page(config, description or ''))
    sys.exit(0)
  try:
    _, *arguments = flags.FLAGS(sys.argv)
    if arguments and not config.TAKES_ARGUMENTS:
      raise flags.Error(f'unexpected argument: {arguments[0]}')
    return config_lib.from_flags(config, tuple(arguments))
  except flags.Error as e:
    message = ' '.join(str(e).split()) + ' (--help explains)'
  except errors.Cifar10Error as e:
    message = str(e)
  print(f'{program}: error: {message}', file=sys.stderr)
  sys.exit(1)


def help_page(config: type[config_lib.Config], description: str) -> str:
  """Returns what --help prints.

  Args:
    config: the program's dataclass, whose flags are defined.
    description: the docstring of the program's module.
  """
  names = list(config_lib.settings(config))
  first, further = names[: len(config.FIRST)], names[len(config.FIRST) :]
  parts = [
      inspect.cleandoc(description),
      'Flags, with their defaults; those that matter most come first:',
      '\n'.join(map(_flag_help, first)),
  ]
  if further:
    parts += ['Further flags:', '\n'.join(map(_flag_help, further))]
  parts += ["--helpfull shows absl's flags too."]
  return '\n\n'.join(parts)


def _flag_help(name: str) -> str:
  """Returns what --help says of a flag."""
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
