"""A run's files, without training, and scores of known networks."""

import contextlib
import io
import json
import os
import pathlib
import signal

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from tests.helpers import biased_network
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tools.experiments import plan
from tools.experiments import reproduce
from tools.experiments import run as run_lib

_LINE = '2026-01-01 10:%02d:%02d: step %d, loss = %.2f (64.0 examples/sec; 2.000 sec/batch)\n'


class RunTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.out = self.create_tempdir().full_path
    experiment = plan.Experiment(
        'a title', 4000, 1, flags=('--a=b',), fast=True
    )
    self.run_of_it = run_lib.Run(self.out, 'x', experiment, 2)
    self.directory = os.path.join(self.out, 'x_2')
    os.makedirs(os.path.join(self.directory, 'train'))
    os.makedirs(os.path.join(self.directory, 'kept'))

  def _write(self, name, text):
    pathlib.Path(self.directory, name).write_text(text)

  def _save(self, *steps):
    """Writes checkpoints, and lists these steps in `checkpoint`."""
    paths = []
    for step in steps:
      paths.append(os.path.join(self.directory, 'train/model.ckpt-%d' % step))
      for end in ('.index', '.meta', '.data-00000-of-00001'):
        self._write('train/model.ckpt-%d%s' % (step, end), '%d' % step)
    tf.train.update_checkpoint_state(
        os.path.join(self.directory, 'train'), paths[-1], paths
    )

  def test_keeps_listed_checkpoints(self):
    self._save(0, 1000, 1234, 2001)
    # Not listed, because incomplete.
    self._write('train/model.ckpt-3000.index', '')
    # Left by a kill during the last call.
    self._write('kept/model.ckpt-1000.index.tmp', 'half')
    self.run_of_it.keep()
    for step in (0, 1000, 1234, 2001):
      for end in ('.index', '.data-00000-of-00001'):
        os.remove(
            os.path.join(self.directory, 'train/model.ckpt-%d%s' % (step, end))
        )
    kept = self.run_of_it.kept()
    # A checkpoint saved after a stop signal does not count.
    self.assertEqual([1000], list(kept))
    self.assertEqual('1000', pathlib.Path(kept[1000] + '.index').read_text())
    self.assertFalse(self.run_of_it.trained())
    self._save(4000)
    self.run_of_it.keep()
    self.assertTrue(self.run_of_it.trained())

  def test_a_chief_may_be_a_step_late(self):
    of_workers = plan.Experiment('a title', 2000, 1, ps=1, workers=2)
    run = run_lib.Run(self.out, 'x', of_workers, 2)
    self._save(1000, 1234, 2001)
    run.keep()
    self.assertEqual([1000, 2001], list(run.kept()))
    self.assertTrue(run.trained())

  def test_duration(self):
    for minutes, words in (
        (29 / 60, '0 min'),
        (59, '59 min'),
        (59.6, '1 h 00 min'),
        (26 * 60 + 5 + 1 / 60, '26 h 05 min'),
    ):
      self.assertEqual(words, reproduce.duration(60 * minutes))

  def test_log(self):
    self.assertEqual([], self.run_of_it.lines())
    self.assertEqual(0, self.run_of_it.last_step())
    self.assertIsNone(reproduce.secs_left(self.run_of_it))
    self.assertEqual(8000, reproduce.secs_left(self.run_of_it, 2.0))
    part = run_lib.PART + '\n'
    # The marker of an earlier version.
    text = (
        'reproduce: earlier\n'
        + 'train | hello\n'
        + 'train | '
        + _LINE % (0, 0, 0, 4.68)
    )
    text += 'train | ' + _LINE % (0, 30, 100, 4.5) + part
    # The lines of a trainer without launch.
    text += _LINE % (40, 0, 100, 4.5) + _LINE % (40, 5, 110, 4.4) + part
    self._write('train.log', text)
    self.assertEqual(
        [[0, 100], [100, 110]],
        [[line.step for line in part] for part in self.run_of_it.lines()],
    )
    # 10 steps took 5 seconds, and 3,890 steps remain.
    self.assertEqual(1945, reproduce.secs_left(self.run_of_it))
    self.assertEqual(
        'x_2: step 110 of 4,000, 32 min left',
        reproduce.progress(self.run_of_it),
    )

  def test_log_of_a_cluster(self):
    run = run_lib.Run(
        self.out, 'x', plan.get('cluster')._replace(max_steps=10), 2
    )
    self._write(
        'train.log',
        'worker 0 | ' + _LINE % (0, 0, 0, 4.68)
        + 'worker 1 | ' + _LINE % (0, 0, 1, 4.68),
    )  # fmt: skip
    self.assertEqual(
        [[0]], [[line.step for line in part] for part in run.lines()]
    )

  def test_other_conditions(self):
    manifest = {
        'dataset': {'name': 'one'},
        'flags': {'title': 'words', 'max_steps': 4000},
        'seed': 2,
        'versions': {'tensorflow': '2.21.0'},
    }
    self._write('manifest.json', json.dumps(manifest))
    for key, value, expected in (
        ('dataset', {'name': 'another'}, r'settings \(images: '),
        ('flags', {'title': 'words', 'max_steps': 5000}, r'settings \(flags: '),
        ('seed', 3, r'settings \(seed: 2 instead of 3\)'),
        ('versions', {'tensorflow': '2.20.0'}, r'settings \(versions of'),
    ):
      with self.assertRaisesRegex(errors.UsageError, expected):
        self.run_of_it.train(
            data_dir='',
            manifest=dict(manifest, **{key: value}),
            stop=signals.StopRequest(),
        )

  def test_later_commits_are_recorded(self):
    stop = signals.StopRequest()
    stop.signum = signal.SIGTERM
    for commit in 'abbc':
      self.run_of_it.train(
          data_dir='',
          manifest={
              'dataset': None,
              # Runs do not depend on these.
              'flags': {'title': commit},
              'commit': commit,
          },
          stop=stop,
      )
    found = self.run_of_it.manifest()
    self.assertEqual(
        ('a', ['b', 'c']), (found['commit'], found['later_commits'])
    )


class ScoresTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    root = self.create_tempdir().full_path
    self.data_dir = os.path.join(root, 'data')
    # Of ten images, three are ships (8), and five are frogs (6).
    record_fixture.write_batches(
        self.data_dir,
        np.zeros([10, 32, 32, 3], np.uint8),
        [8, 6, 6, 8, 0, 6, 6, 1, 8, 6],
    )
    self.paths = []
    for step, averaged, raw in ((1000, 8, 6), (2000, 6, 2)):
      biased_network.save(
          root,
          step,
          averaged=biased_network.sure_of(averaged),
          raw=biased_network.sure_of(raw),
      )
      self.paths.append(os.path.join(root, 'model.ckpt-%d' % step))

  def test_the_program(self):
    for flags, expected in (
        ([], [(1000, 0.3), (2000, 0.5)]),
        (['--noaveraged'], [(1000, 0.5), (2000, 0.0)]),
        (['--fast', '--views=10'], [(1000, 0.3), (2000, 0.5)]),
    ):
      code, out, _ = tool_program.run(
          run_lib.main, '--data_dir=' + self.data_dir, *flags, *self.paths
      )
      self.assertEqual(0, code)
      found = [
          json.loads(line) for line in out.splitlines() if line.startswith('{')
      ]
      self.assertEqual(
          expected, [(f['step'], f['precision']) for f in found], flags
      )

  def test_damaged_checkpoint(self):
    os.truncate(self.paths[1] + '.data-00000-of-00001', 100)
    found = []
    with contextlib.redirect_stdout(io.StringIO()):
      with self.assertRaisesRegex(errors.CheckpointError, 'model.ckpt-2000 is'):
        for score in run_lib.scores(
            self.paths, config_lib.Eval(data_dir=self.data_dir)
        ):
          found.append(score)
    self.assertEqual([(1000, 0.3)], found)
