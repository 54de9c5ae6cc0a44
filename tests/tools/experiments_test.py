"""The table of experiments."""

from absl import flags
from absl.testing import absltest

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train
from cifar10_compat import models
from cifar10_compat.base import errors
from tools import experiment_run
from tools import experiments


class ExperimentsTest(absltest.TestCase):

  def test_each_can_be_started(self):
    for name, experiment in experiments.EXPERIMENTS.items():
      self.assertIn(experiment.model, models.MODELS, name)
      self.assertFalse(experiment.towers and experiment.workers, name)
      self.assertEqual(bool(experiment.ps), bool(experiment.workers), name)
      program = cifar10_train
      if experiment.towers:
        program = cifar10_multi_gpu_train
      if experiment.workers:
        program = cifar10_distributed_train
      self._parse(program, experiment_run.Run('', name, experiment, 1).flags())

  def _parse(self, program, args):
    before = set(flags.FLAGS)
    program.define_flags()
    try:
      flags.FLAGS(['program', *args])
      self.assertEqual(1, flags.FLAGS.seed)
    finally:
      flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)

  def test_get(self):
    self.assertEqual(100000, experiments.get('published').max_steps)
    with self.assertRaisesRegex(
        errors.UsageError, "called 'fats': choose one of default, fast, "
    ):
      experiments.get('fats')


if __name__ == '__main__':
  absltest.main()
