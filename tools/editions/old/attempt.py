"""Runs a script of the tutorial once, and records any exception.

  attempt ARGUMENTS.json

The file contains a dict: source, the directory of the unmodified files;
  package, the package from which the unmodified files import; script, the name
  of one of the files; flags, a list; bridges, 'none', 'package' (only place the
  files in the package) or 'all'; answer, the path of the file to write.

The answer file contains a dict: tensorflow and python, the versions of both;
  bridges, a list with the old and the new name of each bridge; error, None or a
  dict with type, message, name, file and line.
"""

import json
import linecache
import os
import re
import runpy
import sys
import traceback

import edition

_MESSAGE_CHARACTERS = 200


def _name(error, message, line):
  """Returns the name of the symbol that caused an error, or None.

  Args:
    error: the exception.
    message: str, the first line of the error's message.
    line: str, the line of the tutorial that raised it.
  """
  if isinstance(error, ImportError):
    found = re.search(r"No module named '?([\w.]+)", message)
    if found:
      return found.group(1)
    found = re.search(r"cannot import name '?(\w+)", message)
    return found.group(1) if found else None
  if isinstance(error, AttributeError):
    found = re.search(r"no attribute '(\w+)'", message)
    if found:
      # Python 2 does not report the object, so take the object's name from the
      # line.
      dotted = re.search(r'[\w.]*\.%s\b' % found.group(1), line)
      return dotted.group(0) if dotted else found.group(1)
  found = re.search(r'\btf(\.\w+)+', line)
  return found.group(0) if found else None


def describe(error, frames, source):
  """Describes an exception, omitting local directories.

  Args:
    error: the exception.
    frames: list of tuples from the module traceback: file, line, function,
      text.
    source: str, the directory of the unmodified files.

  Returns:
    dict with type, message (one line), name (of the missing or rejected symbol,
    or None), file (of the tutorial, or None) and line.
  """
  inside = [f for f in frames if os.path.dirname(f[0]) == source]
  path, number = inside[-1][:2] if inside else (None, None)
  lines = str(error).strip().splitlines() or ['']
  message = lines[0].strip()
  if isinstance(error, SyntaxError):
    # Python 3 adds a suggestion that quotes a name in the tutorial.
    message = error.msg.partition('. Did you mean')[0]
    if error.filename and os.path.dirname(error.filename) == source:
      path, number = error.filename, error.lineno
  name = _name(error, message, linecache.getline(path, number) if path else '')
  # Remove local directories from the message.
  message = re.sub(r'(/[^\s/\'":]+)+/', '', message)
  return {
      'type': type(error).__name__,
      'message': message[:_MESSAGE_CHARACTERS],
      'name': name,
      'file': os.path.basename(path) if path else None,
      'line': number,
  }


def _run(arguments, answer):
  """Runs the script, and adds the versions and bridges to the answer dict."""
  import tensorflow as tf

  answer['tensorflow'] = tf.__version__
  source, script = arguments['source'], arguments['script']
  package, bridges = arguments['package'], arguments['bridges']
  # Without bridges, the package exists only if the wheel bundles the tutorial.
  if bridges == 'none' and edition.has_no_tutorial(tf):
    package = ''
  edition.place(source, package)
  if package and edition.has_no_tutorial(tf):
    answer['bridges'] = [list(edition.PLACE[:2])]
  if bridges == 'all':
    found = edition.lay(tf, source, script)
    answer['bridges'] = [[bridge.old, bridge.new] for bridge in found]
  del tf
  path = os.path.join(source, script + '.py')
  sys.argv = [path] + arguments['flags']
  runpy.run_path(path, run_name='__main__')


def main():
  arguments = edition.arguments()
  answer = {
      'tensorflow': None,
      'python': sys.version.partition(' ')[0],
      'bridges': [],
      'error': None,
  }
  try:
    _run(arguments, answer)
  except SystemExit as e:
    if e.code:
      answer['error'] = describe(e, [], arguments['source'])
  except Exception as e:
    frames = traceback.extract_tb(sys.exc_info()[2])
    answer['error'] = describe(e, frames, arguments['source'])
    traceback.print_exc()
  temporary = arguments['answer'] + '.tmp'
  with open(temporary, 'w') as f:
    json.dump(answer, f)
  os.rename(temporary, arguments['answer'])
  sys.stdout.flush()


if __name__ == '__main__':
  main()
