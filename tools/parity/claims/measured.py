"""Trains and evaluates to measure the ledger's claims about a run."""

import contextlib
import glob
import io
import os
import tempfile
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_eval
from cifar10_compat import config as config_lib
from cifar10_compat.base import signals
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import hooks
from cifar10_compat.training import train_dirs

from ...base import processes
from ...base import training_log

# Number of steps in which a run writes three summaries.
STEPS = 201


class Run(NamedTuple):
  """A run of the port's trainer."""

  output: str  # the trainer's stdout
  log: list  # of training_log.Lines
  summaries: tuple  # the steps at which the run wrote summaries


def short_run(data_dir, steps=STEPS):
  """Trains for a few steps.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
    steps: int, number of steps.

  Returns:
    Run.

  Raises:
    UsageError: the trainer failed.
  """
  with tempfile.TemporaryDirectory() as train_dir:
    output = processes.run(
        'cifar10_compat.cifar10_train',
        [
            '--data_dir=' + data_dir,
            '--train_dir=' + train_dir,
            '--max_steps=%d' % steps,
        ],
        'cifar10_train failed',
    )
    found = {
        event.step
        for path in glob.glob(os.path.join(train_dir, 'events.*'))
        for event in tf.train.summary_iterator(path)
        if event.summary.value
    }
  return Run(output, training_log.parse(output), tuple(sorted(found)))


def saved_steps(max_steps=2001):
  """Returns the steps at which the port saves, run on a graph without weights.

  Args:
    max_steps: int, the number of steps in the run.
  """

  class Saver(object):
    steps = []

    def save(self, unused_session, unused_path, global_step):
      self.steps.append(global_step)

  with tf.Graph().as_default(), tempfile.TemporaryDirectory() as train_dir:
    update = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    saver, steps = Saver(), hooks.StepHook()
    saving = hooks.CheckpointSaverHook()
    config = config_lib.Train(train_dir=train_dir)
    saving.run = hooks.Run(
        config,
        signals.NEVER,
        lambda: None,
        steps,
        saver,
        tf.no_op(),
    )
    with (
        train_dirs.opened(config) as saving.run.directory,
        tf.train.MonitoredSession(hooks=[steps, saving]) as sess,
    ):
      for _ in range(max_steps):
        sess.run(update)
  return tuple(saver.steps)


def precisions(data_dir, run):
  """Evaluates a run's newest checkpoint on each test image once.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
    run: str, a train_dir.

  Returns:
    (int, float, float): step, and precision with averaged and with raw weights.

  Raises:
    CheckpointError: there is no checkpoint, or the checkpoint does not match
      the network.
  """
  found = []
  with tempfile.TemporaryDirectory() as scratch:
    for averaged in (True, False):
      with contextlib.redirect_stdout(io.StringIO()):
        found.append(
            cifar10_eval.evaluate(
                config_lib.Eval(
                    data_dir=data_dir,
                    eval_dir=scratch,
                    checkpoint_dir=run,
                    run_once=True,
                    averaged=averaged,
                )
            )
        )
  return (checkpoint_list.newest(run).step, *found)
