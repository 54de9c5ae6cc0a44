"""Lets the programs run as scripts: python cifar10_compat/cifar10_train.py.

Python then searches the script's directory first, and finds this file under the
package's name.  This file loads the package from the parent directory instead.
"""

import importlib
import os
import sys

if __name__ == 'cifar10_compat':
  _here = os.path.dirname(os.path.abspath(__file__))
  sys.path[:] = [os.path.dirname(_here)] + [
      p for p in sys.path if os.path.abspath(p) != _here
  ]
  # The script imports whatever module has this name at the end.
  del sys.modules[__name__]
  importlib.import_module(__name__)
