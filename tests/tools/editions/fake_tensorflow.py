"""A runtime of a few lines: this Python, with a fake package `tensorflow`."""

import os
import pathlib
import sys
import textwrap

from tests.tools.editions import fake_runtime
from tools.editions import environments
from tools.editions import runtimes
from tools.editions import scripts

OLD = scripts.Edition('tensorflow x', '', 'tensorflow.models.image.cifar10', '')
FLAT = OLD._replace(name='models x', package='')

# Uses a symbol that 1.0 renamed, and prints lines like the tutorial's.
TRAIN = """
    import sys
    import tensorflow as tf
    {imports} cifar10

    for step in range(0, 20, 10):
      print('step %d, loss = %.2f (...)' % (step, tf.mul(step, 2)))
    """


def write(path, text):
  os.makedirs(os.path.dirname(path), exist_ok=True)
  pathlib.Path(path).write_text(textwrap.dedent(text), encoding='utf-8')


def write_edition(directory, edition, train=TRAIN):
  """Writes the files of an edition that cifar10_train loads."""
  imports = 'from %s import' % edition.package if edition.package else 'import'
  write(
      os.path.join(directory, 'cifar10_train.py'),
      textwrap.dedent(train).replace('{imports}', imports),
  )
  write(os.path.join(directory, 'cifar10.py'), 'ANSWER = 42\n')
  write(os.path.join(directory, 'cifar10_input.py'), '')
  return directory


def environment(directory, text, version='1.0.1'):
  """Writes a runtime, and returns its Environment.

  Args:
    directory: str, the directory to make.
    text: str, the text of its tensorflow/__init__.py, after the version.
    version: str, the version of its TensorFlow.
  """
  package = os.path.join(directory, 'packages')
  write(
      os.path.join(package, 'tensorflow', '__init__.py'),
      '__version__ = %r\nclass Tensor(object):\n  pass\n' % version
      + textwrap.dedent(text),
  )
  found = environments.Environment(
      runtimes.Runtime(version, '%d.%d' % sys.version_info[:2], ''), directory
  )
  fake_runtime.write_program(
      found.python, 'PYTHONPATH=%s exec %s "$@"' % (package, sys.executable)
  )
  return found
