"""Runs a program, and reports the import time of TensorFlow.

  timed_program MODULE [the program's flags]

The program runs as if started with `python -m MODULE`.
"""

import importlib.abc
import importlib.machinery
import runpy
import sys
import time

from . import children


class ImportTimer(importlib.abc.MetaPathFinder):
  """Times the first import of a package, including its own imports.

  Attributes:
    seconds: float, 0 until the package has been imported.
  """

  def __init__(self, package):
    self.seconds = 0.0
    self._package = package

  def find_spec(self, fullname, path, target=None):
    """Finds the package's spec, and times the execution of the package."""
    if fullname != self._package:
      return None
    sys.meta_path.remove(self)
    started = time.monotonic()
    spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
    if spec is not None:
      execute = spec.loader.exec_module

      def timed(module):
        try:
          execute(module)
        finally:
          self.seconds = time.monotonic() - started

      spec.loader.exec_module = timed
    return spec


def main(argv=None):
  """Runs the program.

  Args:
    argv: list of str, the command line without the program's name; by default
      the command line of the process.

  Returns:
    int, the exit code, unless the program ends the process.
  """
  module, *args = sys.argv[1:] if argv is None else argv
  timer = ImportTimer('tensorflow')
  sys.meta_path.insert(0, timer)
  sys.argv = [module] + args
  try:
    runpy.run_module(module, run_name='__main__', alter_sys=True)
  finally:
    sys.stdout.flush()
    children.report(import_seconds=timer.seconds)
  return 0


if __name__ == '__main__':
  sys.exit(main())
