"""Loads an image in a separate process, and measures its memory."""

import subprocess
import sys

# Loads an image; prints the result and the memory that it took.
_LOAD = """
import re, sys
from cifar10_compat.base import errors
from cifar10_compat.data import images
images.pillow()[0].init()
def memory():
  # Not ru_maxrss, which begins with that of the process that started this one.
  with open('/proc/self/status') as f:
    return int(re.search(r'VmHWM:\\s+(\\d+) kB', f.read())[1])
before = memory()
try:
  print(images.load_image(sys.argv[1])[16, 16])
except errors.DataError as e:
  print('DataError', e)
print(memory() - before)
"""


def load(path, **kwargs):
  """Loads an image in a separate process.

  Args:
    path: str.
    **kwargs: for subprocess.run().

  Returns:
    str, its output: the middle pixel, or the error.
    int, peak memory in bytes, beyond the libraries.
  """
  result = subprocess.run(
      [sys.executable, '-c', _LOAD, path],
      stdout=subprocess.PIPE,
      text=True,
      check=True,
      **kwargs,
  )
  said, kilobytes = result.stdout.splitlines()
  return said, int(kilobytes) * 1024
