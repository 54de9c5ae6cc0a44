"""Reads a program's command line: its flags, and its --help.

Nothing here needs TensorFlow: see startup.py.
"""

import inspect
import os
import sys
import textwrap

from absl import app
from absl import flags

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import output


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
