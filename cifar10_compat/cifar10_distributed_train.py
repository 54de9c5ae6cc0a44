"""Trains the CIFAR-10 network in several processes, on one machine or more.

Parameter servers (job ps) hold the variables; each worker computes gradients
from a batch of its own.  By default the workers' gradients are averaged into
one update; with --sync=false each worker makes its own.  Start one process for
each task, for instance

  cifar10_distributed_train --job_name=ps --task_index=0 \\
      --ps_hosts=127.0.0.1:2222 --worker_hosts=127.0.0.1:2223,127.0.0.1:2224

and the same with --job_name=worker and --task_index=0 and 1.  Worker 0 is the
chief, which saves checkpoints; a task that died is restarted by the same
command.  Without these flags the environment variable TF_CONFIG describes the
cluster.
"""

# First: TensorFlow reads the environment that they set while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import onednn  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import contextlib
import logging
import os
import signal

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.base import stop_deadline
from cifar10_compat.base import summaries
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.distributed import heartbeats
from cifar10_compat.distributed import local_input
from cifar10_compat.distributed import sessions
from cifar10_compat.distributed import sync as sync_lib
from cifar10_compat.training import loop
from cifar10_compat.training import train_dirs

# Seconds that a parameter server waits for finished workers to exit.
_END_SECS = 20
# Seconds from a signal to the end of the process, whatever it waits for.
_STOP_SECS = 30


def train(cluster, leave, *, data_dir, train_dir, dataset=datasets.CIFAR10,
          model=models.CIFAR10, batch_size=cifar10.BATCH_SIZE,
          max_steps=1000000, learning_rate=cifar10.INITIAL_LEARNING_RATE,
          sync=True, replicas_to_aggregate=None,
          decay_by_examples=False, connect_secs=60.0, ps_timeout_secs=30.0,
          chief_timeout_secs=600.0,
          log_device_placement=False, allow_growth=False, fresh=False,
          seed=None, stop=None):
  """Trains as one of the workers, for a number of steps of all of them.

  Args:
    cluster: cluster.Cluster, of which this is a worker.
    leave: function of an exit code and a message that ends the process when
      TensorFlow waits for what will not come.
    data_dir, train_dir, dataset, model, log_device_placement, allow_growth,
      fresh, stop: see cifar10_train.train(); only the chief uses train_dir.
    seed: int or None, of the graph; a worker adds its number among the workers for
      its images.
    batch_size: int, at least 1, images of one worker.
    max_steps: int, at least 1, the number of updates.
    learning_rate: float, above 0, that of the first updates.
    sync: bool, average the workers' gradients into one update.
    replicas_to_aggregate: int, how many gradients make an update with sync, or
      None for the number of workers.
    decay_by_examples: bool, let the learning rate drop every 350 epochs of
      images in all updates, instead of in one worker's.
    connect_secs: number, seconds to wait for ps and chief at the start.
    ps_timeout_secs: number, seconds that a ps may be gone later.
    chief_timeout_secs: number, seconds that the chief may be gone once it has
      been there.

  Returns:
    (int, float): the global step reached and the last step's loss, None if no
    step was made; (0, None) if it was stopped before it had a session.

  Raises:
    UsageError, DataError, CheckpointError, DivergedError: see loop.Loop.run().
  """
  errors.check_at_least_one(batch_size=batch_size, max_steps=max_steps)
  if replicas_to_aggregate is not None and not sync:
    raise errors.UsageError(
        'replicas_to_aggregate is %d, but without sync each gradient is an '
        'update: leave one of the two out' % replicas_to_aggregate)
  replicas = _replicas(replicas_to_aggregate, len(cluster.workers))
  stop = stop or signals.StopRequest()
  unchanged = checks.watch(dataset, data_dir)
  with contextlib.suppress(sessions.Stopped), contextlib.ExitStack() as stack:

    def opened():
      return stack.enter_context(train_dirs.opened(
          train_dir, dataset=dataset, model=model, fresh=fresh,
          learning_rate=learning_rate)) if cluster.is_chief else None

    # What is wrong with it is told before others are waited for, but nothing is
    # removed before it is known that none of them trains.
    directory = None if fresh else opened()
    connection = sessions.connect(
        cluster, connect_secs=connect_secs, stop=stop,
        log_device_placement=log_device_placement, allow_growth=allow_growth)
    if fresh and cluster.is_chief:
      sessions.check_not_in_use(connection)
      directory = opened()

    def inputs():
      tf.set_random_seed(None if seed is None else seed + cluster.worker_number)
      return model.distorted_inputs(data_dir=data_dir, batch_size=batch_size,
                                    dataset=dataset)

    with tf.Graph().as_default(), tf.device(connection.device()), (
        local_input.LocalInput(inputs, stop, unchanged.check)) as source:
      tf.set_random_seed(seed)
      ops, optimizer = _build_ops(
          source, dataset=dataset, model=model, batch_size=batch_size,
          sync=sync, num_workers=len(cluster.workers), replicas=replicas,
          decay_by_examples=decay_by_examples, learning_rate=learning_rate)
      training = loop.Loop(ops, max_steps=max_steps, batch_size=batch_size,
                           stop=stop, others_count=True,
                           check_input=unchanged.check)
      with _watching(cluster, leave, ps_timeout_secs=ps_timeout_secs,
                     chief_timeout_secs=chief_timeout_secs):
        return _run(training, optimizer, replicas=replicas, source=source,
                    connection=connection, directory=directory, leave=leave,
                    stop=stop)
  return 0, None


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  logging.getLogger('tensorflow').addFilter(is_news)
  cluster = _cluster_of_flags(FLAGS)
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  train_dir = shared_flags.user_path(FLAGS.train_dir)
  with stop_deadline.StopDeadline(stop, _STOP_SECS, _leave_late):
    _run_task(FLAGS, cluster, dataset=dataset, data_dir=data_dir,
              train_dir=train_dir, stop=stop)


