"""How a program prepares before it loads TensorFlow, in separate processes."""

import ast
import inspect
import os
import signal
import subprocess
import sys

from absl.testing import absltest

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import startup
from tests.helpers import main_program
from tests.helpers import program as program_lib

_PROGRAMS = (
    cifar10_train,
    cifar10_multi_gpu_train,
    cifar10_distributed_train,
    cifar10_eval,
    cifar10_predict,
    cifar10_export,
)

# A new program, with the flags of cifar10_train.
_NEW_PROGRAM = """
'''Says how far it has come.'''
from cifar10_compat import startup
startup.prepare(__name__, 'Train')
import gc, os, signal, sys
print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))
print(gc.isenabled())
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
from cifar10_compat import entry_points
print(entry_points.prepared and entry_points.prepared.batch_size)
print('tensorflow' in sys.modules)
"""


# Variables that affect TensorFlow.
_UNSET = dict.fromkeys(
    (startup.ONEDNN, 'TF_CPP_MIN_LOG_LEVEL', 'TF_USE_LEGACY_KERAS')
)


def _run(*args, **variables):
  return program_lib.python(*args, env=_UNSET | variables)


class PrepareTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.program = self.create_tempfile(
        'new_program.py', content=_NEW_PROGRAM
    ).full_path

  def _prepare(self, *args, **variables):
    """Prepares the new program; returns the list of lines that it prints."""
    code, out, err = _run(self.program, *args, **variables)
    self.assertEqual((0, ''), (code, err))
    return out.splitlines()

  def test_a_program_that_no_list_has(self):
    self.assertEqual(
        ['None', 'False', 'False', '7', 'False'],
        self._prepare('--batch_size=7'),
    )

  def test_onednn_is_on_with_fast_alone(self):
    path = self.create_tempfile(content='--batch_size=3\n--fast\n').full_path
    for args, expected in (
        ([], 'None'),
        (['--fast'], '1'),
        (['-fast'], '1'),
        (['--fast=true'], '1'),
        (['--fast=false'], 'None'),
        (['--nofast'], 'None'),
        (['--fast', '--nofast'], 'None'),
        (['--nofast', '--fast'], '1'),
        (['--train_dir', '/x', '--fast'], '1'),
        (['--train_dir', '--fast'], 'None'),
        (['--fast_input'], 'None'),
        (['--fast_network'], 'None'),
        (['--flagfile=' + path], '1'),
        (['--flagfile=' + path, '--nofast'], 'None'),
    ):
      self.assertEqual(expected, self._prepare(*args)[0], args)

  def test_what_the_user_has_set_stays(self):
    for args in ([], ['--fast']):
      for value in ('0', '1'):
        self.assertEqual(
            value, self._prepare(*args, TF_ENABLE_ONEDNN_OPTS=value)[0]
        )

  def test_where_another_program_imports_it(self):
    # Whatever that program's command line is.
    code = 'import sys; sys.path[:0] = [%r]; import new_program' % (
        os.path.dirname(self.program)
    )
    for args in (['--fast'], ['--help'], ['--bogus']):
      self.assertEqual(
          (0, 'None\nTrue\nTrue\nNone\nFalse\n', ''), _run('-c', code, *args)
      )

  def test_each_program_begins_with_it(self):
    for module in _PROGRAMS:
      docstring, imported, called, *_ = ast.parse(
          inspect.getsource(module)
      ).body
      self.assertIsInstance(docstring.value, ast.Constant)
      self.assertEqual(
          'from cifar10_compat import startup', ast.unparse(imported)
      )
      # With the called program's own settings.
      self.assertEqual(
          'startup.prepare(__name__, %r)'
          % main_program.config_of(module).__name__,
          ast.unparse(called),
      )

  def test_no_tensorflow(self):
    # As in a Python without any packages.
    code = """
import runpy
from importlib import machinery
find_spec = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = lambda name, *args: (
    None if name.partition('.')[0] in ('absl', 'numpy', 'rich', 'tensorflow')
    else find_spec(name, *args))
runpy.run_module('cifar10_compat.%s', run_name='__main__', alter_sys=True)
"""
    for program in ('cifar10_train', 'cifar10_export'):
      for args in ([], ['--help']):
        self.assertEqual(
            (
                1,
                '',
                '%s: error: TensorFlow is not installed: run pip install '
                "'.[data]' in the checkout\n" % program,
            ),
            _run('-c', code % program, *args),
        )


