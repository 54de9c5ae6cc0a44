"""Lets the programs run as scripts: python cifar10_compat/cifar10_train.py.

Python then looks for modules in the script's directory, where it finds this file
under the package's name.  It looks in the directory above instead.
"""

import importlib
import os
import sys

if __name__ == 'cifar10_compat':
  _here = os.path.dirname(os.path.abspath(__file__))
  sys.path[:] = [os.path.dirname(_here)] + [
      p for p in sys.path if os.path.abspath(p) != _here
  ]
  # What is there on return is what the script gets.
  del sys.modules[__name__]
  importlib.import_module(__name__)