def _run_task(flag_values, cluster, *, dataset, data_dir, train_dir, stop):
  """Does what main() does once it knows its cluster."""
  if cluster.job == cluster_lib.PS:
    serve(cluster, entry_points.leave,
          chief_timeout_secs=flag_values.chief_timeout_secs, stop=stop)
    return
  cifar10.maybe_download_and_extract(data_dir=data_dir, dataset=dataset,
                                     mirrors=flag_values.data_url, stop=stop)
  if cluster.job == cluster_lib.EVALUATOR:
    cifar10_eval.evaluate(data_dir=data_dir,
                          eval_dir=shared_flags.user_path(flag_values.eval_dir),
                          checkpoint_dir=train_dir,
                          dataset=dataset,
                          model=shared_flags.get_model(flag_values),
                          batch_size=flag_values.batch_size,
                          allow_growth=flag_values.allow_growth,
                          stop=stop)
    return
  train(cluster, entry_points.leave,
        data_dir=data_dir,
        train_dir=train_dir,
        dataset=dataset,
        model=shared_flags.get_model(flag_values),
        batch_size=flag_values.batch_size,
        max_steps=flag_values.max_steps,
        learning_rate=flag_values.learning_rate,
        sync=flag_values.sync,
        replicas_to_aggregate=flag_values.replicas_to_aggregate,
        decay_by_examples=flag_values.decay_by_examples,
        connect_secs=flag_values.connect_secs,
        ps_timeout_secs=flag_values.ps_timeout_secs,
        chief_timeout_secs=flag_values.chief_timeout_secs,
        log_device_placement=flag_values.log_device_placement,
        allow_growth=flag_values.allow_growth,
        fresh=flag_values.fresh,
        seed=flag_values.seed,
        stop=stop)


def build(images, labels, *, global_step, num_classes=cifar10.NUM_CLASSES,
          batch_size=cifar10.BATCH_SIZE,
          num_examples_per_epoch=cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN,
          num_workers=1, replicas_to_aggregate=1,
          initial_learning_rate=cifar10.INITIAL_LEARNING_RATE,
          model=models.CIFAR10):
  """Builds the network and the ops that train it synchronously.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3].
    labels: int32 tensor of shape [batch_size].
    global_step: integer variable, counts the updates.
    num_classes: int.
    batch_size: int, for the length of an epoch in updates.
    num_examples_per_epoch: int.
    num_workers: int, at least 1.
    replicas_to_aggregate: int, 1 to num_workers, how many gradients make an
      update.
    initial_learning_rate: float, above 0.
    model: models.Model.

  Returns:
    train_op: Operation that gives a gradient and waits for the update.
    loss: float32 tensor of shape [], this worker's.
    optimizer: tf.train.SyncReplicasOptimizer.
  """
  loss = cifar10.loss(model.inference(images, num_classes=num_classes), labels)

  lr = cifar10.learning_rate(global_step, batch_size=batch_size,
                             num_examples_per_epoch=num_examples_per_epoch,
                             initial_learning_rate=initial_learning_rate)
  summaries.scalar_summary('learning_rate', lr)

  # pylint: disable-next=protected-access
  loss_averages_op = cifar10._add_loss_summaries(loss)

  # Through the optimizer, so that the weights are averaged once an update and
  # not once for each worker.
  opt = tf.train.SyncReplicasOptimizer(
      tf.train.GradientDescentOptimizer(lr),
      replicas_to_aggregate, total_num_replicas=num_workers,
      variable_averages=tf.train.ExponentialMovingAverage(
          cifar10.MOVING_AVERAGE_DECAY, global_step),
      variables_to_average=tf.trainable_variables())
  with tf.control_dependencies([loss_averages_op]):
    grads = opt.compute_gradients(loss)

  train_op = opt.apply_gradients(grads, global_step=global_step)
  # The session tests by itself whether it is ready.
  opt.ready_for_local_init_op.mark_used()

  for var in tf.trainable_variables():
    summaries.histogram_summary(var.op.name, var)
  for grad, var in grads:
    summaries.histogram_summary(var.op.name + '/gradients', grad)

  return train_op, loss, opt


