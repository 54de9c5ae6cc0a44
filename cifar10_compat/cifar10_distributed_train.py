"""Trains the CIFAR-10 network in several processes, on one or more machines.

Parameter servers (job ps) store the variables; each worker computes gradients
from its own batch.  By default the workers' gradients are averaged into one
update; with --sync=false each worker applies its own gradients.  Start one
process per task, for example

  cifar10_distributed_train --job_name=ps --task_index=0 \\
      --ps_hosts=127.0.0.1:2222 --worker_hosts=127.0.0.1:2223,127.0.0.1:2224

and two with --job_name=worker, --task_index=0 and 1.  Worker 0 is the chief,
which saves checkpoints.  To restart a task that died, run its command again.
Without --job_name, the environment variable TF_CONFIG describes the cluster.
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'DistributedTrain')  # Run before TensorFlow loads.

from collections.abc import Callable
import contextlib
import dataclasses
from datetime import datetime
import logging
import os
import signal

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import summaries
from cifar10_compat.data import checks
from cifar10_compat.distributed import agreement
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import heartbeats
from cifar10_compat.distributed import local_input
from cifar10_compat.distributed import sessions
from cifar10_compat.distributed import sync as sync_lib
from cifar10_compat.training import hooks
from cifar10_compat.training import train_dirs
from cifar10_compat.training import training_session

# Seconds that a parameter server waits for finished workers to exit.
_END_SECS = 20
# Seconds after a stop signal until the process ends, even if it hangs.
_STOP_SECS = 30

# A function that ends the process with an exit code and a message.
Leave = Callable[[int, str], object]


def train(
    cluster: cluster_lib.Cluster,
    leave: Leave,
    config: config_lib.DistributedTrain,
    stop: signals.StopRequest = signals.NEVER,
) -> int:
  """Trains as one worker until all workers together reach a global step.

  Args:
    cluster: the cluster in which this process is a worker.
    leave: function that takes an exit code and a message and ends the process,
      even while TensorFlow waits for a lost task.
    config: the settings.  batch_size is per worker; max_steps counts updates;
      only the chief uses train_dir.  Each worker seeds its input with the sum
      of the seed and its worker number.
    stop: request that ends training after the current step.

  Returns:
    The global step reached; 0 if training was stopped before the session was
    created.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError, WriteError: see
      training_session.MonitoredTrainingSession().
  """
  num_workers = len(cluster.workers)
  replicas = config.replicas_to_aggregate or num_workers
  if replicas > num_workers:
    raise errors.UsageError(
        f'replicas_to_aggregate is {replicas}: it must be 1 to {num_workers}, '
        'the number of workers')
  network = models.network(config)
  input_files = checks.watch(config.dataset, config.data_dir)

  with contextlib.suppress(cluster_lib.Stopped), (
      contextlib.ExitStack()) as stack:
    # Report problems with train_dir before waiting for other tasks.
    directory = None
    if cluster.is_chief:
      directory = stack.enter_context(train_dirs.opened(
          dataclasses.replace(config, replicas_to_aggregate=replicas)
          if config.sync else config, input_files.fingerprint))
    connection = sessions.connect(cluster, config, stop)
    if directory:
      if config.fresh:
        sessions.patiently(lambda: sessions.check_not_in_use(connection),
                           config.connect_secs, stop)
      sessions.patiently(connection.settle, config.connect_secs, stop)

    def make_inputs() -> tuple[tf.Tensor, tf.Tensor]:
      tf.set_random_seed(None if config.seed is None else
                         config.seed + cluster.worker_number)
      return cifar10.distorted_inputs(config)

    # Place variables on the parameter servers, all other ops on this worker.
    with tf.Graph().as_default(), tf.device(connection.device()), (
        local_input.LocalInput(make_inputs, stop, input_files.check)) as source:
      tf.set_random_seed(config.seed)
      global_step = tf.train.get_or_create_global_step()

      logits = network.inference(source.images, config)
      loss = cifar10.loss(logits, source.labels)

      # Make one update from all workers' gradients, or one from each worker's.
      if config.sync:
        train_op, optimizer = sync_train(
            loss, global_step, config, replicas=replicas,
            num_workers=num_workers)
      else:
        train_op, optimizer = cifar10.train(loss, global_step, config), None

      run = hooks.Run(
          config, stop, input_files.check, hooks.StepHook(shared=True),
          tf.train.Saver(tf.global_variables()),
          tf.summary.merge(
              [source.summary] + tf.get_collection(tf.GraphKeys.SUMMARIES)),
          make_summary_feed=lambda: source.feed_dict(with_summary=True))

      def log_line(step: int, loss_value: float, duration: float) -> str:
        return (f'{datetime.now()}: step {step}, loss = {loss_value:.2f} '
                f'({config.batch_size / duration:.1f} examples/sec; '
                f'{duration:.3f} sec/batch)')

      # The chief restores and saves the variables; the others wait for it.
      table = heartbeats.Table(num_workers)
      chief = None
      if directory:
        chief = sessions.ChiefSessionCreator(
            tf.train.Scaffold(saver=directory.resuming_saver(run.saver),
                              summary_op=run.summary_op),
            connection, train_dir=directory.path, table=table)
      further_hooks = [source, heartbeats.HeartbeatHook(
          table, cluster, steps=run.steps, max_steps=config.max_steps,
          stop=stop, leave=_leave_stalled(run, table, cluster, leave),
          replicas=0 if not optimizer else replicas if chief else None)]
      if optimizer:
        further_hooks.append(sync_lib.SyncHook(optimizer, replicas, chief))

      def fail(message: str) -> None:
        leave(1, message)

      # End the worker if a parameter server or the chief is lost.
      with (
          cluster_lib.ps_watchdog(cluster, config.ps_timeout_secs, fail),
          contextlib.nullcontext() if cluster.is_chief else
          cluster_lib.chief_watchdog(cluster, config.chief_timeout_secs, fail),
          training_session.shared_session(
              run, chief or sessions.WorkerSessionCreator(connection, stop),
              directory=directory,
              hooks=[hooks.NanTensorHook(loss),
                     hooks.LoggerHook(loss, log_line),
                     tf.train.StopAtStepHook(last_step=config.max_steps)],
              further_hooks=further_hooks) as mon_sess):
        while not mon_sess.should_stop():
          mon_sess.run(train_op)
      return mon_sess.step
  return 0


def main(
    config: config_lib.DistributedTrain, stop: signals.StopRequest
) -> None:
  """Runs the program."""
  tf.disable_v2_behavior()
  logging.getLogger('tensorflow').addFilter(is_news)
  cluster = _cluster_of(config)
  with signals.stop_deadline(stop, _STOP_SECS, _leave_late):
    if cluster.job == cluster_lib.PS:
      serve(cluster, entry_points.leave, config, stop)
      return
    cifar10.maybe_download_and_extract(config, stop)
    if cluster.job == cluster_lib.EVALUATOR:
      cifar10_eval.evaluate(config_lib.evaluator_of(config), stop)
    else:
      train(cluster, entry_points.leave, config, stop)


def sync_train(
    loss: tf.Tensor,
    global_step: tf.Variable,
    config: config_lib.DistributedTrain,
    *,
    replicas: int,
    num_workers: int,
) -> tuple[tf.Operation, tf.train.SyncReplicasOptimizer]:
  """Adds a synchronous training step of several workers: see cifar10.train().

  Args:
    loss: float32 tensor of shape [], from cifar10.loss().
    global_step: integer variable that counts the updates.
    config: the initial learning rate and the number of updates per epoch.
    replicas: 1 to num_workers, the number of gradients per update.
    num_workers: at least 1.

  Returns:
    train_op: Operation that pushes a gradient and waits for the update.
    optimizer: the tf.train.SyncReplicasOptimizer.
  """
  # The learning rate decreases in stages: see cifar10.train().
  examples_per_step = config.batch_size * (
      replicas if config.decay_by_examples else 1)
  num_batches_per_epoch = (config.dataset.num_examples_per_epoch_for_train /
                           examples_per_step)
  decay_steps = max(1, int(num_batches_per_epoch *
                           cifar10.NUM_EPOCHS_PER_DECAY))
  lr = tf.train.exponential_decay(config.learning_rate, global_step,
                                  decay_steps,
                                  cifar10.LEARNING_RATE_DECAY_FACTOR,
                                  staircase=True)
  summaries.scalar_summary('learning_rate', lr)

  # pylint: disable-next=protected-access
  loss_averages_op = cifar10._add_loss_summaries(loss)

  # The optimizer maintains the moving averages, so that they change once per
  # update and not once per worker.
  opt = tf.train.SyncReplicasOptimizer(
      tf.train.GradientDescentOptimizer(lr),
      replicas, total_num_replicas=num_workers,
      variable_averages=tf.train.ExponentialMovingAverage(
          cifar10.MOVING_AVERAGE_DECAY, global_step),
      variables_to_average=tf.trainable_variables())
  with tf.control_dependencies([loss_averages_op]):
    grads = opt.compute_gradients(loss)

  train_op = opt.apply_gradients(grads, global_step=global_step)
  # Avoid a warning that this op is unused: the session creators check
  # themselves whether the variables are initialized.
  opt.ready_for_local_init_op.mark_used()

  for var in tf.trainable_variables():
    summaries.histogram_summary(var.op.name, var)
  for grad, var in grads:
    summaries.histogram_summary(var.op.name + '/gradients', grad)

  return train_op, opt


def serve(
    cluster: cluster_lib.Cluster,
    leave: Leave,
    config: config_lib.DistributedTrain,
    stop: signals.StopRequest = signals.NEVER,
) -> None:
  """Serves the variables until the workers have finished.

  Args:
    cluster: the cluster in which this process is a ps.
    leave: see train().
    config: the settings, including chief_timeout_secs, how long the chief may
      be unreachable after its first answer.
    stop: request that ends the wait.

  Raises:
    UsageError: the port is already in use.
  """
  server = cluster_lib.start_server(cluster)
  with tf.Graph().as_default():
    table = heartbeats.Table(len(cluster.workers))
    with tf.Session(
        server.target, config=sessions.session_config(cluster, config)
    ) as session, cluster_lib.chief_watchdog(
        cluster, config.chief_timeout_secs, lambda message: leave(1, message)):
      heartbeats.wait_until_done(
          session, table, stop=stop, settle=lambda: agreement.settle(
              server.target, sessions.session_config(cluster, config),
              agreement.settings(config, cluster), chief=False))
  # Finished workers still use the ps while they close their sessions.
  cluster_lib.wait_for_end(cluster, _END_SECS, stop)


def _leave_stalled(
    run: hooks.Run,
    table: heartbeats.Table,
    cluster: cluster_lib.Cluster,
    leave: Leave,
) -> Callable[[tf.Session], None]:
  """Returns a function that ends a stalled worker: see HeartbeatHook."""

  def leave_stalled(session: tf.Session) -> None:
    try:
      saved = run.save(session)
    except errors.Cifar10Error as e:
      leave(1, str(e))
    signum = run.stop.signum
    if signum is None:
      table.update(session, cluster.worker_number, step=run.steps.after,
                   state=heartbeats.DONE)
      leave(0, 'Training has ended.')
    else:
      leave(128 + signum,
            f'Stopped by {signal.Signals(signum).name} after {run.steps.after} '
            f'steps{", which are saved" if saved else ""}.')

  return leave_stalled


def _cluster_of(config: config_lib.DistributedTrain) -> cluster_lib.Cluster:
  """Returns the Cluster that the flags or TF_CONFIG describe."""
  if config.job_name:
    cluster = cluster_lib.from_flags(
        config.job_name, config.task_index, ps_hosts=config.ps_hosts,
        worker_hosts=config.worker_hosts)
  elif 'TF_CONFIG' in os.environ:
    cluster = cluster_lib.from_tf_config(os.environ['TF_CONFIG'])
  else:
    raise errors.UsageError('neither --job_name nor TF_CONFIG describes this '
                            'process: see the example in --help')
  if cluster.job == cluster_lib.EVALUATOR:
    return cluster  # An evaluator runs no server.
  if not config.allow_remote:
    cluster_lib.check_local(cluster)
  port = cluster.address(cluster.job, cluster.index).rpartition(':')[2]
  print(f'{cluster.job} {cluster.index}: TensorFlow listens on port {port} on '
        'all interfaces of this machine, without authentication.', flush=True)
  return cluster


def _leave_late(signum: int) -> None:
  """Ends a process that has not stopped in time."""
  entry_points.leave(
      128 + signum,
      f'Stopped by {signal.Signals(signum).name} in the middle of a step: the '
      'steps since the last checkpoint are not saved.')


def is_news(record: logging.LogRecord) -> bool:
  """Returns whether a TensorFlow log record adds to this program's messages.

  When a parameter server is lost, TensorFlow closes the session and may log the
  errors of the session's threads.  The worker itself reports the loss: it
  recreates the session, or its watchdog ends the process.
  """
  return not record.getMessage().startswith(
      'An error occurred when attempting to close the session.')


def console_main() -> None:
  """Entry point of the installed command cifar10_distributed_train."""
  entry_points.run(config_lib.DistributedTrain, main)


if __name__ == '__main__':
  console_main()
