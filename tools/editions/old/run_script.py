"""Runs an unmodified script of the tutorial in an old interpreter.

  run_script ARGUMENTS.json

The file contains a dict: source, the directory of the unmodified files;
  package, the package from which the unmodified files import; script, the name
  of one of the files; flags, a list.
"""

import os
import runpy
import sys

import edition


def main():
  arguments = edition.arguments()
  import tensorflow as tf

  source, script = arguments['source'], arguments['script']
  edition.place(source, arguments['package'])
  edition.lay(tf, source, script)
  path = os.path.join(source, script + '.py')
  sys.argv = [path] + arguments['flags']
  runpy.run_path(path, run_name='__main__')


if __name__ == '__main__':
  main()
