"""The files of all goldens: bad ones are rejected, and writing round-trips."""

import json
import os

from absl.testing import parameterized

from cifar10_compat.base import errors
from tests.tools.parity import side_fixture
from tools.parity import golden_files
from tools.parity import golden_steps
from tools.parity import goldens
from tools.parity import outline_goldens

_FILES = (
    *((goldens, of, golden_files.DIRECTORY) for of in goldens.FILES),
    *((golden_steps, of, golden_files.DIRECTORY) for of in golden_steps.FILES),
    *((outline_goldens, of, outline_goldens.DIRECTORY) for of in goldens.FILES),
)


class GoldenFilesTest(parameterized.TestCase):

  def load(self, module, of, directory):
    """Returns the path, the content and the text of a golden."""
    name = getattr(module, 'path', goldens.path)(of, directory)
    with open(name, encoding='utf-8') as f:
      text = f.read()
    return name, json.loads(text), text

  @parameterized.parameters(*_FILES)
  def test_written_as_read(self, module, of, directory):
    name, golden, text = self.load(module, of, directory)
    out = os.path.join(self.create_tempdir().full_path, os.path.basename(name))
    self.assertEqual(out, golden_files.write(golden, out))
    with open(out, encoding='utf-8') as f:
      self.assertEqual(text, f.read())

  @parameterized.parameters(*_FILES)
  def test_missing_and_of_another_source(self, module, of, directory):
    name, golden, _ = self.load(module, of, directory)
    out = self.create_tempdir().full_path
    missing = '%s is missing: create it with .*--regenerate' % (
        os.path.basename(name)
    )
    with self.assertRaisesRegex(errors.UsageError, missing):
      module.read(of, out)
    golden_files.write(
        {**golden, 'sha256': '0'}, os.path.join(out, os.path.basename(name))
    )
    with self.assertRaisesRegex(errors.UsageError, r'\(SHA-256 0\): create it'):
      module.read(of, out)

  @parameterized.parameters(goldens, golden_steps)
  def test_there_is_none(self, module):
    first = sorted(module.FILES)[0]
    with self.assertRaisesRegex(
        errors.UsageError, 'no golden for v0.9.0, only for ' + first
    ):
      module.path('v0.9.0')

  def test_there_is_no_other(self):
    self.assertCountEqual(
        [*golden_steps.FILES.values(), *goldens.FILES.values()],
        os.listdir(golden_files.DIRECTORY),
    )

  @parameterized.parameters(
      ([], '--source'),
      (['--source=/no/such', '--data_dir=/no/such'], 'is not a directory'),
      (['--source=/', '--data_dir=/no/such'], 'not the tutorial'),
  )
  def test_bad_input(self, arguments, message):
    code, (line,) = side_fixture.run_main(goldens.main, *arguments)
    self.assertEqual(1, code)
    self.assertStartsWith(line, 'goldens: error: ')
    self.assertIn(message, line)

  def test_not_to_be_written(self):
    with self.assertRaisesRegex(
        errors.UsageError, '/no/such/x.json cannot be written'
    ):
      golden_files.write({}, '/no/such/x.json')