class SignalsTest(absltest.TestCase):
  """Signals to programs that are still loading TensorFlow."""

  def _start(self, *args, **kwargs):
    """Starts Python, and waits until it has begun to load TensorFlow."""
    process = subprocess.Popen(
        # Prints a line on stderr for each loaded module.
        [sys.executable, '-X', 'importtime', *args],
        env=program_lib.environment(**_UNSET),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )
    for line in process.stderr:
      if 'tensorflow.' in line:
        return process
    raise AssertionError('it ended without TensorFlow')

  def test_end_without_a_traceback(self):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
      for program in ('train', 'eval', 'export'):
        process = self._start('-m', 'cifar10_compat.cifar10_' + program)
        process.send_signal(signum)
        out, err = process.communicate()
        self.assertEqual((128 + signum, ''), (process.returncode, out), err)
        self.assertNotIn('Traceback', err)

  def test_signals_that_do_not_end_it(self):
    for signum, kwargs in (
        # A question while TensorFlow loads.
        (signal.SIGUSR1, {}),
        # An ignored hangup stays ignored.
        (
            signal.SIGHUP,
            {
                'preexec_fn': lambda: signal.signal(
                    signal.SIGHUP, signal.SIG_IGN
                )
            },
        ),
    ):
      process = self._start('-m', 'cifar10_compat.cifar10_predict', **kwargs)
      process.send_signal(signum)
      _, err = process.communicate()
      self.assertEqual(1, process.returncode)
      self.assertIn('cifar10_predict.py: error: no image specified', err)

  def test_another_program_keeps_its_handlers(self):
    process = self._start('-c', 'from cifar10_compat import cifar10_train')
    process.send_signal(signal.SIGTERM)
    process.communicate()
    self.assertEqual(-signal.SIGTERM, process.returncode)


class GarbageTest(absltest.TestCase):
  """Checks when garbage collection is enabled, and which objects it skips."""

  # Prints the collection's state at the beginning of a program's main(), and at
  # its very end.
  CODE = """
import atexit, gc, sys, weakref
class Node:
  pass
def cycle():
  node = Node()
  node.itself = node
  return weakref.ref(node)
# Python 3.12 starts with some hundred objects set aside.
before = gc.get_freeze_count()
sys.argv = [%r]
from cifar10_compat import cifar10_predict
print('loaded', gc.isenabled(), gc.get_freeze_count() > before)
early = cycle()
def main(config, stop):
  late = cycle()
  gc.collect()
  print('main', gc.isenabled(), early() is not None, late() is None)
cifar10_predict.main = main
atexit.register(
    lambda: print('end', gc.isenabled(), len(gc.get_objects()) < 1000))
cifar10_predict.console_main()
"""

  def test_a_program_and_another_one_in_which_nothing_changes(self):
    for name, expected in (
        (
            'cifar10_predict.py',
            'loaded False False\nmain True True True\nend False True\n',
        ),
        (
            'somebody_s.py',
            'loaded True False\nmain True False True\nend True False\n',
        ),
    ):
      code, out, err = _run('-c', self.CODE % name)
      self.assertEqual((0, expected), (code, out), err)


class EnvironmentTest(absltest.TestCase):

  def test_a_real_program(self):
    for argv, expected in (
        (['cifar10_predict', '--fast'], '1'),
        (['/usr/bin/cifar10_predict'], 'None'),
        (['notebook', '--fast'], 'None'),
    ):
      _, out, err = _run(
          '-c',
          'import os, sys; sys.argv = %r; '
          'from cifar10_compat import cifar10_predict; '
          'print(os.environ.get(%r))' % (argv, startup.ONEDNN),
      )
      self.assertEqual(expected, out.strip(), err)
