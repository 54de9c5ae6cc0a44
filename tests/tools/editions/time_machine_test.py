"""The program runs the missing cells, and resumes after an interruption."""

import json
import os
import pathlib
from unittest import mock

from absl.testing import absltest
import numpy as np

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tests.tools.editions import fake_tensorflow
from tools.editions import cells
from tools.editions import scripts
from tools.editions import time_machine

_EDITIONS = (
    fake_tensorflow.OLD,
    fake_tensorflow.FLAT,
    fake_tensorflow.FLAT._replace(name='models y'),
)


class ProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.json = os.path.join(self.directory, 'cells.json')
    self.data_dir = os.path.join(self.directory, 'data')
    record_fixture.write_batches(
        self.data_dir, np.full((10, 32, 32, 3), 7, np.uint8), np.arange(10)
    )
    self.tried = []
    sources = {
        e.name: fake_tensorflow.write_edition(
            os.path.join(self.directory, 'source', e.name), e
        )
        for e in _EDITIONS[:2]
    }

    def environment(version, tell=None):
      del tell
      self.tried.append(version)
      if version == '2.0.4':
        raise errors.UsageError('no python3.7 runs here')
      return fake_tensorflow.environment(
          os.path.join(self.directory, version),
          'def mul(x, y):\n  return x * y\n',
          version,
      )

    for target, name, value in (
        (scripts, 'EDITIONS', _EDITIONS),
        (cells, 'versions', lambda: ['0.12.1', '1.4.1', '2.0.4']),
        (cells, 'environment', environment),
        (cells, 'find_sources', lambda path: sources),
    ):
      self.enter_context(mock.patch.object(target, name, value))

  def flags(self, *argv):
    return [
        '--sources=x',
        '--data_dir=' + self.data_dir,
        '--json=' + self.json,
        *argv,
    ]

  def run_program(self, *argv):
    """Returns the exit code, stdout and stderr."""
    return tool_program.run(time_machine.main, *self.flags(*argv))

  def content(self):
    return json.loads(pathlib.Path(self.json).read_text(encoding='utf-8'))

  def test_resumes(self):
    code, stdout, _ = self.run_program('--only=models', '--runtimes=1.4')
    self.assertEqual(0, code)
    self.assertStartsWith(stdout, 'models x on 1.4.1: runs\n')
    self.assertIn('models y on 1.4.1: not run: --sources does not', stdout)
    self.assertEqual(['1.4.1'], self.tried)
    code, stdout, _ = self.run_program()
    self.assertEqual(0, code)
    self.assertNotIn('models x on 1.4.1', stdout)
    self.assertIn(
        'tensorflow x on 1.4.1: 1 bridge; unmodified: ModuleNotFoundError: '
        "No module named 'tensorflow.models'\n",
        stdout,
    )
    self.assertIn(
        'models x on 2.0.4: not run: no python3.7 runs here\n', stdout
    )
    content = self.content()
    self.assertEqual(
        [(e.name, v) for e in _EDITIONS for v in ('0.12.1', '1.4.1', '2.0.4')],
        [(c['edition'], c['tensorflow']) for c in content['cells']],
    )
    self.assertLen(content['manifest']['dataset']['files'], 6)
    # Only cells that could not be run are run again.
    self.tried.clear()
    self.run_program('--only=tensorflow')
    self.assertEqual(['2.0.4'], self.tried)
    self.tried.clear()
    self.run_program('--only=tensorflow', '--again')
    self.assertEqual(['0.12.1', '1.4.1', '2.0.4'], self.tried)

  def test_each_cell_is_written_at_once(self):
    def interrupted(*args, **kwargs):
      if os.path.exists(self.json):
        raise KeyboardInterrupt()
      return cells_try(*args, **kwargs)

    cells_try = cells.try_cell
    with mock.patch.object(cells, 'try_cell', interrupted):
      self.assertEqual(130, self.run_program('--only=x')[0])
    self.assertLen(self.content()['cells'], 1)

  def test_page(self):
    path = os.path.join(self.directory, 'page.html')
    code, _, _ = self.run_program(
        '--only=models', '--runtimes=1.4', '--page=' + path
    )
    self.assertEqual(0, code)
    self.assertIn(
        'Of 2 pairs, 1 run unmodified',
        pathlib.Path(path).read_text(encoding='utf-8'),
    )
    os.remove(path)
    # A page of the existing cells; no cells are run.
    self.tried.clear()
    self.assertEqual(
        0, time_machine.main(['--json=' + self.json, '--page=' + path])
    )
    self.assertTrue(os.path.exists(path))
    self.assertEmpty(self.tried)

  def test_errors(self):
    other = os.path.join(self.directory, 'other.json')
    pathlib.Path(other).write_text('{"cells": [3]}', encoding='utf-8')
    self.run_program('--only=models', '--runtimes=1.4')
    for argv, parts in (
        (['--only=v9'], ('--only=v9', 'tensorflow x, models x')),
        (['--runtimes=3.0'], ('--runtimes=3.0', '0.12.1, 1.4.1')),
        (['--json=' + other], ('--json=' + other, 'no cells')),
        (['--seconds=5'], ("'seconds': 180", "'seconds': 5")),
        (['--seconds=0'], ('--seconds=0', 'at least 1')),
        (['--spin'], ('--spin',)),
    ):
      tool_program.assert_refused(
          self, time_machine.main, self.flags(*argv), *parts
      )
    for argv, part in (
        (['--data_dir=x'], '--sources=DIR'),
        (['--sources=x'], '--data_dir=DIR'),
        (['--json=/no/such', '--page=x.html'], 'no cells yet'),
        (
            ['--json=' + self.json, '--page=/no/such/p'],
            'cannot write /no/such/p',
        ),
    ):
      tool_program.assert_refused(self, time_machine.main, argv, part)


class ChooseTest(absltest.TestCase):

  def test_parts_of_names(self):
    names = ['tensorflow/models v1.4.0', 'tensorflow/models v1.10.0 and v1.11']

    def choose(wanted):
      return time_machine.choose(names, wanted, 'only')

    self.assertEqual(names, choose(None))
    self.assertEqual(names[:1], choose('v1.4'))
    self.assertEqual(names[1:], choose('v1.11'))
    self.assertEqual(names, choose('v1.11,v1.4.0'))
    with self.assertRaisesRegex(errors.UsageError, "no 'v1.1'"):
      choose('v1.1')
