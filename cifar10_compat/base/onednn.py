"""Switches oneDNN on in a program that is called with --fast.

TensorFlow reads TF_ENABLE_ONEDNN_OPTS while it loads, long before a program
parses its flags.  By itself it uses oneDNN only on processors with AVX-512 VNNI,
bfloat16 or AMX; on others the gradients of a convolution then take several times
as long.

Entry points import this module before anything that imports TensorFlow.  It
looks at the command line if that is one of this package's programs'; another
program that imports one of them changes nothing.  What the user has set in the
environment is left alone.
"""

import os
import sys

from absl import flags

VARIABLE = 'TF_ENABLE_ONEDNN_OPTS'


# The programs that have --fast.
_PROGRAMS = (
    'cifar10_train',
    'cifar10_multi_gpu_train',
    'cifar10_distributed_train',
    'cifar10_eval',
    'cifar10_predict',
)


def is_program(path):
  """Returns whether a command is one that has --fast.

  Args:
    path: str, sys.argv[0]: the installed command, or the module's file.
  """
  return os.path.splitext(os.path.basename(path))[0] in _PROGRAMS


def asks_for_fast(argv):
  """Returns whether a command line has --fast, perhaps in a file of flags.

  Args:
    argv: list of str, the program's name first.
  """
  # absl reads it, as it will later: --nofast, --fast=false, --flagfile=...
  flag_values = flags.FlagValues()
  flags.DEFINE_boolean('fast', False, '', flag_values=flag_values)
  # The value of a flag that is not known here does not end the flags.
  flag_values.set_gnu_getopt(True)
  try:
    flag_values(argv, known_only=True)
  except flags.Error:
    return False  # The program's own parser will say what is wrong.
  return flag_values.fast


# What was found, or None in a program that is not this package's.
found = asks_for_fast(sys.argv) if is_program(sys.argv[0]) else None
if found:
  os.environ.setdefault(VARIABLE, '1')
