"""Trains the CIFAR-10 network in several processes, on one machine or more.

Parameter servers (job ps) hold the variables, workers each compute gradients
from a batch of their own.  By default the workers' gradients are averaged into
one update; with --sync=false each worker makes its own.  Start one process for
each task, for instance

  cifar10_distributed_train --job_name=ps --task_index=0 \\
      --ps_hosts=127.0.0.1:2222 --worker_hosts=127.0.0.1:2223,127.0.0.1:2224

and the same with --job_name=worker and --task_index=0 and 1.  Worker 0 is the
chief, who checkpoints; a task that died is started again by the same command.
Without these flags the environment variable TF_CONFIG says who is where.
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import logging
import os
import signal
import sys

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_download
from cifar10_compat import cifar10_eval
from cifar10_compat import cluster as cluster_lib
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import flags as shared_flags
from cifar10_compat import heartbeats
from cifar10_compat import local_input
from cifar10_compat import models
from cifar10_compat import signals
from cifar10_compat import summaries
from cifar10_compat import training


# How long a ps waits for workers, who are done, to end.
_END_SECS = 20


class SyncHook(tf.train.SessionRunHook):
  """What SyncReplicasOptimizer needs, in a way that outlives the chief.

  The optimizer's own hook closes the queue of tokens, which is the ps's, when
  the chief stops; no later chief could use it.
  """

  def __init__(self, optimizer, is_chief):
    """Makes the hook.

    Args:
      optimizer: tf.train.SyncReplicasOptimizer that has applied gradients.
      is_chief: bool; the chief's thread makes the updates.
    """
    self._optimizer = optimizer
    self._is_chief = is_chief
    self._is_anew = False

  def begin(self):
    self._init_op = (self._optimizer.chief_init_op if self._is_chief else
                     self._optimizer.local_step_init_op)
    if self._is_chief:
      self._tokens_op = self._optimizer.get_init_tokens_op()
      made = self._optimizer.get_chief_queue_runner()
      nothing = tf.no_op()
      self._runner = tf.train.QueueRunner(
          made.queue, made.enqueue_ops, close_op=nothing, cancel_op=nothing,
          queue_closed_exception_types=(tf.errors.OutOfRangeError,
                                        tf.errors.CancelledError))

  def after_create_session(self, session, coord):
    session.run(self._init_op)
    self._coord = coord
    if self._is_chief:
      # With tokens from the start, as the optimizer's own hook has them, the
      # chief would make updates of its own gradients alone.  A session made
      # anew may have been closed between an update and its tokens.
      if self._is_anew:
        session.run(self._tokens_op)
      self._is_anew = True
      self._runner.create_threads(session, coord=coord, daemon=True, start=True)

  def end(self, session):
    # Nothing else ends the thread's wait for gradients.  Hooks end in order,
    # and this one is the last that needs the session.
    if self._is_chief:
      self._coord.request_stop()  # So that no thread takes it for an error.
      session.close()


class _ChiefSessionCreator(tf.train.SessionCreator):
  """Restores or initializes the variables, if this process did not yet.

  A session made anew finds them on the ps as the last step left them.
  """

  def __init__(self, scaffold, master, config, train_dir, reset):
    """See tf.train.ChiefSessionCreator; `reset` is run in the first session."""
    self._scaffold = scaffold
    self._master = master
    self._config = config
    self._reset = reset
    self._restoring = tf.train.ChiefSessionCreator(scaffold, master, config,
                                                   checkpoint_dir=train_dir)
    self._restored = False

  def create_session(self):
    if self._restored:
      session = tf.Session(self._master, config=self._config)
      if not session.run(self._scaffold.ready_op).size:
        return session
      session.close()  # The ps was started anew meanwhile.
    session = self._restoring.create_session()
    session.run(self._reset)
    self._restored = True
    return session


class _WorkerSessionCreator(tf.train.SessionCreator):
  """Waits for the chief, looking every second instead of every 30."""

  def __init__(self, cluster, master, config, connect_secs):
    self._cluster = cluster
    self._master = master
    self._config = config
    self._connect_secs = connect_secs

  def create_session(self):
    scaffold = tf.train.Scaffold().finalize()
    manager = tf.train.SessionManager(
        local_init_op=scaffold.local_init_op, ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        recovery_wait_secs=1)
    try:
      return manager.wait_for_session(self._master, config=self._config,
                                      max_wait_secs=self._connect_secs)
    except tf.errors.DeadlineExceededError as e:
      chief = self._cluster.workers[0]
      raise errors.UsageError(
          'the variables have no values: %s %d at %s, the chief, did not give '
          'them any within %g seconds; start it, or give it more time with '
          '--connect_secs' %
          (chief + (self._cluster.address(*chief), self._connect_secs))) from e


def build(images, labels, global_step, num_classes=cifar10.NUM_CLASSES,
          batch_size=cifar10.BATCH_SIZE,
          num_examples_per_epoch=cifar10.NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN,
          num_workers=1, replicas_to_aggregate=None, model=models.CIFAR10):
  """Builds the network and the ops that train it synchronously.

  Args:
    images: float32 tensor of shape [batch_size, 24, 24, 3].
    labels: int32 tensor of shape [batch_size].
    global_step: integer variable, counts the updates.
    num_classes: int.
    batch_size: int, for the length of an epoch in updates.
    num_examples_per_epoch: int.
    num_workers: int, at least 1.
    replicas_to_aggregate: int, how many gradients make an update; num_workers
      unless given.
    model: models.Model.

  Returns:
    train_op: Operation that gives a gradient and waits for the update.
    loss: float32 tensor of shape [], this worker's.
    optimizer: tf.train.SyncReplicasOptimizer.
  """
  loss = cifar10.loss(model.inference(images, num_classes), labels)

  lr = cifar10.learning_rate(global_step, batch_size, num_examples_per_epoch)
  summaries.scalar_summary('learning_rate', lr)

  loss_averages_op = cifar10.add_loss_summaries(loss)

  # Through the optimizer, so that the weights are averaged once an update and
  # not once for each worker.
  opt = tf.train.SyncReplicasOptimizer(
      tf.train.GradientDescentOptimizer(lr),
      replicas_to_aggregate or num_workers, total_num_replicas=num_workers,
      variable_averages=tf.train.ExponentialMovingAverage(
          cifar10.MOVING_AVERAGE_DECAY, global_step),
      variables_to_average=tf.trainable_variables())
  with tf.control_dependencies([loss_averages_op]):
    grads = opt.compute_gradients(loss)

  train_op = opt.apply_gradients(grads, global_step=global_step)
  # The session's own test of readiness does.
  opt.ready_for_local_init_op.mark_used()

  for var in tf.trainable_variables():
    summaries.histogram_summary(var.op.name, var)
  for grad, var in grads:
    summaries.histogram_summary(var.op.name + '/gradients', grad)

  return train_op, loss, opt


def _session_config(cluster, log_device_placement, allow_growth):
  """Returns a ConfigProto; a session sees its own task and the ps only.

  It would otherwise wait for each task of the cluster.
  """
  config = tf.ConfigProto(
      allow_soft_placement=True, log_device_placement=log_device_placement,
      device_filters=['/job:ps',
                      '/job:%s/task:%d' % (cluster.job, cluster.index)])
  config.gpu_options.allow_growth = allow_growth
  return config


def serve(cluster, stop):
  """Holds variables until the workers have finished.

  Args:
    cluster: cluster.Cluster, of which this is a ps.
    stop: signals.StopRequest, ends it.

  Raises:
    UsageError: the port is taken.
  """
  server = cluster_lib.start_server(cluster)
  with tf.Graph().as_default():
    table = heartbeats.Table(len(cluster.workers))
    with tf.Session(server.target, config=_session_config(
        cluster, False, False)) as session:
      heartbeats.wait_until_done(session, table, stop)
  # Those who are done still use the ps while they close their sessions.
  cluster_lib.wait_for_end(cluster, _END_SECS, stop)


def train(cluster, data_dir, train_dir, leave, dataset=datasets.CIFAR10,
          batch_size=cifar10.BATCH_SIZE, max_steps=1000000, sync=True,
          replicas_to_aggregate=None, decay_by_examples=False,
          connect_secs=60.0, ps_timeout_secs=30.0, log_device_placement=False,
          allow_growth=False, fresh=False, stop=None,
          model=models.CIFAR10):
  """Trains as one of the workers, for a number of steps of all of them.

  Args:
    cluster: cluster.Cluster, of which this is a worker.
    data_dir: str, the directory that holds the set's directory.
    train_dir: str, for checkpoints and event files; only the chief uses it.
    leave: function of an exit code and a message that ends the process, for
      when TensorFlow waits for what will not come.
    dataset: datasets.Dataset.
    batch_size: int, at least 1, images of one worker.
    max_steps: int, at least 1, updates.
    sync: bool, average the workers' gradients into one update, instead of an
      update for each.
    replicas_to_aggregate: int, how many gradients make an update with sync; the
      number of workers unless given.
    decay_by_examples: bool, let the learning rate drop every 350 epochs of
      images in all updates, instead of in one worker's.
    connect_secs: number, how long to wait for ps and chief at the start.
    ps_timeout_secs: number, how long a ps may be gone later.
    log_device_placement: bool, print where each op runs.
    allow_growth: bool, take GPU memory as needed.
    fresh: bool, remove an earlier run's checkpoints and event files first.
    stop: signals.StopRequest, ends training after the step at hand.
    model: models.Model.

  Returns:
    (int, float): the global step reached and the last step's loss, None if no
    step was made.

  Raises:
    errors.UsageError, DataError, CheckpointError, DivergedError: see their
      texts, and training.run().
  """
  num_workers = len(cluster.workers)
  replicas_to_aggregate = replicas_to_aggregate or num_workers
  errors.check_at_least_one(batch_size=batch_size, max_steps=max_steps)
  if not 1 <= replicas_to_aggregate <= num_workers:
    raise errors.UsageError(
        'replicas_to_aggregate is %d: it must be 1 to %d, the number of '
        'workers' % (replicas_to_aggregate, num_workers))
  stop = stop or signals.StopRequest()
  unchanged = datasets.watch(dataset, data_dir)
  if cluster.is_chief:
    training.prepare_train_dir(train_dir, dataset, model, fresh)

  server = cluster_lib.start_server(cluster)
  cluster_lib.wait_for_ps(cluster, connect_secs, stop)
  config = _session_config(cluster, log_device_placement, allow_growth)

  device = tf.train.replica_device_setter(
      cluster=tf.train.ClusterSpec(cluster.tasks),
      worker_device='/job:%s/task:%d' % (cluster.job, cluster.index))
  with tf.Graph().as_default(), tf.device(device), local_input.LocalInput(
      lambda: cifar10.distorted_inputs(data_dir, batch_size, dataset), stop,
      unchanged.check) as source:
    global_step = tf.train.get_or_create_global_step()

    if sync:
      train_op, loss, optimizer = build(
          source.images, source.labels, global_step, dataset.num_classes,
          batch_size * (replicas_to_aggregate if decay_by_examples else 1),
          dataset.num_examples_per_epoch_for_train, num_workers,
          replicas_to_aggregate, model)
    else:
      loss = cifar10.loss(model.inference(source.images, dataset.num_classes),
                          source.labels)
      train_op = cifar10.train(loss, global_step, batch_size,
                               dataset.num_examples_per_epoch_for_train)

    table = heartbeats.Table(num_workers)
    saver = tf.train.Saver(tf.global_variables())
    summary_op = tf.summary.merge(
        [source.summary] + tf.get_collection(tf.GraphKeys.SUMMARIES))

    def make_hooks(steps, checkpoint=None):

      def leave_stalled(session):
        if not stop.requested:
          leave(0, 'Training has ended.')
        if checkpoint:
          checkpoint.end(session)
        leave(128 + stop.signum, 'Stopped by %s after %d steps%s.' % (
            signal.Signals(stop.signum).name, steps.after,
            ', which are saved' if checkpoint else ''))

      beat = heartbeats.HeartbeatHook(table, cluster, steps, max_steps, stop,
                                      leave_stalled)
      return [beat] + ([SyncHook(optimizer, cluster.is_chief)] if sync else [])

    with cluster_lib.PsWatchdog(cluster, ps_timeout_secs,
                                lambda message: leave(1, message)):
      if cluster.is_chief:
        return training.run(
            train_op, loss, train_dir, max_steps, batch_size, saver, summary_op,
            unchanged.check, stop=stop, make_hooks=make_hooks,
            make_session_creator=lambda scaffold: _ChiefSessionCreator(
                scaffold, server.target, config, train_dir, table.initializer),
            local_input=source)
      return training.run_beside_chief(
          train_op, loss, max_steps, batch_size, unchanged.check,
          _WorkerSessionCreator(cluster, server.target, config, connect_secs),
          make_hooks, source, stop)


# What --help shows first.
_FIRST_FLAGS = ('job_name', 'task_index', 'ps_hosts', 'worker_hosts', 'sync',
                'replicas_to_aggregate', 'allow_remote', 'batch_size',
                'data_dir', 'train_dir', 'max_steps', 'dataset')


def define_flags():
  """Defines the flags of 2016, then ours."""
  shared_flags.define_data_flags()
  shared_flags.define_model_flags()
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
                       'How many gradients make an update with --sync; as many '
                       'as there are workers unless given.', lower_bound=1)
  flags.DEFINE_float('connect_secs', 60,
                     'How long to wait for the other tasks at the start.',
                     lower_bound=0)
  flags.DEFINE_float('ps_timeout_secs', 30,
                     'How long a parameter server may be gone later.',
                     lower_bound=1)
  flags.DEFINE_boolean('allow_remote', False,
                       'Let tasks be on other machines.  The protocol has no '
                       'authentication: firewall the ports first.')
  flags.DEFINE_string('eval_dir', '/tmp/cifar10_eval',
                      "An evaluator's directory for event files.")
  shared_flags.define_decay_flags()
  shared_flags.define_session_flags()


def _leave(code, message):
  """Ends the process, whatever its threads wait for or are printing."""
  stream = sys.stdout
  if code == 1:
    message = '%s: error: %s' % (os.path.basename(sys.argv[0]), message)
    stream = sys.stderr
  sys.stdout.flush()
  sys.stderr.flush()
  # Not through the stream, whose buffer another thread may have in its hands.
  os.write(stream.fileno(), (message + '\n').encode())
  os._exit(code)


def is_news(record):
  """Whether a logging.LogRecord of TensorFlow says what we do not say better.

  When a ps is gone, TensorFlow closes the session and logs what the threads of
  that session met, should they have met it first.  The session is made anew, or
  the watchdog ends the process.
  """
  return not record.getMessage().startswith(
      'An error occurred when attempting to close the session.')


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  logging.getLogger('tensorflow').addFilter(is_news)
  if FLAGS.job_name:
    cluster = cluster_lib.from_flags(FLAGS.job_name, FLAGS.task_index,
                                     FLAGS.ps_hosts, FLAGS.worker_hosts)
  elif 'TF_CONFIG' in os.environ:
    cluster = cluster_lib.from_tf_config(os.environ['TF_CONFIG'])
  else:
    raise errors.UsageError('neither --job_name nor TF_CONFIG says what this '
                            'process is; --help has an example')
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  model = models.get(FLAGS.model)
  data_dir = shared_flags.user_path(FLAGS.data_dir)
  train_dir = shared_flags.user_path(FLAGS.train_dir)
  if cluster.job != cluster_lib.EVALUATOR:
    if not FLAGS.allow_remote:
      cluster_lib.check_local(cluster)
    print('%s %d: TensorFlow listens on port %s of every interface of this '
          'machine, without authentication.' %
          (cluster.job, cluster.index, cluster.address(
              cluster.job, cluster.index).rpartition(':')[2]), flush=True)
  if cluster.job == cluster_lib.PS:
    serve(cluster, stop)
    return
  cifar10_download.maybe_download_and_extract(data_dir, dataset, stop,
                                              FLAGS.data_url)
  if cluster.job == cluster_lib.EVALUATOR:
    cifar10_eval.evaluate(
        data_dir, shared_flags.user_path(FLAGS.eval_dir), train_dir, dataset,
        batch_size=FLAGS.batch_size, allow_growth=FLAGS.allow_growth, stop=stop,
        model=model)
    return
  train(cluster, data_dir, train_dir, _leave, dataset, FLAGS.batch_size,
        FLAGS.max_steps, FLAGS.sync, FLAGS.replicas_to_aggregate,
        FLAGS.decay_by_examples, FLAGS.connect_secs, FLAGS.ps_timeout_secs,
        FLAGS.log_device_placement, FLAGS.allow_growth, FLAGS.fresh, stop,
        model)


def console_main():
  """What the installed command cifar10_distributed_train runs."""
  shared_flags.run(define_flags, main, _FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
