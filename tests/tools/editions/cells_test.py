"""One cell: its attempts, how they end, and the record of it."""

import datetime
import os
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tests.tools.editions import fake_tensorflow
from tools.editions import cells
from tools.editions import scripts

_LIMITS = {'steps': 20, 'batch_size': 8, 'seconds': 60}
_DAY = datetime.date(2026, 1, 2)
_NO_MUL = "module 'tensorflow' has no attribute 'mul'"


class TryCellTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path

  def try_cell(
      self, tensorflow, *, edition=fake_tensorflow.OLD, limits=_LIMITS, **kwargs
  ):
    source = fake_tensorflow.write_edition(
        os.path.join(self.directory, 'source'), edition, **kwargs
    )
    environment = fake_tensorflow.environment(
        os.path.join(self.directory, 'env'), tensorflow
    )
    return cells.try_cell(
        source,
        edition,
        environment,
        data_dir='/no/such/data',
        scratch=self.directory,
        limits=limits,
        today=_DAY,
    )

  def test_runs_unmodified(self):
    cell = self.try_cell(
        'def mul(x, y):\n  return x * y\n', edition=fake_tensorflow.FLAT
    )
    self.assertEqual(
        ('models x', '1.0.1', '2026-01-02'),
        (cell['edition'], cell['tensorflow'], cell['date']),
    )
    self.assertRegex(cell['python'], r'\A3\.\d+\.\d+')
    result = cell['unmodified']
    self.assertEqual(cells.RAN, result['outcome'])
    self.assertEqual({'0': '0.00', '10': '20.00'}, result['losses'])
    self.assertEqual(
        (0, None, []), tuple(result[k] for k in ('code', 'error', 'bridges'))
    )
    self.assertIsNone(cell['placed'])
    self.assertIsNone(cell['bridged'])

  def test_each_attempt(self):
    cell = self.try_cell('def multiply(x, y):\n  return x * y\n')
    self.assertEqual(
        {
            'type': 'ModuleNotFoundError',
            'message': "No module named 'tensorflow.models'",
            'name': 'tensorflow.models',
            'file': 'cifar10_train.py',
            'line': 4,
        },
        cell['unmodified']['error'],
    )
    self.assertEqual(
        {
            'type': 'AttributeError',
            'message': _NO_MUL,
            'name': 'tf.mul',
            'file': 'cifar10_train.py',
            'line': 7,
        },
        cell['placed']['error'],
    )
    self.assertEqual(cells.RAN, cell['bridged']['outcome'])
    self.assertEqual(
        [
            ['from tensorflow.models.image.cifar10 import cifar10']
            + ['import cifar10'],
            ['tf.mul', 'tf.multiply'],
        ],
        cell['bridged']['bridges'],
    )

  def test_bridges_that_do_not_help(self):
    cell = self.try_cell(
        'def multiply(x, y):\n  raise ValueError("/a/b/c: two\\nlines")\n'
    )
    error = cell['bridged']['error']
    self.assertEqual(
        (cells.ERROR, 'ValueError', 'c: two', 'tf.mul'),
        (cell['bridged']['outcome'],)
        + tuple(error[k] for k in ('type', 'message', 'name')),
    )

  def test_language(self):
    cell = self.try_cell('', edition=fake_tensorflow.FLAT, train='print 1\n')
    error = cell['unmodified']['error']
    self.assertEqual(
        ('SyntaxError', "Missing parentheses in call to 'print'"),
        (error['type'], error['message']),
    )
    self.assertEqual(('cifar10_train.py', 1), (error['file'], error['line']))

  def test_killed_at_the_limit(self):
    cell = self.try_cell(
        '',
        edition=fake_tensorflow.FLAT,
        train='import time\nwhile True:\n  time.sleep(1)\n',
        limits=dict(_LIMITS, seconds=1),
    )
    for result in (cell['unmodified'], cell['bridged']):
      self.assertEqual((cells.LIMIT, None), (result['outcome'], result['code']))

  def test_ended_otherwise(self):
    for train, code in (
        ('import os\nos.kill(os.getpid(), 6)\n', -6),
        ('import os\nos._exit(3)\n', 3),
        # All steps were taken.
        (
            'import os\n'
            'print("step 10, loss = 4.60 (...)", flush=True)\n'
            'os.kill(os.getpid(), 6)\n',
            -6,
        ),
        # No error, and no training.
        ('pass\n', 0),
    ):
      cell = self.try_cell('', edition=fake_tensorflow.FLAT, train=train)
      self.assertEqual(
          (cells.ENDED, code),
          (cell['unmodified']['outcome'], cell['unmodified']['code']),
      )

  def test_a_failure_of_tensorflow_itself(self):
    cell = self.try_cell(
        'raise ImportError("libx.so: cannot open")',
        edition=fake_tensorflow.FLAT,
    )
    error = cell['unmodified']['error']
    self.assertEqual(
        ('ImportError', 'libx.so: cannot open', None),
        (error['type'], error['message'], error['file']),
    )


class FindTest(absltest.TestCase):

  def test_no_sources(self):
    directory = self.create_tempdir().full_path
    fake_tensorflow.write_edition(directory, fake_tensorflow.FLAT)
    with self.assertRaisesRegex(errors.UsageError, directory):
      cells.find_sources(directory)

  def test_sources(self):
    directory = self.create_tempdir().full_path
    source = fake_tensorflow.write_edition(
        os.path.join(directory, 'a', 'b'), fake_tensorflow.FLAT
    )

    def find(path):
      if path != source:
        raise errors.UsageError('not known')
      return fake_tensorflow.FLAT

    with mock.patch.object(scripts, 'find_edition', find):
      self.assertEqual({'models x': source}, cells.find_sources(directory))

  def test_the_installed_version_is_the_last(self):
    versions = cells.versions()
    self.assertEqual('0.12.1', versions[0])
    own = cells.environment(versions[-1])
    self.assertTrue(os.path.exists(own.python))

  def test_package_in_both_pythons(self):
    def lacks(kind, name):
      return cells.lacks_package({'error': {'type': kind, 'name': name}})

    self.assertTrue(lacks('ImportError', 'models.image.cifar10'))
    self.assertTrue(lacks('ModuleNotFoundError', 'tensorflow.models'))
    self.assertFalse(lacks('ImportError', 'tensorflow.contrib'))
    self.assertFalse(lacks('AttributeError', 'tensorflow.models'))
    self.assertFalse(cells.lacks_package({'error': None}))
