"""How a program prepares before it loads TensorFlow, in separate processes."""

import ast
import inspect
import os

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
