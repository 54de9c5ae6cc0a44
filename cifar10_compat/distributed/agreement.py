"""Checks that all tasks of a training run have the same settings.

The chief stores its settings in a variable on the first ps, beside the
heartbeats.  Every other task compares its own settings with the chief's.  So
does a later chief, whether restarted or started by mistake.  Checkpoints do not
contain this variable.
"""

import json
import os

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.distributed import cluster as cluster_lib

Settings = dict[str, object]

# The settings that determine the updates.
_FLAGS = (
    'model',
    'batch_size',
    'learning_rate',
    'decay_by_examples',
    'sync',
    'replicas_to_aggregate',
    'max_steps',
)


def settings(
    config: config_lib.DistributedTrain, cluster: cluster_lib.Cluster
) -> Settings:
  """Returns a task's settings by flag, as JSON values."""
  # Compare only the number of addresses: tasks may use different names for a
  # host.
  told: Settings = {
      'ps_hosts': f'{len(cluster.tasks[cluster_lib.PS])} addresses',
      'worker_hosts': f'{len(cluster.workers)} addresses',
  }
  if cluster.job == cluster_lib.PS:
    return told
  told['dataset'] = config.dataset.name
  # Compare the entire description: two custom image sets may have the same
  # name.
  for name in ('class_names', 'label_index', 'flip'):
    told[f'dataset ({name})'] = getattr(config.dataset, name)
  told.update((name, getattr(config, name)) for name in _FLAGS)
  if cluster.is_chief:
    told['train_dir'] = os.path.realpath(config.train_dir)
  return json.loads(json.dumps(told))


def settle(
    target: str, session_config: tf.ConfigProto, told: Settings, *, chief: bool
) -> bool:
  """Compares a task's settings with the chief's; the first chief stores them.

  Args:
    target: the target of the task's server.
    session_config: the configuration of the task's sessions.
    told: the task's settings, from settings().
    chief: whether this task is a chief.

  Returns:
    Whether the settings of a chief are stored.

  Raises:
    UsageError: the settings differ; the message names the flag and both values.
  """
  with tf.Graph().as_default():
    with tf.device('/job:ps/task:0/cpu:0'):
      variable = tf.Variable(
          '', trainable=False, collections=[], name='agreement'
      )
      initialized = tf.is_variable_initialized(variable)
      text = tf.placeholder(tf.string, [])
      assign = tf.assign(variable, text).op
    with tf.Session(target, config=session_config) as session:
      if not session.run(initialized):
        if chief:
          session.run(assign, {text: json.dumps(told)})
        return chief
      agreed = json.loads(session.run(variable))
  for flag, value in told.items():
    errors.UsageError.raise_if(
        agreed.get(flag, value) != value,
        f'--{flag} is {value}, but {agreed.get(flag)} in the run on the '
        "parameter servers: start this task with the chief's flags"
        + (', or stop all tasks first' if chief else ''),
    )
  return True