def serve(cluster, leave, *, chief_timeout_secs=600.0, stop=None):
  """Holds variables until the workers have finished.

  Args:
    cluster: cluster.Cluster, of which this is a ps.
    leave: see train().
    chief_timeout_secs: number, seconds that the chief may be gone once it has
      been there.
    stop: signals.StopRequest, ends it, or None.

  Raises:
    UsageError: the port is taken.
  """
  stop = stop or signals.StopRequest()
  server = cluster_lib.start_server(cluster)
  with tf.Graph().as_default():
    table = heartbeats.Table(len(cluster.workers))
    with tf.Session(server.target,
                    config=sessions.session_config(cluster)) as session:
      with cluster_lib.chief_watchdog(cluster, chief_timeout_secs,
                                      lambda message: leave(1, message)):
        heartbeats.wait_until_done(session, table, stop=stop)
  # Finished workers still use the ps while they close their sessions.
  cluster_lib.wait_for_end(cluster, _END_SECS, stop)


@contextlib.contextmanager
def _watching(cluster, leave, *, ps_timeout_secs, chief_timeout_secs):
  """Context in which a worker leaves when those that it needs are gone."""

  def fail(message):
    leave(1, message)

  with cluster_lib.ps_watchdog(cluster, ps_timeout_secs, fail):
    if cluster.is_chief:
      yield
    else:
      with cluster_lib.chief_watchdog(cluster, chief_timeout_secs, fail):
        yield


def _replicas(replicas_to_aggregate, num_workers):
  """Returns how many gradients make an update; raises UsageError."""
  if replicas_to_aggregate is None:
    return num_workers
  if not 1 <= replicas_to_aggregate <= num_workers:
    raise errors.UsageError(
        'replicas_to_aggregate is %d: it must be 1 to %d, the number of '
        'workers' % (replicas_to_aggregate, num_workers))
  return replicas_to_aggregate


def _build_ops(source, *, dataset, model, batch_size, sync, num_workers,
               replicas, decay_by_examples, learning_rate):
  """Builds a worker's graph; the arguments are those of train().

  Returns:
    ops: loop.Ops.
    optimizer: tf.train.SyncReplicasOptimizer, or None without sync.
  """
  global_step = tf.train.get_or_create_global_step()
  if sync:
    train_op, loss, optimizer = build(
        source.images, source.labels, global_step=global_step,
        num_classes=dataset.num_classes,
        batch_size=batch_size * (replicas if decay_by_examples else 1),
        num_examples_per_epoch=dataset.num_examples_per_epoch_for_train,
        num_workers=num_workers, replicas_to_aggregate=replicas,
        initial_learning_rate=learning_rate, model=model)
  else:
    optimizer = None
    loss = cifar10.loss(model.inference(
        source.images, num_classes=dataset.num_classes), source.labels)
    train_op = cifar10.train(
        loss, global_step, batch_size=batch_size,
        num_examples_per_epoch=dataset.num_examples_per_epoch_for_train,
        initial_learning_rate=learning_rate)
  summary_op = tf.summary.merge(
      [source.summary] + tf.get_collection(tf.GraphKeys.SUMMARIES))
  return loop.Ops(train_op, loss, tf.train.Saver(tf.global_variables()),
                  summary_op), optimizer


