"""How a program runs: its errors, its exit code."""

from collections.abc import Callable
import contextlib
import gc
import os
import sys
import threading

from absl import app

from cifar10_compat import command_line
from cifar10_compat import config as config_lib
from cifar10_compat import startup
from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import signals


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
  config = startup.prepared()
  is_prepared = isinstance(config, config_class)
  if isinstance(config, config_class):
    # Python searches for garbage again, but among new objects alone: what of
    # TensorFlow's is garbage is too little to be worth a search, of 0.2 s.
    gc.freeze()
    gc.enable()
  else:
    # Another program calls this one's console_main().
    from cifar10_compat.base import quiet  # noqa: F401

    config = command_line.read(
        config_class, sys.modules[main.__module__].__doc__
    )
  program = os.path.basename(sys.argv[0])
  stop = signals.NEVER

  def absl_main(unused_argv: list[str]) -> None:
    nonlocal stop
    try:
      with signals.stop_on_signals() as stop:
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
