"""Today's names for the CIFAR-10 tutorial's old symbols, in one table.

BRIDGES is both the migration guide that `historical --list` prints and the code
that makes the old scripts run: each entry contains the function that installs
the bridge, so the guide and the program cannot disagree.

An old script sees a stand-in for the module `tensorflow`: tf.compat.v1 plus the
old names.  TensorFlow itself stays unchanged, except for Tensor.__bool__, whose
result differs only if the script's own lines call it.
"""

from typing import Callable, NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat.base import summaries

from . import adapters
from . import stand_in as stand_in_lib


class Bridge(NamedTuple):
  """One old symbol."""

  old: str  # how the old scripts call the symbol
  new: str  # today
  reason: str
  install: Callable[[stand_in_lib.StandIn], None]


_TAG = 'today the tag is derived from the name; this bridge keeps the old tag'
_ORDER = 'keyword-only since 1.0, to prevent mixing up the order'

BRIDGES = (
    Bridge(
        'from tensorflow.models.image.cifar10 import cifar10',
        'import cifar10',
        'the tutorial is no longer part of the TensorFlow package',
        adapters.install_import_path,
    ),
    Bridge(
        'tf.mul(x, y)',
        'tf.multiply(x, y)',
        'renamed in 1.0',
        adapters.alias('mul', tf.multiply),
    ),
    Bridge(
        'tf.concat(0, values)',
        'tf.concat(values, 0)',
        'the axis comes last since 1.0',
        adapters.install_concat,
    ),
    Bridge(
        'tf.all_variables()',
        'tf.global_variables()',
        'renamed in 0.12',
        adapters.alias('all_variables', tf.global_variables),
    ),
    Bridge(
        'tf.initialize_all_variables()',
        'tf.global_variables_initializer()',
        'renamed in 0.12',
        adapters.alias(
            'initialize_all_variables', tf.global_variables_initializer
        ),
    ),
    Bridge(
        'sparse_softmax_cross_entropy_with_logits(x, y)',
        'the same with labels=y, logits=x',
        _ORDER,
        adapters.logits_first('sparse_softmax_cross_entropy_with_logits'),
    ),
    Bridge(
        'tf.nn.softmax_cross_entropy_with_logits(x, y)',
        'the same with labels=y, logits=x',
        _ORDER,
        adapters.logits_first('softmax_cross_entropy_with_logits'),
    ),
    Bridge(
        'tf.image.per_image_whitening(image)',
        'tf.image.per_image_standardization(image)',
        'renamed in 0.12, because the op never removed correlations',
        adapters.alias(
            'image.per_image_whitening', tf.image.per_image_standardization
        ),
    ),
    Bridge(
        'tf.image.random_crop(image, [24, 24])',
        'tf.random_crop(image, [24, 24, 3])',
        'crops along every dimension since 0.7',
        adapters.install_random_crop,
    ),
    Bridge(
        'tf.scalar_summary(tag, x)',
        'tf.summary.scalar(name, x)',
        _TAG,
        adapters.alias('scalar_summary', summaries.scalar_summary),
    ),
    Bridge(
        'tf.histogram_summary(tag, x)',
        'tf.summary.histogram(name, x)',
        _TAG,
        adapters.alias('histogram_summary', summaries.histogram_summary),
    ),
    Bridge(
        'tf.image_summary(tag, x)',
        'tf.summary.image(name, x)',
        _TAG,
        adapters.alias('image_summary', summaries.image_summary),
    ),
    Bridge(
        'tf.merge_summary(inputs)',
        'tf.summary.merge(inputs)',
        'renamed in 0.12',
        adapters.alias('merge_summary', tf.summary.merge),
    ),
    Bridge(
        'tf.merge_all_summaries()',
        'tf.summary.merge_all()',
        'renamed in 0.12',
        adapters.alias('merge_all_summaries', tf.summary.merge_all),
    ),
    Bridge(
        'tf.train.SummaryWriter(logdir, graph_def)',
        'tf.summary.FileWriter(logdir, graph)',
        'renamed in 0.12; takes a Graph instead of a GraphDef since 0.8',
        adapters.install_summary_writer,
    ),
    Bridge(
        'tf.summary.FileWriter(logdir), never closed',
        'with tf.summary.FileWriter(logdir)',
        'otherwise up to two minutes of events can be lost',
        adapters.install_file_writer,
    ),
    Bridge(
        'tf.train.start_queue_runners(sess)',
        'the same with coord=tf.train.Coordinator()',
        'threads still running at the end of the process raise errors',
        adapters.install_start_queue_runners,
    ),
    Bridge(
        'tf.Session(), never closed',
        'with tf.Session()',
        'threads still running at the end of the process raise errors',
        adapters.install_session,
    ),
    Bridge(
        "tf.device('/gpu:N') without a GPU",
        "tf.device('/cpu:N'), device_count={'CPU': N + 1}",
        'so that each tower keeps a separate device',
        adapters.install_device,
    ),
    Bridge(
        'if grad:',
        'if grad is not None:',
        'since 0.8 a tensor has no truth value; before, a tensor was always '
        'true',
        adapters.install_truth,
    ),
    Bridge(
        'ExponentialMovingAverage.apply() while reusing',
        'the towers in tf.variable_scope(tf.get_variable_scope())',
        'today apply() calls get_variable, which creates no variable while '
        'reusing',
        adapters.install_moving_average,
    ),
    Bridge(
        "tf.get_variable('global_step', [])",
        'tf.train.get_or_create_global_step()',
        "float32 by default, which today's hooks and sessions reject",
        adapters.install_global_step,
    ),
    Bridge(
        'tf.contrib.slim.prefetch_queue.prefetch_queue(x)',
        'tf.FIFOQueue with a tf.train.QueueRunner',
        'tf.contrib was removed in 2.0',
        adapters.install_prefetch_queue,
    ),
    Bridge(
        'tf.gfile.DeleteRecursively(train_dir)',
        'stop if the directory exists',
        'the scripts delete an existing train_dir or eval_dir without asking',
        adapters.install_delete,
    ),
    Bridge(
        'cifar10.maybe_download_and_extract()',
        'download.maybe_download_and_extract(data_dir)',
        "the old function kept a broken archive; the port's function checks "
        'the archive',
        adapters.install_download,
    ),
)


def install(source, script):
  """Creates a stand-in with every bridge.

  Args:
    source: str, the directory of the historical files.
    script: str, the name of the script, for messages.

  Returns:
    StandIn, whose modules the caller must add to sys.modules.
  """
  stand_in = stand_in_lib.StandIn(source, script)
  for bridge in BRIDGES:
    bridge.install(stand_in)
  return stand_in
