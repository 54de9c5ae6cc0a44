"""The command line of //tools:runtime_goldens; no old interpreter is needed."""

import copy
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.editions import environments
from tools.editions import old_scripts
from tools.editions import scripts
from tools.parity import golden_steps
from tools.parity import runtime_goldens


class RuntimeGoldensTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.out = self.create_tempdir().full_path
    self.data_dir = side_fixture.data_dir(self)

  def main(self, *arguments):
    """Returns the exit code and the printed lines."""
    return side_fixture.run_main(
        runtime_goldens.main,
        '--data_dir=' + self.data_dir,
        '--out=' + self.out,
        *arguments,
    )

  def test_regenerate_and_check(self):
    golden = golden_steps.read('0.12.1')
    edition = historical_fixture.OLD._replace(name='tensorflow 0.12.1')
    asked = []

    def make(old, unused_port, *, seed):
      asked.append((old.source, old.runtime, old.data_dir, seed))
      return dict(copy.deepcopy(golden), seed=seed)

    with (
        mock.patch.object(scripts, 'find_edition', return_value=edition),
        mock.patch.object(old_scripts, 'bundled', return_value='/bundled'),
        mock.patch.object(
            environments,
            'make',
            return_value=environments.Environment(
                fake_runtime.RUNTIME, '/environment'
            ),
        ),
        mock.patch.object(
            golden_steps,
            'port',
            lambda unused_data_dir: side_fixture.small(self),
        ),
        mock.patch.object(golden_steps, 'find_seed', return_value=41),
        mock.patch.object(golden_steps, 'make', make),
    ):
      code, lines = self.main('--runtime=0.12.1')
      self.assertEqual(1, code)
      self.assertIn('is missing: create it with', lines[-1])
      self.assertEmpty(asked)
      self.assertEqual(0, self.main('--runtime=0.12.1', '--regenerate')[0])
      self.assertEqual([('/bundled', '0.12.1', self.data_dir, 41)], asked)
      # The seed comes from the file.
      with mock.patch.object(golden_steps, 'find_seed') as find_seed:
        code, lines = self.main('--runtime=0.12.1', '--source=/source')
        find_seed.assert_not_called()
      self.assertEqual(0, code, lines)
      self.assertEndsWith(lines[-1], ': 0 differences')
      self.assertEqual(('/source', '0.12.1', self.data_dir, 41), asked[-1])
      golden['values']['rate']['elements'] = [0.25]
      code, lines = self.main('--runtime=0.12.1')
      self.assertEqual(
          (1, 'elements of rate: [0.25], not [0.100000001]'), (code, lines[0])
      )
      self.assertEndsWith(lines[-1], ': 1 differences')
      code, lines = self.main(
          '--runtime=0.12.1', '--regenerate', '--out=/no/such'
      )
      self.assertEqual(1, code)
      self.assertIn('/no/such', lines[-1])

  def test_bad_input(self):
    for arguments, message in (
        ((), '--runtime'),
        (('--runtime=0.11.0',), 'TensorFlow 0.11.0 is not supported'),
        (
            ('--runtime=1.15.5',),
            'does not bundle the tutorial: specify a directory of',
        ),
        (('--runtime=1.15.5', '--source=/no/such'), 'is not a directory'),
        (('--runtime=0.12.1', '--data_dir=/no/such'), '/no/such'),
    ):
      code, lines = self.main(*arguments)
      self.assertEqual(1, code)
      self.assertStartsWith(lines[-1], 'runtime_goldens: error: ')
      self.assertIn(message, lines[-1])
    with mock.patch.object(
        scripts, 'find_edition', return_value=historical_fixture.OLD
    ):
      _, lines = self.main('--runtime=0.12.1', '--source=/source')
    self.assertIn(
        '/source contains the edition a test, but the golden of TensorFlow '
        '0.12.1 is for tensorflow 0.12.1',
        lines[-1],
    )
