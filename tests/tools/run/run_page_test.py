"""The page of a real training."""

import contextlib
import io
import json
import logging
import os

import tensorflow.compat.v1 as tf

from tests.helpers import program as program_helper
from tests.helpers import record_fixture
from tools.run import run_page


class ProgramTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    # It tells where it keeps its fonts.
    logger = logging.getLogger('matplotlib')
    self.addCleanup(logger.setLevel, logger.level)
    logger.setLevel(logging.ERROR)

  def _path(self, name):
    return os.path.join(self.root, name)

  def _run(self, *args):
    """Returns what the program prints on stdout and stderr, and its code."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
      code = run_page.main(list(args))
    return out.getvalue(), err.getvalue(), code

  def test_a_training(self):
    os.mkdir(self._path('images'))
    dataset = record_fixture.write_set(
        self._path('images'), *record_fixture.random_images(200)
    )
    code, log, err = program_helper.run(
        'cifar10_train',
        '--dataset=' + dataset.directory,
        '--train_dir=' + self._path('train'),
        '--batch_size=8',
        '--max_steps=21',
    )
    self.assertEqual((0, ''), (code, err))
    with open(self._path('log'), 'w') as f:
      f.write(log)
    args = [
        '--train_dir=' + self._path('train'),
        '--dataset=' + dataset.directory,
        '--log=' + self._path('log'),
        '--out=' + self._path('page.html'),
    ]
    self.assertEqual(
        (
            '%s shows %s.\n' % (self._path('page.html'), self._path('train')),
            '',
            0,
        ),
        self._run(*args),
    )
    with open(self._path('page.html'), encoding='utf-8') as f:
      text = f.read()
    for expected in (
        'A run of cifar10 on small',
        'The checkpoint of step 21 answers',
        'Total loss',
        '64 filters of the first layer',
        'this page: versions',
        'examples a second',
    ):
      self.assertIn(expected, text)

    with open(self._path('record.json'), 'w') as f:
      json.dump(
          {
              'images': 'drawn at random',
              'command': 'tools/bazel run',
              'precision': [{'step': 21, 'averaged': 0.5, 'raw': 0.25}],
              'manifest': {'commit': 'abcdef', 'dirty': True},
          },
          f,
      )
    self.assertEqual(
        0, self._run(*args, '--record=' + self._path('record.json'))[2]
    )
    with open(self._path('page.html'), encoding='utf-8') as f:
      text = f.read()
    self.assertIn('abcdef, changed', text)
    self.assertIn('drawn at random', text)
    self.assertNotIn('this page: ', text)

    for mistake, message in (
        (['--out=/absent/page.html'], '--out=/absent/page.html cannot be'),
        (['--model=conv_local'], "of model 'cifar10'"),
        (['--dataset=cifar10'], "of data set 'small'"),
        (['--train_dir=' + self.root], 'neither event files nor a checkpoint'),
    ):
      _, err, code = self._run(*args, *mistake)
      self.assertEqual(1, code)
      self.assertStartsWith(err, 'run_page: error: ')
      self.assertIn(message, err)
      self.assertLen(err.splitlines(), 1)
