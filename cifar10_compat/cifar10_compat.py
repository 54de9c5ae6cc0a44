"""Lets the programs run as scripts: python cifar10_compat/cifar10_train.py.

For a script, Python searches the script's directory first, and finds this file
instead of the package, which has the same name.  This file then loads the
package from the parent directory.
"""

import importlib
import os
import sys

if __name__ == 'cifar10_compat':
  _here = os.path.dirname(os.path.abspath(__file__))
  sys.path[:] = [os.path.dirname(_here)] + [
      p for p in sys.path if os.path.abspath(p) != _here
  ]
  # The script's import statement returns the module that sys.modules then lists
  # under this name.
  del sys.modules[__name__]
  importlib.import_module(__name__)
