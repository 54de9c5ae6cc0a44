"""The real child program on a small set."""

from absl.testing import absltest

from tests.helpers import record_fixture
from tools.speed import children


class InputRateTest(absltest.TestCase):

  def test_the_program(self):
    directory = self.create_tempdir().full_path
    record_fixture.write_set(directory, *record_fixture.random_images(100))
    for name in ('literal', 'fast', 'tf_data'):
      values = children.run(
          'tools.speed.input_rate',
          [name, '--data_dir=' + directory, '--dataset=' + directory]
          + ['--batch_size=16', '--secs=0.01'],
          what=name,
      ).values
      self.assertGreater(values['examples_per_second'], 0)
      self.assertGreater(values['fill_seconds'], 0)
      self.assertAlmostEqual(0, values['mean'], delta=1e-3)
      self.assertAlmostEqual(1, values['stddev'], delta=1e-3)
