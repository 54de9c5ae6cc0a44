"""Runs experiments completely, with real trainers and evaluations."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tools.base import processes
from tools.experiments import plan
from tools.experiments import reproduce

# Such a short training run keeps only the checkpoint of the last step.
_TINY = plan.Experiment('a tiny one', 2, 2, views=(10,))


class ReproduceTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.data_dir = os.path.join(self.root, 'data')
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(50)
    )
    self.results = os.path.join(self.root, 'results')
    os.mkdir(self.results)
    self.enter_context(mock.patch.dict(plan.EXPERIMENTS, {'tiny': _TINY}))
    self.enter_context(mock.patch('tools.experiments.run.EVERY', 2))
    self.enter_context(mock.patch('tools.experiments.run._LATE', 0))

  def _flags(self, *args):
    return [
        '--out=' + os.path.join(self.root, 'runs'),
        '--data_dir=' + self.data_dir,
        '--results=' + self.results,
        '--images=drawn at random',
        *args,
    ]

  def _reproduce(self, *args):
    """Returns (exit code, stdout)."""
    code, out, _ = tool_program.run(reproduce.main, *self._flags(*args))
    return code, out

  def test_a_run_is_made_once(self):
    code, out = self._reproduce('--seeds=2', 'tiny')
    self.assertEqual(0, code, out)
    self.assertEqual(['tiny_2.json'], os.listdir(self.results))
    path = os.path.join(self.results, 'tiny_2.json')
    found = json.loads(pathlib.Path(path).read_text())
    (precision,) = found['precision']
    self.assertEqual(2, precision['step'])
    # Each of the 50 images once.
    (view,) = found['views']
    self.assertEqual((2, 10), (view['step'], view['views']))
    for value in (precision['averaged'], precision['raw'], view['averaged']):
      self.assertEqual(round(value * 50), value * 50)
    self.assertEqual('drawn at random', found['images'])
    self.assertEqual([[0, 0.1]], found['learning_rate'])
    self.assertEqual(2, found['manifest']['seed'])
    self.assertTrue(found['manifest']['flags']['fast'])

    # The run is complete: nothing is trained or evaluated.
    os.remove(path)
    begin = time.monotonic()
    code, out = self._reproduce('--seeds=2', 'tiny')
    self.assertEqual(0, code, out)
    self.assertNotIn('averaged', out)
    self.assertLess(time.monotonic() - begin, 3)
    self.assertEqual(found, json.loads(pathlib.Path(path).read_text()))

    code, out = self._reproduce('--dry_run', 'tiny')
    self.assertEqual(0, code, out)
    # The trial's images, in the first seed's stead, take no minute.
    self.assertRegex(out, 'tiny_1: 0 min\ntiny_2: 0 min\nall: 0 min\n$')

  def test_mistakes(self):
    for args, message in (
        (['fats'], "there is no experiment 'fats'"),
        (['--seeds=a', 'fast'], '--seeds=a: it must be a seed, or FIRST-LAST'),
        (
            ['--seeds=3-1', 'fast'],
            '--seeds=3-1: it must be a seed, or FIRST-LAST',
        ),
        ([], 'specify an experiment'),
    ):
      tool_program.assert_refused(
          self, reproduce.main, self._flags(*args), message
      )

  def test_list(self):
    code, out = self._reproduce('--list')
    self.assertEqual(0, code)
    self.assertIn('published   100,000 steps  1 seeds', out)

  def test_seeds(self):
    self.assertEqual([1, 2], reproduce.seeds_of(None, _TINY))
    self.assertEqual([3], reproduce.seeds_of('3', _TINY))
    self.assertEqual([2, 3, 4], reproduce.seeds_of('2-4', _TINY))
    with self.assertRaises(errors.UsageError):
      reproduce.seeds_of('', _TINY)


class InterruptionTest(tf.test.TestCase):

  def test_resumes_after_a_stop(self):
    root = self.create_tempdir().full_path
    data_dir = os.path.join(root, 'data')
    record_fixture.write_batches(data_dir, *record_fixture.random_images(50))
    log = os.path.join(root, 'runs', 'fast_1', 'train.log')

    def start():
      return processes.start(
          'tools.experiments.reproduce',
          ['--out=' + os.path.join(root, 'runs'), '--data_dir=' + data_dir]
          + ['--results=' + root, '--seeds=1', 'fast'],
          stdout=subprocess.PIPE,
          stderr=subprocess.PIPE,
      )

    def wait_for_steps(parts):
      # Waits until the log has this many parts, and the last one has a step.
      while True:
        with contextlib.suppress(FileNotFoundError), open(log) as f:
          found = f.read().split('reproduce: ')[1:]
          if len(found) == parts and ': step ' in found[-1]:
            return found[-1]
        self.assertIsNone(process.poll())
        time.sleep(0.1)

    process = start()
    wait_for_steps(1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    self.assertEqual(128 + signal.SIGTERM, process.returncode, err)
    self.assertIn('fast_1: step 0 of 10,000', out)

    process = start()
    try:
      # The trainer had saved its last step.
      self.assertNotIn(': step 0, ', wait_for_steps(2))
    finally:
      process.kill()
      process.communicate()
    # The trainer ends with it.
    lock = os.path.join(root, 'runs', 'fast_1', 'train', 'train.lock')
    subprocess.run(['flock', '--timeout=60', lock, 'true'], check=True)
