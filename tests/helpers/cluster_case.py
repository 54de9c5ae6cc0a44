"""Tests of clusters of real processes on this machine."""

import os
import signal

import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tests.helpers import small_cluster

# A line of the log, after the first step.
STEP = r': step ([1-9]\d*),'


class ClusterCase(tf.test.TestCase):
  """A custom set, and a directory to train in.

  Attributes:
    dataset: description.Dataset.
    train_dir: str.
  """

  def setUp(self):
    super().setUp()
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    self.dataset = record_fixture.write_set(
        self.create_tempdir().full_path, *record_fixture.random_images(200)
    )

  def cluster(self, *flags):
    """Returns a small_cluster.SmallCluster; its processes end with the test."""
    made = small_cluster.SmallCluster(self.dataset, self.train_dir, *flags)
    self.addCleanup(made.kill)
    return made

  def start(self, *flags):
    """Starts a ps and two workers, and waits for a step of the second one.

    Returns:
      small_cluster.SmallCluster, and its three processes.
    """
    cluster = self.cluster(*flags)
    ps, chief, worker = cluster.start_all()
    worker.wait_for_line(STEP)
    return cluster, ps, chief, worker

  def kill(self, program):
    program.process.kill()
    self.assertEqual(-signal.SIGKILL, program.finish()[0])

  def assert_ended_well(self, *programs):
    """Waits for the ends of programs; returns their outputs."""
    results = [program.finish() for program in programs]
    for code, out, err in results:
      self.assertEqual((0, ''), (code, err), out)
    return [out for _, out, _ in results]

  def assert_fails(self, program, message):
    """Waits for the end of a program, whose error begins with a message."""
    code, out, err = program.finish()
    self.assertEqual(1, code, err)
    self.assertStartsWith(
        err, 'cifar10_distributed_train.py: error: ' + message, out
    )
    return err

  def step(self):
    """Returns the step of the last checkpoint."""
    return int(tf.train.load_variable(self.train_dir, 'global_step'))
