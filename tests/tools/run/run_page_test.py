"""The page of a real training."""

import json
import logging
import os
import pathlib

import tensorflow.compat.v1 as tf

from tests.helpers import program as program_helper
from tests.helpers import record_fixture
from tests.helpers import tool_program
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
        forked=True,
    )
    self.assertEqual((0, ''), (code, err))
    pathlib.Path(self._path('log')).write_text(log)
    args = [
        '--train_dir=' + self._path('train'),
        '--dataset=' + dataset.directory,
        '--log=' + self._path('log'),
        '--out=' + self._path('page.html'),
    ]
    self.assertEqual(
        (
            0,
            '%s shows %s.\n' % (self._path('page.html'), self._path('train')),
            '',
        ),
        tool_program.run(run_page.main, *args),
    )
    text = pathlib.Path(self._path('page.html')).read_text(encoding='utf-8')
    for expected in (
        'A training run of cifar10 on small',
        'The checkpoint of step 21 classifies',
        'Total loss',
        '64 filters of the first layer',
        'this page: versions',
        'examples per second',
    ):
      self.assertIn(expected, text)

    pathlib.Path(self._path('record.json')).write_text(
        json.dumps(
            {
                'images': 'drawn at random',
                'command': 'tools/bazel run',
                'precision': [{'step': 21, 'averaged': 0.5, 'raw': 0.25}],
                'manifest': {'commit': 'abcdef', 'dirty': True},
            }
        )
    )
    args.append('--record=' + self._path('record.json'))
    self.assertEqual(0, tool_program.run(run_page.main, *args).code)
    text = pathlib.Path(self._path('page.html')).read_text(encoding='utf-8')
    self.assertIn('abcdef, changed', text)
    self.assertIn('drawn at random', text)
    self.assertNotIn('this page: ', text)

    for number, manifest in enumerate(
        (
            {'dataset': [1]},
            {'environment': [1]},
            {'processor': {'features': [1]}},
            {'versions': 'none'},
        )
    ):
      path = self._path('odd%d.json' % number)
      pathlib.Path(path).write_text(
          json.dumps({'precision': [], 'manifest': manifest})
      )
      tool_program.assert_refused(
          self,
          run_page.main,
          args + ['--record=' + path],
          'has an invalid manifest',
      )
    for mistake, message in (
        (
            ['--out=/absent/page.html'],
            'cannot write /absent/page.html (No such',
        ),
        (['--model=conv_local'], "to model 'cifar10'"),
        (['--dataset=cifar10'], "to data set 'small'"),
        (['--train_dir=' + self.root], 'neither event files nor a checkpoint'),
    ):
      tool_program.assert_refused(self, run_page.main, args + mistake, message)
    # A checkpoint is damaged where the images are not at hand.
    for name in os.listdir(self._path('train')):
      if name.startswith('model.ckpt-21.data'):
        os.truncate(os.path.join(self._path('train'), name), 1000)
    tool_program.assert_refused(
        self, run_page.main, args, 'model.ckpt-21 is damaged or incomplete'
    )
