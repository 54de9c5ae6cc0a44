"""Samples of a long training run's processes, and the growth in them."""

import json
import os
import pathlib
import subprocess
import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tools.robustness import endurance


def _result(grow=0.0, slow=0.0):
  def held(step, factor=1.0):
    by = 1 + factor * (step - 15) / 75
    return {
        'memory_bytes': 1e9 * by,
        'threads': 30,
        'open_files': 20,
    }

  return {
      'samples': [
          {
              'seconds': step,
              'step': step,
              'train': held(step, grow),
              'eval': held(step, 0.0) if step else None,
          }
          for step in range(0, 101, 10)
      ],
      'steps': [
          [step, 0.05 * (1 + slow * (step > 50))] for step in range(0, 101, 10)
      ],
  }


class EnduranceTest(tf.test.TestCase):

  def test_sample(self):
    with subprocess.Popen(
        [sys.executable, '-c', 'x = bytearray(1 << 26); input()'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
      while True:
        found = endurance.sample(process.pid)
        if found['memory_bytes'] > 1 << 26:
          break
      self.assertLess(found['memory_bytes'], 1 << 28)
      self.assertEqual(1, found['threads'])
      self.assertEqual(3, found['open_files'])
      process.communicate(b'\n')

  def test_growth(self):
    # From the median at step 10 to that at 80, 90 and 100.
    grown = endurance.growth(_result(grow=0.3, slow=0.1))
    self.assertNear(
        (1 + 0.3) / (1 - 0.3 * 5 / 75) - 1, grown['train memory_bytes'], 1e-9
    )
    self.assertEqual(0, grown['train threads'])
    self.assertEqual(0, grown['eval memory_bytes'])
    self.assertNear(0.1, grown['step time in seconds'], 1e-9)

  def test_table(self):
    columns, rows = endurance.table(_result(slow=0.1))
    self.assertEqual(['', 'start', 'end', 'growth'], columns)
    self.assertEqual(
        ['cifar10_train: memory, MB', '1000', '1000', '+0.00%'], rows[0]
    )
    self.assertEqual(['cifar10_eval: threads', '30', '30', '+0.00%'], rows[4])
    self.assertEqual(
        ['step time in seconds', '0.05', '0.055', '+10.00%'], rows[6]
    )

  def test_nothing_was_measured(self):
    begun_late = _result()
    begun_late['steps'] = [[step, 0.05] for step in range(60, 101, 10)]
    begun_late['samples'] = begun_late['samples'][6:]
    for result in ({'samples': [], 'steps': []}, begun_late):
      with self.assertRaisesRegex(errors.UsageError, 'use an empty --train'):
        endurance.growth(result)

  def test_from_file(self):
    root = self.create_tempdir().full_path
    path = os.path.join(root, 'result.json')
    for expected, result in ((0, _result()), (1, _result(grow=0.02))):
      pathlib.Path(path).write_text(json.dumps(result))
      code, out, _ = tool_program.run(
          endurance.main,
          '--json=' + path,
          '--plot=' + os.path.join(root, 'plot.svg'),
      )
      self.assertEqual(expected, code)
      self.assertIn('train memory_bytes', out)
    self.assertIn(
        'step time in seconds', pathlib.Path(root, 'plot.svg').read_text()
    )

  def test_both_programs_are_watched(self):
    directory = self.create_tempdir().full_path
    train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    record_fixture.write_set(directory, *record_fixture.random_images(100))
    shared = ['--dataset=' + directory, '--batch_size=4']
    samples, steps, evaluations = endurance.watch(
        shared + ['--train_dir=' + train_dir, '--max_steps=400'],
        shared
        + [
            '--checkpoint_dir=' + train_dir,
            '--eval_dir=' + train_dir + '/eval',
            '--eval_interval_secs=0',
            '--num_examples=4',
        ],
        interval_secs=0.5,
    )
    self.assertEqual(list(range(0, 400, 10)), [step for step, _ in steps])
    self.assertGreater(samples[-1]['step'], 0)
    self.assertGreater(samples[-1]['train']['memory_bytes'], 1 << 27)
    self.assertIsNotNone(samples[-1]['eval'])
    self.assertGreaterEqual(evaluations, 0)
