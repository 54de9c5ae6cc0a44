"""The table of experiments."""

from absl import flags
from absl.testing import absltest

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from tools.experiments import plan
from tools.experiments import run as run_lib


class ExperimentsTest(absltest.TestCase):

  def test_each_experiment_can_start(self):
    for name, experiment in plan.EXPERIMENTS.items():
      self.assertFalse(experiment.towers and experiment.workers, name)
      self.assertEqual(bool(experiment.ps), bool(experiment.workers), name)
      program = config_lib.Train
      if experiment.towers:
        program = config_lib.MultiGpuTrain
      if experiment.workers:
        program = config_lib.DistributedTrain
      self._parse(program, run_lib.Run('', name, experiment, 1).flags())

  def _parse(self, program, args):
    flag_values = flags.FlagValues()
    settings.define_flags(program, flag_values)
    flag_values(['program', *args])
    self.assertEqual(
        1, settings.from_flags(program, flag_values=flag_values).seed
    )

  def test_get(self):
    self.assertEqual(100000, plan.get('published').max_steps)
    with self.assertRaisesRegex(
        errors.UsageError,
        "there is no experiment 'fats'; choose one of default, fast, ",
    ):
      plan.get('fats')
