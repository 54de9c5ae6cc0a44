"""The recorded outlines of the original, and the program that records them."""

import json
import os
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from cifar10_compat.base import errors
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.editions import scripts
from tools.parity import goldens
from tools.parity import outline
from tools.parity import outline_goldens

_EDITION = 'tensorflow v0.7.0 and v0.7.1'


class RecordedTest(parameterized.TestCase):

  @parameterized.parameters(*goldens.FILES)
  def test_only_names_of_calls(self, edition):
    recorded = outline_goldens.read(edition)
    self.assertEqual(outline.FILES, tuple(recorded))
    for functions in recorded.values():
      for function, calls in functions.items():
        self.assertRegex(function, r'^\w+$')
        for call in calls:
          self.assertRegex(call, r'^\.?\w+(\.\w+)*$')

  def test_some_that_everybody_knows(self):
    recorded = outline_goldens.read(_EDITION)
    self.assertEqual(
        ['tf.device', 'tf.get_variable'],
        recorded['cifar10.py']['_variable_on_cpu'],
    )
    self.assertIn(
        'tf.train.start_queue_runners', recorded['cifar10_train.py']['train']
    )


class ProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.source = self.create_tempdir().full_path
    self.out = self.create_tempdir().full_path
    for name in outline.FILES:
      self.write(name, 'def main():\n  tf.mul(a.b())\n\n\ndef f():\n  c()\n')
    self.edition = historical_fixture.OLD._replace(name=_EDITION, sha256='7')
    self.enter_context(
        mock.patch.object(scripts, 'find_edition', return_value=self.edition)
    )
    self.enter_context(mock.patch.object(scripts, 'EDITIONS', (self.edition,)))

  def write(self, name, text):
    with open(os.path.join(self.source, name), 'w') as f:
      f.write(text)

  def main(self, *arguments):
    """Returns the exit code and the printed lines."""
    return side_fixture.run_main(
        outline_goldens.main,
        '--source=' + self.source,
        '--out=' + self.out,
        *arguments,
    )

  def test_regenerate_and_check(self):
    code, lines = self.main()
    self.assertEqual(1, code)
    self.assertIn('v0.7.0.json is missing: create it with', lines[-1])
    self.assertEqual(0, self.main('--regenerate')[0])
    code, lines = self.main()
    self.assertEqual(0, code)
    self.assertEndsWith(lines[-1], 'v0.7.0.json: 0 differences')

    self.write('cifar10_eval.py', 'def main():\n  b()\n\n\ndef g():\n  pass\n')
    code, lines = self.main()
    self.assertEqual(1, code)
    self.assertEqual(
        [
            'cifar10_eval.py: main',
            'cifar10_eval.py: f',
            'cifar10_eval.py: g',
        ],
        lines[:-1],
    )

  def test_one_function_a_line(self):
    self.main('--regenerate')
    with open(os.path.join(self.out, 'v0.7.0.json'), encoding='utf-8') as f:
      text = f.read()
    self.assertEqual(
        {
            'edition': _EDITION,
            'sha256': '7',
            'outlines': outline.read(self.source),
        },
        json.loads(text),
    )
    self.assertEqual(
        2 * ['"main": [".b", "tf.multiply"],', '"f": ["c"]'],
        [l for l in text.splitlines() if '": [' in l][:4],
    )

  def test_bad_input(self):
    code, lines = self.main('--regenerate', '--out=/no/such')
    self.assertEqual(1, code)
    self.assertIn('/no/such/v0.7.0.json cannot be written', lines[-1])
    os.remove(os.path.join(self.source, 'cifar10.py'))
    self.assertIn('cifar10.py cannot be read', self.main()[1][-1])
    scripts.find_edition.return_value = historical_fixture.OLD
    self.assertIn('there is no golden for a test', self.main()[1][-1])
    scripts.find_edition.side_effect = errors.UsageError('not the tutorial')
    self.assertEqual(
        (1, ['outline_goldens: error: not the tutorial']), self.main()
    )