def _run(training, optimizer, *, replicas, source, connection, directory,
         leave, stop):
  """Trains as the chief or beside it.

  Args:
    training: loop.Loop.
    optimizer: tf.train.SyncReplicasOptimizer or None.
    replicas: int, how many gradients make an update of that optimizer.
    source: local_input.LocalInput.
    connection: sessions.Connection.
    directory: train_dirs.TrainDir of the chief, or None.
    leave, stop: see train().

  Returns:
    (int, float): see train().
  """
  cluster = connection.cluster
  table = heartbeats.Table(len(cluster.workers))

  def leave_stalled(session):
    try:
      saved = training.save(session)
    except errors.Cifar10Error as e:
      leave(1, str(e))
    if not stop.requested:
      table.update(session, cluster.worker_number, step=training.steps.after,
                   state=heartbeats.DONE)
      leave(0, 'Training has ended.')
    leave(128 + stop.signum, 'Stopped by %s after %d steps%s.' % (
        signal.Signals(stop.signum).name, training.steps.after,
        ', which are saved' if saved else ''))

  chief = cluster.is_chief and sessions.ChiefSessionCreator(
      training.scaffold(), connection, train_dir=directory.path, table=table)
  further_hooks = [source, heartbeats.HeartbeatHook(
      table, cluster, steps=training.steps, max_steps=training.max_steps,
      stop=stop, leave=leave_stalled,
      replicas=replicas if chief and optimizer else None)]
  if optimizer:
    further_hooks.append(sync_lib.SyncHook(optimizer, replicas, chief))

  if not chief:
    return training.run_beside_chief(
        sessions.WorkerSessionCreator(connection, stop), further_hooks)
  return training.run_as_chief(
      directory, chief, further_hooks=further_hooks,
      make_summary_feed=lambda: source.feed_dict(with_summary=True))


def _cluster_of_flags(flag_values):
  """Returns the Cluster that the flags or TF_CONFIG describe."""
  if flag_values.job_name:
    cluster = cluster_lib.from_flags(
        flag_values.job_name, flag_values.task_index,
        ps_hosts=flag_values.ps_hosts, worker_hosts=flag_values.worker_hosts)
  elif 'TF_CONFIG' in os.environ:
    cluster = cluster_lib.from_tf_config(os.environ['TF_CONFIG'])
  else:
    raise errors.UsageError('neither --job_name nor TF_CONFIG says what this '
                            'process is; --help has an example')
  if cluster.job == cluster_lib.EVALUATOR:
    return cluster  # It has no server.
  if not flag_values.allow_remote:
    cluster_lib.check_local(cluster)
  print('%s %d: TensorFlow listens on port %s of every interface of this '
        'machine, without authentication.' %
        (cluster.job, cluster.index, cluster.address(
            cluster.job, cluster.index).rpartition(':')[2]), flush=True)
  return cluster


def _leave_late(signum):
  """Ends the process when a signal's time is over."""
  entry_points.leave(
      128 + signum,
      'Stopped by %s, without the end of a step: what came after the last '
      'checkpoint is not saved.' % signal.Signals(signum).name)


def is_news(record):
  """Whether a logging.LogRecord of TensorFlow says what we do not say better.

  When a ps is gone, TensorFlow closes the session and logs what the threads of
  that session met, if they met it first.  The session is then recreated, or the
  watchdog ends the process.
  """
  return not record.getMessage().startswith(
      'An error occurred when attempting to close the session.')


# What --help shows first.
_FIRST_FLAGS = ('job_name', 'task_index', 'ps_hosts', 'worker_hosts', 'sync',
                'replicas_to_aggregate', 'allow_remote', 'batch_size',
                'data_dir', 'train_dir', 'max_steps', 'dataset')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
  shared_flags.define_fast_flags()
  shared_flags.define_training_flags()
  flags.DEFINE_enum('job_name', None, ['ps', 'worker'],
                    "This process's job; without it TF_CONFIG tells.")
  flags.DEFINE_integer('task_index', 0,
                       "This process's place in its job's list.")
  flags.DEFINE_list('ps_hosts', '',
                    'HOST:PORT of each parameter server, with commas.')
  flags.DEFINE_list('worker_hosts', '',
                    'HOST:PORT of each worker, with commas; the first one is '
                    'the chief.')
  flags.DEFINE_boolean('sync', True,
                       "Average the workers' gradients into one update, "
                       'instead of an update for each.')
  flags.DEFINE_integer('replicas_to_aggregate', None,
                       'Number of gradients that make an update with --sync. '
                       'Default: the number of workers.', lower_bound=1)
  flags.DEFINE_float('connect_secs', 60,
                     'Seconds to wait for the other tasks at the start.',
                     lower_bound=0)
  flags.DEFINE_float('ps_timeout_secs', 30,
                     'Seconds that a parameter server may be gone later.',
                     lower_bound=1)
  flags.DEFINE_float('chief_timeout_secs', 600,
                     'Seconds that the chief may be gone once it has been '
                     'there; then the other processes end.', lower_bound=1)
  flags.DEFINE_boolean('allow_remote', False,
                       'Let tasks be on other machines.  The protocol has no '
                       'authentication: firewall the ports first.')
  flags.DEFINE_string('eval_dir', '/tmp/cifar10_eval',
                      "An evaluator's directory for event files.")
  shared_flags.define_decay_flags()
  shared_flags.define_session_flags()


def console_main():
  """What the installed command cifar10_distributed_train runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
