"""The program: its flags, its runs, and how it resumes."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import time

from absl.testing import absltest

from tests.helpers import record_fixture
from tests.helpers import tool_program
from tools.base import processes
from tools.speed import benchmark
from tools.speed import children
from tools.speed import contestants
from tools.speed import results

# A child that records its arguments, and fails on request.
_CHILD = """
import os, sys
from tools.speed import children
path, name = sys.argv[1:3]
if os.path.exists(os.path.join(path, 'fail_' + name)):
  sys.exit('told to fail')
with open(os.path.join(path, 'ran'), 'a') as f:
  f.write(name + '\\n')
with open(os.path.join(path, 'flags'), 'a') as f:
  f.write(' '.join(sys.argv[3:]) + '\\n')
children.report(x=1.0)
"""


class MeasureTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    pathlib.Path(self.directory, 'a_child_of_ours.py').write_text(_CHILD)
    self.enter_context(
        absltest.mock.patch.object(sys, 'path', sys.path + [self.directory])
    )
    self.commands = {
        'start': {name: self.command(name) for name in ('a', 'b')},
    }
    self.path = os.path.join(self.directory, 'results.json')

  def command(self, name):
    return contestants.Command(
        'a_child_of_ours',
        [self.directory, name],
        lambda result: result.values,
        directory_flag='train_dir',
    )

  def measure(self, rounds):
    with contextlib.redirect_stderr(io.StringIO()) as err:
      found = results.open_or_create(self.path, {'commit': 'x'})
      benchmark.measure(
          self.commands, found, rounds=rounds, scratch=self.directory
      )
    return found, err.getvalue()

  def ran(self, what='ran'):
    return (
        pathlib.Path(self.directory, what).read_text(encoding='utf-8').split()
    )

  def test_runs_in_turn(self):
    found, err = self.measure(2)
    self.assertEqual(['a', 'b'] * 3, self.ran())
    self.assertRegex(err.splitlines()[0], r'^1/6  warm-up  start of a: .*x 1')
    self.assertRegex(err.splitlines()[5], r'^6/6  round 2  start of b: ')
    self.assertEqual({1: 1.0, 2: 1.0}, found.values('start', 'a', 'x'))
    # Each run has a separate directory.
    flags = self.ran('flags')
    self.assertLen(set(flags), 6)
    self.assertStartsWith(flags[0], '--train_dir=' + self.directory)
    # More rounds add to the existing ones.
    self.measure(3)
    self.assertEqual(['a', 'b'] * 4, self.ran())

  def test_resumes_after_a_failure(self):
    fail = os.path.join(self.directory, 'fail_b')
    with open(fail, 'w', encoding='utf-8'):
      pass
    with self.assertRaisesRegex(Exception, 'start of b: told to fail'):
      self.measure(1)
    self.assertEqual(['a'], self.ran())
    os.remove(fail)
    self.measure(1)
    self.assertEqual(['a', 'b', 'a', 'b'], self.ran())


class ProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_set(self.data_dir, *record_fixture.random_images(100))
    self.json = os.path.join(self.create_tempdir().full_path, 'a.json')

  def run_main(self, *args):
    return tool_program.run(benchmark.main, *args)

  def flags(self):
    return [
        '--data_dir=' + self.data_dir,
        '--dataset=' + self.data_dir,
        '--measurements=constant',
        '--contestants=matrix_product_float32',
        '--secs=0.01',
        '--json=' + self.json,
    ]

  def test_resumes_after_a_kill(self):
    first = processes.start(
        'tools.speed.benchmark',
        self.flags(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not os.path.exists(self.json):
      self.assertIsNone(first.poll())
      time.sleep(0.05)
    first.kill()
    first.wait()
    before = results.read(self.json).runs
    self.assertNotEmpty(before)
    rounds = len(before)
    code, out, err = self.run_main('--rounds=%d' % rounds, *self.flags())
    self.assertEqual(0, code, err)
    self.assertLen(err.splitlines(), 1)  # One run was left.
    after = results.read(self.json).runs
    self.assertEqual(before, after[:-1])
    self.assertEqual(list(range(rounds + 1)), [run['round'] for run in after])
    self.assertIn('One constant batch, seconds/step', out)
    manifest = json.loads(pathlib.Path(self.json).read_text(encoding='utf-8'))[
        'manifest'
    ]
    self.assertEqual('small', manifest['dataset']['name'])
    self.assertEqual(100, manifest['flags']['steps'])
    self.assertIn('torch', manifest['versions'])
    # The same without measuring, and drawn.
    svg = self.json + '.svg'
    code, again, _ = self.run_main('--json=' + self.json, '--plot=' + svg)
    self.assertEqual((0, out), (code, again))
    self.assertTrue(os.path.exists(svg))
    # Another setting makes it another benchmark.
    code, _, err = self.run_main('--steps=200', *self.flags())
    self.assertEqual(1, code)
    self.assertIn('has results with different flags', err)

  def test_ctrl_c(self):
    with absltest.mock.patch.object(
        children, 'run', side_effect=KeyboardInterrupt
    ):
      code, _, err = self.run_main(*self.flags())
    self.assertEqual(130, code)
    self.assertIn('the same command resumes', err)

  def test_invalid_flags(self):
    data = '--data_dir=' + self.data_dir
    for args, message in (
        ([], 'specify the images with --data_dir'),
        ([data, '--rounds=0'], 'must be above 0'),
        ([data, '--steps=150'], 'a multiple of 100'),
        ([data, '--measurements=speed'], "there is no 'speed'; choose from"),
        ([data, '--contestants=theano'], "there is no 'theano'; choose from"),
        ([data, '--towers=3'], 'share a batch of 128 evenly'),
        ([data, '--plot=a.pdf'], 'must end with'),
        ([data, '--source=x'], 'the tutorial reads only CIFAR-10'),
        (['--json=' + self.json], 'cannot be read'),
    ):
      tool_program.assert_refused(
          self, benchmark.main, ['--dataset=' + self.data_dir, *args], message
      )
