"""The files that old interpreters run, as modules of this one."""

import importlib.util
import os
import sys
from unittest import mock

from tools.editions import calls


def load(name):
  """Returns the module old/NAME.py, which can import the files beside it."""
  path = os.path.join(calls.OLD, name + '.py')
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  with mock.patch.object(sys, 'path', [calls.OLD] + sys.path):
    spec.loader.exec_module(module)
  return module
