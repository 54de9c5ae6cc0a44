"""Makes the goldens of the original runtime again, if it is installed."""

import os

from absl.testing import absltest

from tests.tools.editions import old_runtimes
from tests.tools.parity import side_fixture
from tools.base import processes

# Names the directory of tensorflow/models v1.13.0, which no wheel bundles.
_SOURCE = 'CIFAR10_MODELS_V1_13'


class RuntimeGoldensProgramTest(absltest.TestCase):

  def check(self, version, *flags):
    old_runtimes.environment(self, version)
    data_dir = side_fixture.data_dir(self)
    result = processes.finish(
        processes.tool('parity.runtime_goldens'),
        ['--runtime=' + version, '--data_dir=' + data_dir, *flags],
    )
    self.assertEqual(0, result.returncode, result.stdout + result.stderr)
    self.assertEndsWith(
        result.stdout, 'runtime-%s.json: 0 differences\n' % version
    )

  def test_bundled_edition(self):
    self.check('0.12.1')

  def test_v1_13_0(self):
    if not os.environ.get(_SOURCE):
      self.skipTest(
          '%s does not name tutorials/image/cifar10 of tensorflow/models v1.13.0'
          % _SOURCE
      )
    self.check('1.15.5', '--source=' + os.environ[_SOURCE])
