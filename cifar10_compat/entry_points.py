"""How a program runs: its --help, its errors, its exit code."""

import contextlib
import inspect
import os
import sys
import textwrap
import threading

from absl import app
from absl import flags

from cifar10_compat import flags as shared_flags
from cifar10_compat.base import errors
from cifar10_compat.base import garbage
from cifar10_compat.base import output
from cifar10_compat.base import signals


def run(define_flags, main, *, first_flags, takes_arguments=False):
  """Runs a program: its flags, its exit code, its errors.

  A foreseen mistake, in the flags too, becomes one line on stderr and exit code
  1; any other exception keeps its traceback.  For output that does not arrive
  see output.arrives().  After SIGINT or SIGTERM the exit code is 128
  and the signal's number, as a shell expects.

  Args:
    define_flags: function without arguments that defines the flags.
    main: function of a signals.StopRequest that does the work.
    first_flags: names of the flags that --help shows first.
    takes_arguments: bool, hand main the list of what is no flag, besides.
  """
  garbage.pass_over_what_is_loaded()
  define_flags()
  stop = None

  def parse_flags(argv):
    # As an installed command a program is not the main module, which alone is
    # what absl's own --help describes.
    if {'-h', '-help', '--help', '--helpshort'} & set(argv[1:]):
      print(help_page(define_flags.__module__, first_flags))
      sys.exit(0)
    try:
      rest = flags.FLAGS(argv)
      shared_flags.check_values(flags.FLAGS)
      return rest
    except flags.Error as e:
      print(
          '%s: error: %s (--help explains)'
          % (os.path.basename(argv[0]), ' '.join(str(e).split())),
          file=sys.stderr,
      )
      sys.exit(1)

  def absl_main(argv):
    nonlocal stop
    if len(argv) > 1 and not takes_arguments:
      raise app.UsageError('unexpected argument: %s' % argv[1])
    try:
      with signals.stop_on_signals() as stop:
        main(stop, *([argv[1:]] if takes_arguments else []))
    except errors.StalledError as e:
      # A thread that stands still would be waited for.
      leave(128 + stop.signum if stop.requested else 1, str(e), error=True)
    except errors.Cifar10Error as e:
      print('%s: error: %s' % (os.path.basename(argv[0]), e), file=sys.stderr)
      sys.exit(128 + stop.signum if stop.requested else 1)
    if stop.requested:
      sys.exit(128 + stop.signum)

  with output.arrives(
      os.path.basename(sys.argv[0]), lambda: stop and stop.signum
  ):
    try:
      app.run(absl_main, flags_parser=parse_flags)
    finally:
      garbage.pass_over_all()


def leave(code, message, *, error=False):
  """Ends the process, whatever its threads wait for or are printing.

  Args:
    code: int, the exit code.
    message: str.
    error: bool, whether it is an error, as that of the code 1 always is.
  """
  stream = sys.stdout
  if error or code == 1:
    message = '%s: error: %s' % (os.path.basename(sys.argv[0]), message)
    stream = sys.stderr
  words = (message + '\n').encode()
  try:
    for say in (
        lambda: sys.stdout.flush(),
        lambda: sys.stderr.flush(),
        # Not through the stream, whose buffer another thread may have in its hands.
        lambda: os.write(stream.fileno(), words),
    ):
      _try(say)
  finally:
    os._exit(code)


def _try(function, secs=1):
  """Calls a function in a thread, which may wait for ever or fail."""

  def call():
    # No output: it is closed, its reader is gone, its disk is full.
    with contextlib.suppress(AttributeError, OSError, ValueError):
      function()

  thread = threading.Thread(target=call, daemon=True)
  thread.start()
  thread.join(secs)


def help_page(module, first_flags):
  """Returns what --help prints.

  Args:
    module: str, the name of a program's module, whose flags are defined.
    first_flags: names of flags that are shown before the others.
  """
  # Under the name by which absl knows what the module defined.
  key = sys.argv[0] if module == '__main__' else module
  by_name = {f.name: f for f in flags.FLAGS.get_key_flags_for_module(key)}
  first = [by_name.pop(name) for name in first_flags]
  parts = [inspect.cleandoc(sys.modules[module].__doc__)]
  parts += ['Flags, with their defaults; those that matter most come first:']
  parts += ['\n'.join(map(_flag_help, first))]
  if by_name:
    parts += ['Further flags:', '\n'.join(map(_flag_help, by_name.values()))]
  parts += ["--helpfull shows absl's and TensorFlow's flags too."]
  return '\n\n'.join(parts)


def _flag_help(flag):
  """Returns what --help says of an absl Flag."""
  text = ' '.join(flag.help.split())
  if flag.boolean:
    name = '[no]' + flag.name
    text += ' Default: %s.' % ('yes' if flag.default else 'no')
  elif flag.default in (None, [], ''):
    name = flag.name + '=...'
  else:
    name = '%s=%s' % (flag.name, flag.default)
  return '  --%s\n%s' % (
      name,
      textwrap.fill(
          text, 79, initial_indent=' ' * 6, subsequent_indent=' ' * 6
      ),
  )
