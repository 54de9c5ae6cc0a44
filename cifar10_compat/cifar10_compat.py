"""Lets the programs run as scripts: python cifar10_compat/cifar10_train.py.

Python then searches the script's own directory first, where this file has the
package's name.  It loads the package from the directory above instead.
"""

import importlib
import os
import sys

if __name__ == 'cifar10_compat':
  _here = os.path.dirname(os.path.abspath(__file__))
  sys.path[:] = [os.path.dirname(_here)] + [
      p for p in sys.path if os.path.abspath(p) != _here
  ]
  # The script imports whatever is here on return.
  del sys.modules[__name__]
  importlib.import_module(__name__)
