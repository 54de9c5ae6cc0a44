"""Runs test modules in one process.

  python -m tests.runner [--eager] MODULE... [FLAG...]

All modules run in graph mode with the variables of 2016, or, with --eager, in
the mode that Keras and LiteRT need.

After each test, the runner restores what all tests in the process share: flags,
environment, limits, signal handlers, directory, default graph.  Bazel's shards
consist of entire modules, since some prepare much for all their cases.
"""

import gc  # isort: skip

gc.disable()  # While TensorFlow loads: see startup.py.

import contextlib
import os
import pathlib
import resource
import signal
import sys
import unittest

from absl import flags
from absl.testing import absltest
from absl.testing import flagsaver
import tensorflow.compat.v1 as tf

_LIMITS = [
    getattr(resource, n) for n in dir(resource) if n.startswith('RLIMIT_')
]


@contextlib.contextmanager
def _unchanged():
  """Context that restores what a test may change."""
  values = flagsaver.save_flag_values(flags.FLAGS)
  environment = dict(os.environ)
  limits = {limit: resource.getrlimit(limit) for limit in _LIMITS}
  handlers = {s: signal.getsignal(s) for s in signal.valid_signals()}
  directory = os.getcwd()
  try:
    yield
  finally:
    flagsaver.restore_flag_values(values, flags.FLAGS)
    if os.environ != environment:
      os.environ.clear()
      os.environ.update(environment)
    for limit, value in limits.items():
      if resource.getrlimit(limit) != value:
        resource.setrlimit(limit, value)
    for signum, handler in handlers.items():
      # None is a handler not installed by Python.
      if handler is not None and signal.getsignal(signum) is not handler:
        signal.signal(signum, handler)
    os.chdir(directory)
    tf.reset_default_graph()


def _run(self, result=None, run=unittest.TestCase.run):
  with _unchanged():
    return run(self, result)


def _of_shard(modules):
  """Returns the modules that this shard runs; tells Bazel that it shards."""
  shards = int(os.environ.pop('TEST_TOTAL_SHARDS', 1))
  index = int(os.environ.pop('TEST_SHARD_INDEX', 0))
  if status := os.environ.pop('TEST_SHARD_STATUS_FILE', None):
    pathlib.Path(status).touch()
  return modules[index::shards]


def main():
  gc.freeze()
  gc.enable()
  if sys.argv[1] == '--eager':
    del sys.argv[1]
    tf.disable_resource_variables()
  else:
    tf.disable_v2_behavior()
  unittest.TestCase.run = _run
  modules = [arg for arg in sys.argv[1:] if not arg.startswith('-')]
  rest = [arg for arg in sys.argv[1:] if arg.startswith('-')]
  absltest.main(module=None, argv=[sys.argv[0], *rest, *_of_shard(modules)])


if __name__ == '__main__':
  main()
