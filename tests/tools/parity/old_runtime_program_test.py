"""//tools:compare --runtime as a process, if the environment exists."""

import json
import os

from absl.testing import absltest

from tests.tools.editions import old_runtimes
from tests.tools.parity import side_fixture
from tools.base import processes


class OldRuntimeProgramTest(absltest.TestCase):

  def test_nothing_is_unexplained(self):
    old_runtimes.environment(self, '0.12.1')
    data_dir = side_fixture.data_dir(self, 200)
    out = os.path.join(self.create_tempdir().full_path, 'report')
    result = processes.finish(
        processes.tool('parity.comparison'),
        [
            '--runtime=0.12.1',
            '--runtime_steps=5',
            '--runtime_images=256',
            '--spread_runs=1',
            '--spread_steps=10',
            '--data_dir=' + data_dir,
            '--out=' + out,
        ],
    )
    self.assertEqual(0, result.returncode, result.stderr)
    self.assertIn('tensorflow 0.12.1: no unexplained difference', result.stdout)
    with open(os.path.join(out, 'report.json'), encoding='utf-8') as f:
      text = f.read()
    self.assertRegex(text, r'"unexplained": 0\b')
    report = json.loads(text)
    self.assertEqual(0, report['unexplained'])
    sections = report['sections']
    claims, checkpoints, values, tags, losses, *evals, images, runs = sections
    self.assertIn('1,030 (tensorflow 0.12.1', claims['tables'][0]['rows'][0][2])
    self.assertIn('25 of 25 keys are bit-identical', checkpoints['text'][-1])
    self.assertIn('At step 5, ', values['text'][2])
    self.assertIn(
        'The original has 50 summary tags, the port 44', tags['text'][0]
    )
    self.assertIn('5 steps from the same weights', losses['text'][0])
    self.assertEqual(
        ['Eval of the original', 'Eval of the port'],
        [s['title'].partition(',')[0] for s in evals],
    )
    self.assertIn('Of 256 original and 256 port images, 0', images['text'][0])
    self.assertIn('1 of the original and 1 of the port', runs['text'][0])
    (table,) = [t for t in runs['tables'] if 'logs' in t['caption']]
    self.assertEqual([0, 10], [row[0] for row in table['rows']])
